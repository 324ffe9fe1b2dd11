"""What is built to harm ends in an outcome and a sentence, in bounded processor time.

Each shape is one that has kept an expression, a parser or a list of ours busy for minutes.
The bounds are several times what they take on a slow machine.
"""

from __future__ import annotations

import gzip
import io
import time
import zipfile
from collections.abc import Callable
from contextlib import contextmanager

import pytest

from fliptech_site.errors import InvalidInput
from leads.calming import without_giant_tags
from leads.explaining import ContactsExplainer, PageExplainer
from leads.extracting.assembling import extract_leads
from leads.file_matching import match_file
from leads.outcomes import Outcome
from leads.pages import parse_html
from leads.robots_rules import parse_robots
from leads.saved_pages import MAX_BYTES, read_saved
from leads.sources import craigslist_pages
from leads.tables.opening import open_table
from tests.leads import craigslist_shapes as shapes

LD = '<script type="application/ld+json">'
KILO = 30


def times(unit: str) -> str:
    return unit * (KILO * 1000 // len(unit))


@contextmanager
def at_most(seconds: float):
    began = time.process_time()
    yield
    took = time.process_time() - began
    assert took < seconds, f"It took {took:.1f} s of processor time."


PAGES = {
    "tags inside each other": times("<div>"),
    "100,000 tags inside each other": "<i>" * 100_000,
    "tables inside each other": times("<table><tr><td>"),
    "less-than signs": times("<"),
    "comments that nothing ends": times("<!--"),
    "declarations": times("<!"),
    "braces": times("{"),
    "brackets": times("["),
    "keys": times('{"a":'),
    "quotes": times('"'),
    "ampersands": times("&"),
    "a reference beyond measure": "<p>joe@shop.example &#" + times("1"),
    "JSON-LD that nothing ends": times(f'{LD}{{"@type":"Dentist","name":"x",'),
    "many bad blocks": times(LD + '{"name": }</script>'),
    "braces in JSON-LD": f"{LD}{times('{')}</script>",
    "quotes in JSON-LD": f"{LD}{{{times(chr(34))}</script>",
    "escaped quotes in JSON-LD": LD + '{"a": "b" ' + times('\\"') + "</script>",
    "comments in JSON-LD": f"{LD}{times('<!--')}</script>",
    "opened comments in JSON-LD": LD + '{"a": 1 ' + times("/*") + "</script>",
    "slashes in JSON-LD": f"{LD}{times('//')}</script>",
    "digits in JSON-LD": f'{LD}{{"a": {times("1")}}}</script>',
    "blanks in JSON-LD": f'{LD}{{"a": 1, {times(" ")}}}</script>',
    "an attribute": f'<a href="{times("a")}">x</a>',
    "a mailto link of signs": f'<a href="mailto:{times("a@")}">x</a>',
    "a mailto link of fields": f'<a href="mailto:a@b.example?{times("&to=a")}">x</a>',
    "attributes": "<a " + " ".join(f"a{number}=1" for number in range(40_000)),
    "entities of entities": (
        '<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">'
        + "".join(f'<!ENTITY c{n} "&b;&b;&b;&b;&b;&b;&b;&b;">' for n in range(9))
        + f"]><body>{times('&c8;')}"
    ),
    "at signs": times("@"),
    "a at b": times("a@"),
    "addresses without an end": times("a@b."),
    "labels": f"a@{times('a-')}",
    "a word": times("a"),
    "underlines": times("_"),
    "dots": times("."),
    "blanks": f"a{times(' ')}(at)",
    "spelled signs": times("a (at) b (dot) "),
    "shouted signs": times("a AT b DOT "),
    "spoken signs": times("a at b dot "),
    "digits": times("1"),
    "digits and blanks": times("1 "),
    "digits and dashes": times("1-"),
    "brackets of area codes": times("(1"),
    "years": times("© 2020 "),
    "numbers that are none": times("1234567 "),
    "house numbers": times("12 A, "),
    "joined strings": f"<script>mailto {times(chr(39) + '+' + chr(39))}</script>",
    "microdata inside each other": times("<div itemscope itemprop=a>"),
    "properties that nothing ends": f"<div itemscope>{times('<b itemprop=a>x')}",
    "references to all": "<div itemscope itemref='a b c d e f g'></div>" * 500
    + "".join(f"<p id={name}>{'<b itemprop=x>y</b>' * 200}" for name in "abcdefg"),
    "forms inside each other": times("<form><input type=email>"),
    "links": times('<a href="/contact">contact us</a>'),
    "titles": f"<title>{times(' - ')}</title>",
    "JSON in a page": f"<html><head></head><body><pre>{{{times('a')}</pre>",
}


@pytest.mark.parametrize("shape", PAGES)
def test_a_page_built_to_harm_ends_in_an_outcome(shape, tmp_path):
    file = tmp_path / "page.html"
    file.write_text(PAGES[shape])
    with at_most(4):
        (page,) = PageExplainer().explain(source="website", file=[file], url="")
        (contacts,) = ContactsExplainer().explain(file=[file], url="", region="US")
    assert page["outcome"] in Outcome
    assert page["items"] or page["reason"].endswith((".", ")"))
    assert contacts["outcome"] in Outcome


@pytest.mark.parametrize("unit", ["<", "{", "[", '"', "@", "1 "])
def test_ten_megabytes_of_one_sign_are_read_in_seconds(unit, tmp_path):
    file = tmp_path / "page.html"
    file.write_text(unit * (10_000_000 // len(unit)))
    with at_most(20):
        (page,) = PageExplainer().explain(source="greenhouse", file=[file], url="")
    assert page["outcome"] in Outcome
    assert page["reason"].endswith((".", ")"))


@pytest.mark.parametrize(
    "make",
    [
        lambda count: LD + '{"a": "b" ' + '\\"' * count + "</script>",
        lambda count: "a" * count,
        lambda count: LD + "<!--" * count + "</script>",
    ],
)
def test_twice_the_page_takes_twice_the_time(make: Callable[[int], str], tmp_path):
    def seconds(count: int) -> float:
        file = tmp_path / f"{count}.html"
        file.write_text(make(count))
        began = time.process_time()
        list(PageExplainer().explain(source="website", file=[file], url=""))
        return time.process_time() - began

    small = min(seconds(40_000) for _ in range(2))
    # The square would be four times as much; below a tenth of a second noise rules.
    assert seconds(80_000) < max(3 * small, 0.5)


def test_a_tag_of_very_many_attributes_keeps_the_first_ones():
    many = " ".join(f'a{number}="{number} > 1"' for number in range(60_000))
    page = f'<p class="x">before<a href="/x" {many}>link</a><b id="y">after</b>'
    with at_most(3):
        tree = parse_html(page)
    (link,) = tree.xpath("//a")
    assert (link.get("href"), link.text, link.get("a59999")) == ("/x", "link", None)
    assert len(link.attrib) == 500
    assert tree.xpath("string(//b[@id='y'])") == "after"


def test_what_looks_like_attributes_in_scripts_is_left_alone():
    script = "if (a <b) { " + "x = 1; " * 40_000 + "}"
    page = f"<script>{script}</script><style>{script}</style><p>x"
    assert without_giant_tags(page) == page


def test_cards_from_nearby_are_told_in_one_walk():
    card = '<div data-pid="{0}"><a href="https://x.craigslist.org/sfc/bbb/d/a/{0}.html">a</a></div>'
    cards = "".join(card.format(7_000_000_000 + n) for n in range(3_000))
    nearby = cards.replace("/700", "/800").replace('"700', '"800')
    text = f"<body>{cards}<h4 class='nearby'>nearby</h4>{nearby}"
    with at_most(4):
        page = craigslist_pages.read_list(text, url=shapes.BASE)
    assert len(page.rows) == 3_000


ROBOTS = {
    "wildcards": "User-agent: *\nDisallow: /" + "*a" * 200_000 + "b",
    "lines of wildcards": "User-agent: *\n" + ("Disallow: /" + "*a" * 50 + "b\n") * 500,
    "a line": "User-agent: *\nDisallow: /" + "x" * 500_000,
    "agents": "".join(f"User-agent: a{n}\n" for n in range(30_000)) + "Disallow: /",
    "agents and rules": "".join(f"User-agent: a{n}\n" for n in range(12_000))
    + "Disallow: /x\n" * 20_000,
    "percent signs": "User-agent: *\nDisallow: /" + "%" * 500_000,
    "line ends": "\r" * 500_000,
    "blanks": "user-agent" + " " * 500_000,
    "digits": "User-agent: *\nCrawl-delay: " + "1" * 500_000,
}


@pytest.mark.parametrize("shape", ROBOTS)
def test_a_robots_txt_built_to_harm_is_decided_in_time(shape):
    with at_most(4):
        rules = parse_robots(ROBOTS[shape], agent="FlipTechBot")
        assert rules.allows("https://x.example/" + "a" * 20_000) in (True, False)


def test_a_group_of_many_names_speaks_for_each_of_them():
    rules = parse_robots(ROBOTS["agents and rules"], agent="a11999")
    assert not rules.allows("https://x.example/x")
    assert parse_robots(ROBOTS["agents and rules"], agent="b").allows(
        "https://x.example/x"
    )


@pytest.mark.parametrize(
    "text",
    [
        times("1234567 "), times("12 A, "), times("Mon 9-5, "), times("Smith Inc "),
        times("a@"), times("A. "), times("straße 1 "), times("("), times("\n \n"),
    ],
)  # fmt: skip
def test_a_text_built_to_harm_is_read_for_leads_in_time(text):
    with at_most(8):
        assert extract_leads(text)["characters"] == len(text)


def packed(sheet: str, **others: str) -> bytes:
    space = "http://schemas.openxmlformats.org"
    part, kind = (
        "application/vnd.openxmlformats",
        f"{space}/officeDocument/2006/relationships",
    )
    files = {
        "[Content_Types].xml": f'<Types xmlns="{space}/package/2006/content-types"><Default'
        f' Extension="rels" ContentType="{part}-package.relationships+xml"/><Override PartName='
        f'"/xl/workbook.xml" ContentType="{part}-officedocument.spreadsheetml.sheet.main+xml"/>'
        f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{part}-officedocument'
        '.spreadsheetml.worksheet+xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{space}/package/2006/relationships"><Relationship'
        f' Id="a" Type="{kind}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{space}/spreadsheetml/2006/main" xmlns:r="{kind}">'
        '<sheets><sheet name="a" sheetId="1" r:id="a"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{space}/package/2006/relationships">'
        f'<Relationship Id="a" Type="{kind}/worksheet" Target="worksheets/sheet1.xml"/>'
        "</Relationships>",
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{space}/spreadsheetml/2006/main">'
        f"<sheetData>{sheet}</sheetData></worksheet>",
        **others,
    }  # fmt: skip
    told = io.BytesIO()
    with zipfile.ZipFile(told, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return told.getvalue()


GOOD_ROW = '<row r="1"><c r="A1" t="str"><v>name</v></c><c r="B1" t="str"><v>phone</v></c></row>'
SHEETS = {
    "a row far off": '<row r="999999999999"><c r="A999999999999"><v>1</v></c></row>',
    "a bomb of cells": "<row>" + "<c/>" * 1_000_000 + "</row>",
    "rows inside each other": "<row>" * 100_000,
    "a number beyond measure": f"<row><c><v>{'1' * 100_000}</v></c><c><v>1</v></c></row>",
    "a date of no calendar": '<row><c t="d"><v>9999999-99-99</v></c><c><v>1</v></c></row>',
    "a column beyond all": '<row><c r="ZZZZZZ1"><v>1</v></c></row>',
    "a row that is none": '<row r="x"><c><v>1</v></c></row>',
    "a text that is nowhere": '<row><c t="s"><v>99</v></c></row>',
}


@pytest.mark.parametrize("shape", SHEETS)
def test_a_workbook_built_to_harm_is_refused_in_a_sentence(shape, tmp_path):
    file = tmp_path / "leads.xlsx"
    file.write_bytes(packed(GOOD_ROW + SHEETS[shape]))
    with at_most(8), pytest.raises(InvalidInput, match=r"leads.xlsx .*\.$"):
        list(open_table(file).rows)


TABLES = {
    "columns.csv": ",".join(f"c{n}" for n in range(100_000)) + "\n" + "x," * 100_000,
    "commas.csv": "," * 500_000,
    "opened.csv": 'name,phone\n"a' + ",b\n" * 100_000,
    "quotes.csv": "name,phone\n" + '"' * 500_000,
    "cell.csv": "name,phone\n" + "a" * 500_000,
    "phones.csv": "name,phone\n" + ("x," + "1 " * 2_000 + "\n") * 100,
    "websites.csv": "name,website\n" + ("x,http://" + "a." * 2_000 + "\n") * 100,
    "deep.jsonl": '{"a":' * 100_000,
    "keys.jsonl": "".join(f'{{"k{n}": 1, "name": "x"}}\n' for n in range(5_000)),
}


@pytest.mark.parametrize("name", TABLES)
def test_a_table_built_to_harm_is_matched_or_refused_in_time(name, tmp_path):
    file = tmp_path / name
    file.write_text(TABLES[name])
    with at_most(6):
        try:
            told = f"It has {match_file(file).rows} rows."
        except InvalidInput as error:
            told = str(error)
    assert told.endswith(".")


def test_a_line_of_fifty_megabytes_is_not_held(tmp_path):
    file = tmp_path / "line.jsonl"
    file.write_text('{"name": "' + "a" * 50_000_000 + '"}')
    with at_most(3), pytest.raises(InvalidInput, match="no JSON object"):
        open_table(file)


def test_a_packed_bomb_is_read_to_the_limit():
    bomb = gzip.compress(b"<p>" + b" " * 200_000_000, 9)
    with at_most(6):
        page = read_saved(bomb)
    assert page.outcome == Outcome.PARTIAL
    assert len(page.text) <= MAX_BYTES
