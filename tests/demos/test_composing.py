from __future__ import annotations

import base64
import hashlib
import json
import re

import lxml.html
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from demos.composing import BEACON, compose
from demos.designs import DESIGNS
from demos.facts import Facts, Source
from demos.trades import all_trades

LARGEST = 120 * 1024
MARK = "zqxj"
MAP = "https://www.openstreetmap.org/search?query="
#: Text with a mark, so that it can be found again wherever it ends up.
hostile = st.one_of(
    st.text(max_size=200),
    st.sampled_from(
        [
            f"</script><script>{MARK}()</script>",
            f'"><img src=x onerror={MARK}()>',
            f"' onmouseover='{MARK}()",
            f"</style><style>{MARK}",
            f"<!--{MARK}",
            f"]]>{MARK}<![CDATA[",
            f"javascript:{MARK}()",
            f"{{{{ {MARK} }}}}{{% include 'x' %}}",
            "\u202eevil\u202c",
            "مطعم الزيتون",
            "👩‍🔧" * 40,
            "\x00\x1b[31m\ufeff\ufffe\ud800",
            "N" * 200,
        ]
    ),
)
hostile_facts = st.builds(
    Facts,
    name=hostile,
    category=hostile,
    description=hostile,
    email=hostile,
    phone=hostile,
    street=hostile,
    city=hostile,
    region=hostile,
    postal_code=hostile,
    country=hostile,
    latitude=st.none() | st.floats(),
    longitude=st.none() | st.floats(),
    hours=st.lists(hostile | st.just("Mo-Fr 09:00-17:00"), max_size=3).map(tuple),
    colour=hostile,
    sources=st.lists(
        st.builds(Source, field=hostile, source=hostile, day=hostile), max_size=2
    ).map(tuple),
)
#: Every element that our own template and drawings use.
OURS = {
    *("html", "head", "meta", "title", "link", "style", "script", "body", "main"),
    *("a", "aside", "p", "header", "footer", "nav", "div", "span", "bdi", "strong"),
    *("section", "h1", "h2", "h3", "ul", "ol", "li", "dl", "dt", "dd", "br"),
    *("figure", "blockquote", "figcaption", "details", "summary"),
    *("svg", "g", "path", "circle", "rect", "ellipse", "line", "polyline", "polygon"),
}


def parse(page):
    return lxml.html.document_fromstring(
        page.html.decode(), parser=lxml.html.HTMLParser(encoding="utf-8")
    )


def description(tree):
    (script,) = tree.xpath("//script[@type='application/ld+json']")
    return json.loads(script.text)


@settings(max_examples=150, deadline=None)
@given(hostile_facts)
@example(Facts(name=f"</script><script>{MARK}()</script>"))
@example(Facts(name="x", description=f"<b onclick={MARK}()>" + "words " * 20))
def test_whatever_a_lead_is_called_nothing_of_it_becomes_mark_up(facts):
    tree = parse(compose(facts))
    assert {e.tag for e in tree.iter(lxml.etree.Element)} <= OURS
    assert [s.text for s in tree.xpath("//script[not(@type)]")] == [BEACON]
    for element in tree.iter(lxml.etree.Element):
        for name, value in element.attrib.items():
            assert not name.startswith("on")
            assert MARK not in name
            assert not value.strip().lower().startswith("javascript:")
    assert not tree.xpath("//comment()")


@settings(max_examples=150, deadline=None)
@given(hostile_facts)
def test_the_description_for_machines_is_always_valid_json_of_facts(facts):
    told = description(parse(compose(facts)))
    assert told["@context"] == "https://schema.org"
    assert told["@type"] in {trade.schema for trade in all_trades().values()}
    assert not {"aggregateRating", "review", "makesOffer"} & told.keys()


@settings(max_examples=100, deadline=None)
@given(hostile_facts)
def test_every_page_is_small_and_asks_nobody_for_anything(facts):
    page = compose(facts)
    assert len(page.html) <= LARGEST
    tree = parse(page)
    assert not tree.xpath("//img|//iframe|//object|//embed|//form|//base|//*[@src]")
    for link in tree.xpath("//link"):
        assert link.get("href").startswith("data:")
    css = " ".join(tree.xpath("//style/text()"))
    assert set(re.findall(r"url\((.{5})", css)) == {"data:"}
    assert "@import" not in css


