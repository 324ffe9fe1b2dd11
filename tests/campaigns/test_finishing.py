"""What every mail gets besides its template: text, tracked links, signature, footer."""

from __future__ import annotations

import lxml.html
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from campaigns.finishing import Footer, finish, text_of
from fliptech_site.errors import InvalidInput
from tests.campaigns.web_server import WebServer

FOOTER = Footer("Ada", "1 Main Street", "https://x.example/m/u/1/")
#: Any text, surrogates and control characters too.
anything = st.text(st.characters(exclude_categories=()), max_size=300)


def finished(html, text="", footer=FOOTER, **values):
    return finish(html, text, title="Hello", footer=footer, **values)


def test_web_links_are_counted_and_others_stay():
    html = (
        '<a href="https://shop.example/?a=1&amp;b=2">shop</a>'
        '<a href="mailto:a@b.example">mail</a><a href="tel:+1">call</a>'
        '<a href="https://x.example/m/u/1/">stop</a><a>nothing</a>'
    )

    made = finished(html, link_of=lambda url: f"T({url})", pixel_url="https://p/").html

    links = lxml.html.fromstring(made).xpath("//a/@href")
    assert links == [
        "T(https://shop.example/?a=1&b=2)",
        "mailto:a@b.example",
        "tel:+1",
        "https://x.example/m/u/1/",
        "https://x.example/m/u/1/",
    ]
    assert lxml.html.fromstring(made).xpath("//img/@src") == ["https://p/"]


@example(html=" ")
@example(html="<!-- only a comment -->")
@example(html="<frameset></frameset>")
@given(html=anything)
def test_every_mail_says_who_sent_it_and_how_to_stop_it(html):
    made = finished(html)

    assert "1 Main Street" in made.html
    assert 'href="https://x.example/m/u/1/"' in made.html
    assert "Ada, 1 Main Street" in made.text
    assert "https://x.example/m/u/1/" in made.text


def test_a_postal_address_that_names_the_sender_names_it_once():
    made = finished("<p>x</p>", footer=Footer("Ada", "Ada, 1 Main Street", ""))

    assert "Ada, Ada" not in made.text
    assert "Ada, Ada" not in made.html


def test_styles_are_written_into_the_elements_and_media_queries_stay():
    css = "p{color:red} a:hover{color:blue} @media (max-width:9px){p{color:green}}"

    made = finished(f"<html lang=en><head><style>{css}</style></head><p>x</p>").html

    document = lxml.html.fromstring(made)
    assert document.xpath("//p/@style") == ["color: red;"]
    kept = document.findtext(".//style")
    assert "@media (max-width:9px){p{color:green}}" in kept
    assert "a:hover" in kept
    assert "red" not in kept
    assert document.get("lang") == "en"


def test_no_style_sheet_is_fetched():
    with WebServer() as web:
        finished(
            f'<link rel="stylesheet" href="{web.url}/a.css">'
            f'<style>@import "{web.url}/b.css"; p{{color:red}}</style><p>x</p>'
        )

        assert web.asked == []


def test_a_fragment_becomes_a_whole_document_that_fits_a_phone():
    document = lxml.html.fromstring(finished("<p>Hello</p>").html)

    assert document.findtext("head/title") == "Hello"
    assert document.xpath("head/meta/@charset") == ["utf-8"]
    assert document.xpath("head/meta[@name='viewport']/@content")


def test_a_page_of_its_own_keeps_its_title():
    page = "<html><head><title>Mine</title></head><body><p>x</p></body></html>"

    assert lxml.html.fromstring(finished(page).html).xpath("//title/text()") == ["Mine"]


def test_the_text_says_what_the_html_says():
    html = (
        "<style>p{color:red}</style><title>no</title><h1>Hi</h1>"
        '<p>See <a href="https://d.example/">your  page</a>, or write to'
        ' <a href="mailto:a@b.example">a@b.example</a>.</p>'
        '<p><a href="https://d.example/x/">d.example/x</a></p>'
        "<ul><li>One</li><li>Two</li></ul>"
        '<p><a href="https://d.example/y"><img src="cid:x" alt="Our logo"></a></p>'
    )

    assert text_of(html) == (
        "Hi\n\n"
        "See your page <https://d.example/>, or write to a@b.example.\n\n"
        "d.example/x\n\n"
        "  * One\n  * Two\n\n"
        "[Our logo] <https://d.example/y>"
    )


def test_links_in_the_text_are_not_tracked_and_the_html_keeps_its_words():
    html = '<p>See <a href="https://d.example/">this</a> now.</p>'

    made = finished(html, link_of=lambda url: "https://t.example/")

    assert "See this <https://d.example/> now." in made.text
    assert 'See <a href="https://t.example/">this</a> now.' in made.html


def test_a_written_text_is_kept():
    assert finished("<p>HTML</p>", "Written\nby hand").text.startswith(
        "Written\nby hand\n\n-- \n"
    )


def test_the_signature_stands_above_the_footer_in_both_parts():
    footer = Footer("Ada", "1 Main Street", "", "<b>Ada Byron</b><br>Engines")

    made = finished("<p>Hello</p>", footer=footer)

    body = lxml.html.fromstring(made.html).text_content()
    assert body.index("Hello") < body.index("Ada Byron") < body.index("1 Main Street")
    assert made.text == "Hello\n\nAda Byron\nEngines\n\n-- \nAda, 1 Main Street\n"


def test_a_signature_may_have_a_text_of_its_own():
    footer = Footer("Ada", "1 Main Street", "", "<b>Ada</b>", "Ada, in text")

    assert "\n\nAda, in text\n\n-- \n" in finished("<p>Hello</p>", footer=footer).text


def test_signature_and_footer_go_where_the_template_wants_them():
    html = '<div id="signature"></div><p>Middle</p><div id="footer"></div><p>End</p>'
    footer = Footer("Ada", "1 Main Street", "", "<b>Byron</b>")

    text = lxml.html.fromstring(finished(html, footer=footer).html).text_content()

    places = [text.index(word) for word in ("Byron", "Middle", "1 Main", "End")]
    assert places == sorted(places)


def test_stored_images_are_named_by_their_content_ids():
    html = (
        '<img src="cid:our%20logo.png" alt="Logo"><img src="https://x.example/1.png">'
    )

    made = finished(html, content_ids={"our logo.png": "1@inline", "other": "2@inline"})

    assert made.images == ("our logo.png",)
    assert 'src="cid:1@inline"' in made.html
    with pytest.raises(InvalidInput, match="'logo.png', which isn't stored"):
        finished('<img src="cid:logo.png">')


def test_the_text_says_a_links_address_as_it_is():
    html = '<p><a href="https://x.example/?a=1&amp;copy=2&amp;lt;">look</a></p>'

    assert text_of(html) == "look <https://x.example/?a=1&copy=2&lt;>"
