"""A mail that is finished by its shape is the mail that is finished by itself."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from campaigns import shapes
from campaigns.fields import examples
from campaigns.finishing import Footer, finish
from campaigns.shapes import Tracked, finish_by_shape
from campaigns.templating import Rendered, Source, render
from fliptech_site.errors import InvalidInput

STOP = "https://x.example/m/u/17:abc_D-e/"
FOOTER = Footer("Ada", "1 Main Street", STOP, "<p>Ada <b>Byron</b></p>")
TRACKED = Tracked(
    lambda url: f"https://x.example/m/c/{url.encode().hex()}/",
    "https://x.example/m/o/17:o/",
    "https://x.example/m/h/17:h/",
)
ORDINARY = """
<p>Hello {{ lead.name }},</p><p>in {{ lead.city }}: <a href="{{ demo.url }}">have a
look</a> or <a href="https://brightside.example/?a=1&amp;copy=2">at us</a>.</p>
{% if lead.phone != '' %}<ul><li>{{ lead.phone }}</li></ul>{% endif %}
<p><a href="{{ unsubscribe_url }}">Stop</a> {{ sender.name | upcase }}</p>
"""

#: Pieces of templates, each of which treats its value in its own way.
PIECES = (
    "<p>{{ lead.name }}</p>",
    "<p>\n Dear {{ lead.name }} \n of {{ lead.city }}!</p>",
    "{{ lead.name }}{{ lead.city }} {{ lead.phone }}",
    "<b>{{ lead.name }}</b><i>{{ lead.city }}</i>",
    "<h1>{{ lead.name | upcase }}</h1><hr>",
    "<ol><li>{{ lead.name }}<li>{{ lead.city }}</ol>",
    "AT&amp;T &amp;{{ lead.name }}",
    "&{{ lead.name }}; &copy;",
    "<a href='{{ demo.url }}'>see {{ lead.name }}</a>",
    "<a href='{{ demo.url }}'>{{ demo.url }}</a>",
    "<a href='{{ demo.url }}'>{{ lead.name }}</a>",
    "<a href='{{ lead.website }}'>https://shop.example/</a>",
    "<a href='{{ lead.website }}'>shop.example</a>",
    "<a href=' {{ lead.website }} '>{{ lead.name }} here</a>",
    "<a href='{{ lead.website }}'></a>",
    "<a href='https://shop.example/'>{{ lead.website }}</a>",
    "<a href='https://shop.example/?to={{ lead.name }}'>our offer</a>",
    "<a href='mailto:{{ lead.email }}'>write to us</a>",
    "<a href='https://shop.example/a?b=1&copy=2#c'>look</a>",
    "<a href='{{ unsubscribe_url }}'>no more</a>",
    "<a href='#top'>{{ lead.name }}</a>",
    "<img src='{{ demo.url }}' alt='{{ lead.name }}'>",
    "<img src='cid:{{ lead.name }}'>",
    "<img src='cid:logo.png' alt='us'>",
    "<table><tr><td>{{ lead.name }}</td><td>x</td></tr></table>",
    "<table><tr><td><a href='{{ demo.url }}'>look at it</a></td><td>x</td></tr></table>",
    "<table align=center><tr><td align=center>{{ lead.name }}</td></tr></table>",
    "<table><tr><td>ours</td><td>x</td></tr></table>{{ lead.city }}",
    "<pre>\n {{ lead.name }}\n</pre>",
    "<!-- {{ lead.name }} -->",
    "<!-- ours -->{{ lead.name }}",
    "<style>p{color:red} a[href^='https']{color:blue}</style>",
    "<style>p{color:red}</style><p>{{ lead.name }}</p>",
    "<style>.x{content:'{{ lead.name }}'}</style>",
    "<style>p{ {{ lead.name }} }</style>",
    "<div style='color:{{ lead.name }}'>x</div>",
    "<div style='display:none'>{{ lead.name }}</div>",
    "<span style='white-space:pre'>{{ lead.name }}</span>",
    "<p id=footer>{{ lead.name }}</p>",
    "<title>{{ lead.name }}</title>",
    "<meta charset='iso-8859-1'>",
    "<{{ lead.name }}>",
    "<p {{ lead.name }}>x</p>",
    "{% if lead.city %}in {{ lead.city }}{% else %}there{% endif %}",
    (
        "{% capture both %}{{ lead.name }}, {{ lead.city }}{% endcapture %}"
        "{{ both | upcase | truncate: 12 }}"
    ),
    "{% capture x %}<p>{{ lead.name }}</p>{% endcapture %}{{ x }}",
    "{% assign x = lead.name | append: '!' %}{{ x }}{{ x }}",
    "{% for i in (1..3) %}{{ i }} {{ lead.name }}{% endfor %}",
    "{% echo lead.name %}",
    "{{ lead.description | newline_to_br }}",
    "{{ lead.name | escape }}",
    "{{ '&lt;b&gt;' }} {{ '&nbsp;' }} {{ '<b>' }}",
    "{Hi|Hello {{ lead.name }}} there",
    "{{ lead.score }} {{ lead.audit.is_https }} {{ lead.audit.title }}",
    "{{ campaign.name }}<br>{{ campaign.name }}",
    "<p>   </p>",
)
words = st.one_of(
    st.sampled_from(
        [
            "Rosie's Bakery",
            "Smith & Sons",
            "&copy",
            "lt;",
            "a  b",
            " a",
            "b ",
            "",
            " ",
            "<b>x</b>",
            "a\nb",
            "a\xa0b",
            "\u2028",
            "Käse",
            "面包",
            "🥐",
            "https://shop.example/",
            "shop.example",
            "\x85",
            "\x07",
            "amp;",
            '"x"',
        ]
    ),
    st.text(st.characters(codec="utf-8"), max_size=20),
    st.text("ab &<>;\"'\n\t", max_size=8),
)
addresses = st.one_of(
    st.sampled_from(
        [
            "https://shop.example/",
            "https://shop.example",
            "http://x.example/?a=1&copy=2",
            "https://x.example/ä",
            "https://x.example/a b",
            "HTTP://x.example/",
            "https://x.example/'\"<>&amp;%20[]{}|^`",
            "ftp://x.example/",
            "javascript:alert(1)",
            "",
            "#x",
            STOP,
        ]
    ),
    words,
)
leads = st.fixed_dictionaries(
    {
        "lead.name": words,
        "lead.city": words,
        "lead.phone": words,
        "lead.description": words,
        "lead.email": words,
        "lead.website": addresses,
        "demo.url": addresses,
        "campaign.name": words,
        "lead.audit.title": words,
    }
)


def by_itself(rendered: Rendered, title: str, **values):
    return finish(
        rendered.html,
        rendered.text,
        title=title,
        footer=FOOTER,
        link_of=TRACKED.link_of,
        pixel_url=TRACKED.pixel_url,
        trap_url=TRACKED.trap_url,
        **values,
    )


def by_shape(rendered: Rendered, title: str, **values):
    return finish_by_shape(
        rendered, title=title, footer=FOOTER, tracked=TRACKED, **values
    )


def made(how, rendered: Rendered, title: str, images):
    try:
        return how(rendered, title, content_ids=images)
    except InvalidInput as error:
        return str(error)


@settings(max_examples=400)
@given(
    pieces=st.lists(st.sampled_from(PIECES), min_size=1, max_size=4),
    leads=st.lists(leads, min_size=1, max_size=4),
    title=words,
    text=st.sampled_from(["", " ", "Hi {{ lead.name }},\n\n bye  \n"]),
    images=st.sampled_from([{}, {"logo.png": "1@x.example"}]),
)
@example(
    pieces=["<a href='{{ demo.url }}'>see {{ lead.name }}</a>"],
    leads=[{"demo.url": "https://x.example/?a=1&copy=2", "lead.name": "Käse"}],
    title="x",
    text="",
    images={},
)
def test_both_ways_give_the_same_mail_for_every_lead(
    pieces, leads, title, text, images
):
    source = Source("a", "s", "".join(pieces), text)
    for lead in leads:
        values = {**examples(), "unsubscribe_url": STOP, **lead}
        try:
            rendered = render(source, values)
        except InvalidInput:
            continue

        assert made(by_shape, rendered, title, images) == made(
            by_itself, rendered, title, images
        )


@pytest.mark.parametrize("piece", PIECES)
def test_each_piece_gives_the_same_mail_either_way(piece):
    for name in ("Rosie's", "Smith & Sons", "a  b", "<i>", "x\ny", "Käse"):
        values = {
            **examples(),
            "lead.name": name,
            "lead.description": name,
            "lead.website": "https://shop.example/",
            "unsubscribe_url": STOP,
        }
        rendered = render(Source("a", "s", f"<p>Hi</p>{piece}<p>x</p>"), values)

        assert made(by_shape, rendered, "t", {}) == made(by_itself, rendered, "t", {})


def test_an_ordinary_template_is_finished_once_for_all_its_mails(monkeypatch):
    source = Source("a", "s", ORDINARY)
    calls = []
    monkeypatch.setattr(
        shapes, "finish", lambda *a, **k: calls.append(a) or finish(*a, **k)
    )
    shapes._shape_of.cache_clear()

    for number in range(5):
        values = {**examples(), "unsubscribe_url": STOP, "lead.name": f"No. {number}"}
        rendered = render(source, values)
        assert by_shape(rendered, "t", content_ids={}) == by_itself(rendered, "t")

    assert len(calls) == 1


def test_what_has_no_value_has_another_shape():
    source = Source("a", "s", "<p>a</p><p>{{ lead.city }}</p><p>b</p>")

    for city in ("Alder Point", "", None, "Springfield"):
        values = {**examples(), "lead.city": city}
        rendered = render(source, values)
        assert by_shape(rendered, "t", content_ids={}) == by_itself(rendered, "t")


def test_more_values_than_slots_are_written_out():
    many = "{% for i in (1..150) %}<p>{{ lead.name }} {{ i }}</p>{% endfor %}"
    rendered = render(Source("a", "s", many), examples())

    assert len(rendered.values) == 200
    assert "Rosie&#39;s Bakery 150" in rendered.html
    assert by_shape(rendered, "t", content_ids={}) == by_itself(rendered, "t")


def test_many_links_of_a_template_are_all_tracked():
    links = "".join(f"<a href='https://a.example/{n}'>no {n}</a>" for n in range(1100))
    rendered = render(Source("a", "s", links), examples())

    assert by_shape(rendered, "t", content_ids={}) == by_itself(rendered, "t")