@settings(max_examples=50, deadline=None)
@given(hostile_facts)
def test_the_same_facts_give_the_same_bytes_and_their_hash(facts):
    one, two = compose(facts), compose(facts)
    assert one == two
    assert one.build == hashlib.sha256(one.html).hexdigest()


def test_a_page_says_everywhere_that_it_is_a_proposal_and_stays_unlisted():
    tree = parse(compose(Facts(name="Pier Nine Auto")))
    (robots,) = tree.xpath("//meta[@name='robots']/@content")
    assert robots == "noindex,nofollow,noarchive"
    (referrer,) = tree.xpath("//meta[@name='referrer']/@content")
    assert referrer == "no-referrer"
    footer = " ".join(tree.xpath("//footer//text()"))
    assert "private design proposal, not the business\u2019s live website" in footer


def test_only_known_facts_are_shown():
    text = parse(compose(Facts(name="Xyz"))).text_content()
    for word in ("Phone", "E-mail", "Address", "Hours", "In your own words", "None"):
        assert word not in text
    assert "star" not in text.lower().replace("start", "")
    assert not re.search(r"since \d{4}|years of experience|\d+ reviews", text)


def test_phone_mail_address_and_hours_can_be_used_at_a_touch():
    facts = Facts(
        name="Pier Nine Auto",
        phone="+15105550177",
        email="hello@pier.example",
        street="9 Pier St",
        city="Oakland",
        region="CA",
        postal_code="94607",
        latitude=37.8,
        longitude=-122.27,
        hours=("Mo-Fr 08:00-17:00", "nonsense", "Su,We 9:00-12:00"),
        sources=(Source(field="phone", source="website", day="2026-11-02"),),
    )
    tree = parse(compose(facts))
    assert set(tree.xpath("//a/@href")) >= {
        "tel:+15105550177",
        "mailto:hello@pier.example",
        f"{MAP}9%20Pier%20St%2C%20Oakland%2C%20CA%2094607",
    }
    text = tree.text_content()
    assert "(510) 555-0177" in text
    assert "Monday to Friday: 08:00–17:00" in text
    assert "Sunday, Wednesday: 09:00–12:00" in text
    assert "Phone: website, 2026-11-02" in text
    told = description(tree)
    assert told["@type"] == "AutoRepair"
    assert told["telephone"] == "+15105550177"
    assert told["geo"]["latitude"] == 37.8
    assert told["address"]["streetAddress"] == "9 Pier St"
    assert told["openingHoursSpecification"][1]["dayOfWeek"] == ["Sunday", "Wednesday"]


def test_a_long_description_ends_with_a_whole_sentence():
    story = "We mend boats. " * 60
    tree = parse(compose(Facts(name="Boats", description=story)))
    (words,) = tree.xpath("//blockquote//text()")
    assert words.endswith("We mend boats.")
    assert len(words) <= 420


def test_the_script_hash_is_that_of_the_script_on_the_page():
    page = compose(Facts(name="Xyz"))
    (script,) = parse(page).xpath("//script[not(@type)]/text()")
    digest = hashlib.sha256(script.encode()).digest()
    assert base64.b64encode(digest).decode() == page.script_hash


@pytest.mark.parametrize("key", all_trades())
def test_every_trade_has_a_whole_page_of_its_own(key):
    trade = all_trades()[key]
    word = trade.words[0].rstrip("*") if trade.words else "Something else"
    page = compose(Facts(name=word, city="Alameda"))
    assert page.trade == key
    tree = parse(page)
    assert tree.xpath("//h1/text()") == [trade.headline]
    assert len(tree.xpath("//section[@id='services']//li//svg")) == 6
    assert len(tree.xpath("//section[@id='questions']//details")) == 3
    assert tree.xpath("//div[@class='art']/svg")
    ids = tree.xpath("//@id")
    assert len(ids) == len(set(ids))
    for target in tree.xpath("//a[starts-with(@href, '#')]/@href"):
        assert target[1:] in ids


def test_every_family_looks_different():
    families = {trade.family for trade in all_trades().values()}
    assert families == DESIGNS.keys()
    drawings = set()
    for trade in all_trades().values():
        word = trade.words[0].rstrip("*") if trade.words else "x"
        tree = parse(compose(Facts(name=word)))
        art = lxml.html.tostring(tree.xpath("//div[@class='art']")[0])
        drawings.add((trade.family, art))
    assert len(drawings) == len(families)
    assert len({art for _, art in drawings}) == len(families)
