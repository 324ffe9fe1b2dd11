"""Addresses that lines, pictures, icons and the state of frameworks take apart."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leads.contacts import find_emails
from leads.pages import parse_html
from leads.sources.website import stated_emails
from leads.structured import read_nodes

SHOP = "rosa@rosas-bakery.example"
NEXT = json.dumps({"props": {"site": {"contactEmail": SHOP, "logo": "logo@2x.png"}}})


def found(body: str) -> list[str]:
    return find_emails(parse_html(f"<body>{body}"))


@pytest.mark.parametrize(
    "body",
    [
        "<table><tr><td>rosa<td>@<td>rosas-bakery.example</table>",
        "<table><tr><td>Mail<td>rosa@<td>rosas-bakery.example</table>",
        "<table><tr><td>rosa<td>(at)<td>rosas-bakery (dot) example</table>",
        "<p>rosa@<br>rosas-bakery.example</p>",
        "<p>rosa (at)<br>rosas-bakery.example</p>",
        "<p>Email: rosa<br>@rosas-bakery.example</p>",
        "<p>rosa@rosas-bakery<br>.example</p>",
        "<div>rosa</div><div>@</div><div>rosas-bakery.example</div>",
        'rosa<img src="a.gif" alt="at">rosas-bakery.example',
        'rosa<img src="/img/at.png">rosas-bakery.example',
        'rosa<i class="fa fa-at"></i>rosas-bakery.example',
        "<style>.a:before {content: '@'}</style>rosa<span class=a></span>rosas-bakery.example",
        "<style>.a::after{content:'\\40'}</style>rosa<i class=a></i>rosas-bakery.example",
        f"<a href='{SHOP}'>write</a>",
        f"<b class=rtl>{SHOP[::-1]}</b>",
        "rosa [arobase] rosas-bakery.example",
        "rosa \uff3bat\uff3d rosas-bakery.example",
        "rosa /at/ rosas-bakery.example",
        "E: rosa at rosas-bakery.example",
        "Mail: rosa at rosas-bakery.example",
        "rosa @ rosas-bakery . example",
        f"{SHOP}Tel: 707 555 0123",
        '<i data-email="rosa" data-domain="rosas-bakery.example"></i>',
        "rosa #at# rosas-bakery.example",
        'rosa "at" rosas-bakery.example',
        f"\u9023\u7d61{SHOP}\u8a73\u7d30",
        f'<card-x email="{SHOP}"></card-x>',
        f"<p x-data=\"{{mail: '{SHOP}'}}\"></p>",
        f'<b property="schema:email" content="{SHOP}"></b>',
        f'<meta name="description" content="Write to {SHOP}">',
        f'<a href="https://mail.google.com/mail/?view=cm&to={SHOP}">x</a>',
    ],
)
def test_an_address_in_pieces_is_put_together(body):
    assert found(body) == [SHOP]


@pytest.mark.parametrize(
    "script",
    [
        f'<script id="__NEXT_DATA__" type="application/json">{NEXT}</script>',
        f'<script>window.__NUXT__={{data:[{{email:"{SHOP}",dsn:"x@o1.sentry.io"}}]}}</script>',
        f'<script id="__NUXT_DATA__" type="application/json">[["R",1],{{"email":2}},"{SHOP}"]</script>',
        r'<script>window.__STATE__ = {"mail":"rosa\u0040rosas-bakery.example"};</script>',
        f'<script>self.__next_f.push([1,"{{\\"email\\":\\"{SHOP}\\"}}"])</script>',
        f'<script>self.__next_f.push([1,"{{\\"href\\":\\"mailto:{SHOP}?subject=x\\"}}"])</script>',
        "<script>a=['example','rosas-bakery','rosa'];document.write(a[2]+'@'+a[1]+'.'+a[0])</script>",
        "<script>document.write('rosa#rosas-bakery.example'.replace('#','@'))</script>",
        "<script>document.write('rosa~rosas-bakery.example'.replace(/~/g, '@'))</script>",
        "<script>const u=`rosa`, d=`rosas-bakery.example`; a.href=`mailto:${u}@${d}`</script>",
        "<script>u='rosa',h='rosas-bakery.example';m.href='mai'+'lto:'+u+String.fromCharCode(64)+h;</script>",
        f'<script>var config={{"supportEmail":"{SHOP}"}};app(config)</script>',
        f'<script>Shop.contact = {{"email": "{SHOP}"}};</script>',
        "<script>p=['rosa','rosas-bakery'];m.textContent=`${p[0]}@${p[1]}.example`</script>",
        "<script>m.innerHTML='rosa'.concat('@', 'rosas-bakery.example')</script>",
        r"<script>document.write('\162\157\163\141\100rosas-bakery\56example')</script>",
        "<script>l.href=`mailto:${'rosa'}@${'rosas-bakery.example'}`</script>",
        "<script>e='rosas-bakery.example'\ne=('rosa'+'@'+e)\ndocument.write('<a>'+e+'</a>')</script>",
        "<a onclick=\"window.location='mai'+'lto:rosa'+'@'+'rosas-bakery.example'\">x</a>",
    ],
)  # fmt: skip
def test_an_address_in_a_pages_state_or_script_is_found(script):
    assert found(script) == [SHOP]


def test_joomlas_own_element_is_decoded():
    first, last = (base64.b64encode(part.encode()).decode() for part in SHOP.split("@"))
    tag = f'<joomla-hidden-mail first="{first}" last="{last}" text="x">'
    assert found(f"{tag}</joomla-hidden-mail>") == [SHOP]


@pytest.mark.parametrize(
    "body",
    [
        "Jobs at acme dot net",
        "Engineers at stripe dot com and more",
        "Meet us (at) acme.example, booth 4",
        "arrive (at) noon.today",
        "<p>Instagram</p><p>@rosas.bakery</p>",
        "<p>follow<br>@rosas.bakery</p>",
        "<p>Come and see us<br>@rosas.bakery</p>",
        "<p>contact<br>@rosas.bakery</p>",
        "<p>2026<br>@rosas.bakery</p>",
        "<p>Call us @<br>707.555.0123</p>",
        "<td>2 pieces<td>@<td>9.50",
        "<a href='https://mastodon.social/@rosa'>@rosa@mastodon.social</a>",
        'Follow <i class="fa fa-at"></i> rosas.bakery',
        'Open<img src="/img/at.png" alt="map">noon.today',
        "john.smith@localhost",
        "<a href='http://rosa@shop.example'>x</a>",
        '<script type="application/json">{"emailPlaceholder":"rosa@shop.example"}</script>',
        '<script type="application/json">{"author":"rosa@shop.example"}</script>',
        f"<script>function f(){{ var email = {{email: '{SHOP}'}} }}</script>",
    ],
)
def test_what_stands_beside_a_sign_by_chance_is_no_address(body):
    assert found(body) == []


def test_cryptx_and_halves_turned_round_are_undone():
    shifted = "".join(chr(ord(char) + 1) for char in SHOP)
    paired = "".join(f"{n % 4}{chr(ord(char) + n % 4)}" for n, char in enumerate(SHOP))
    for code in (shifted, paired):
        assert found(f"<a href=\"javascript:DeCryptX('{code}')\">x</a>") == [SHOP]
    user, domain = (part[::-1] for part in SHOP.split("@"))
    assert found(f'<b data-user="{user}" data-domain="{domain}"></b>') == [SHOP]


def test_an_address_that_makes_sense_is_not_turned_round():
    assert found("ed.smith@acme.com") == ["ed.smith@acme.com"]
    assert found('<i data-user="rosa" data-domain="ed.acme.com"></i>') == [
        "rosa@ed.acme.com"
    ]


def test_mailboxes_in_braces_are_several():
    assert found("{info, sales}@x.example") == ["info@x.example", "sales@x.example"]


def test_a_word_for_a_group_is_a_mailbox_where_it_stands_alone_in_small_letters():
    assert found("<p>info at acme dot co dot uk</p>") == ["info@acme.co.uk"]
    assert found("<p>More info at acme dot net</p>") == []


def test_a_mailbox_that_is_named_as_one_is_found_whatever_its_name():
    assert found("Email jobs at acme dot net") == ["jobs@acme.net"]
    assert found("Write to jobs at acme dot net") == ["jobs@acme.net"]
    assert found("shop (at) acme.net") == ["shop@acme.net"]


def test_all_addresses_that_structured_data_lists_are_stated():
    data = json.dumps(
        {"@type": "Bakery", "email": ["a@x.example", "mailto:b@x.example"]}
    )
    nodes = read_nodes(
        parse_html(f'<script type="application/ld+json">{data}</script>')
    )
    assert stated_emails(None, nodes) == ["a@x.example", "b@x.example"]


@given(st.lists(st.text(alphabet="a@.( at)dot<br>", max_size=20)))
def test_any_lines_have_a_list_of_addresses(lines):
    assert isinstance(found("<br>".join(lines)), list)
