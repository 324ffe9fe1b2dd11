"""Microdata is read into the shape that JSON-LD has."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from leads.microdata import read_microdata
from leads.opening_hours import opening_hours
from leads.pages import parse_html
from leads.structured import business_values, find_business, read_nodes

SHOP = """
<div itemscope itemtype="https://schema.org/Bakery" itemref="more gone">
  <h1 itemprop="name">Rosa's<b> Bakery</b><script>x()</script></h1>
  <img itemprop="image" src="front.jpg"><a itemprop="url" href="/">home</a>
  <div itemprop="address" itemscope itemtype="https://schema.org/PostalAddress">
    <span itemprop="streetAddress">5 Main St</span>, <span itemprop="addressLocality">Fairview</span>
  </div>
  <time itemprop="openingHours" datetime="Mo-Fr 07:00-15:00">on weekdays</time>
  <meta itemprop="telephone" content="(707) 555-0123">
</div>
<p id="more">Mail <a itemprop="email" href="mailto:rosa@rosas.example">us</a></p>"""


def test_an_item_has_its_types_properties_and_items():
    (item,) = read_microdata(
        parse_html(f"<body>{SHOP}"), url="https://rosas.example/a/"
    )
    assert item == {
        "@type": "https://schema.org/Bakery",
        "name": "Rosa's Bakery",
        "image": "https://rosas.example/a/front.jpg",
        "url": "https://rosas.example/",
        "address": {
            "@type": "https://schema.org/PostalAddress",
            "streetAddress": "5 Main St",
            "addressLocality": "Fairview",
        },
        "openingHours": "Mo-Fr 07:00-15:00",
        "telephone": "(707) 555-0123",
        "email": "mailto:rosa@rosas.example",
    }


def test_a_business_is_found_in_microdata_too():
    node = find_business(read_nodes(parse_html(f"<body>{SHOP}")))
    assert node is not None
    expected = {"name": "Rosa's Bakery", "category": "bakery", "city": "Fairview",
                "email": "rosa@rosas.example"}  # fmt: skip
    assert expected.items() <= business_values(node).items()


def test_a_property_that_stands_twice_is_a_list():
    (item,) = read_microdata(
        parse_html("<body><p itemscope><b itemprop=a>1</b><b itemprop='a b'>2</b>")
    )
    assert item == {"a": ["1", "2"], "b": "2"}


def test_items_that_refer_to_themselves_end():
    page = parse_html(
        "<body><p itemscope id=x itemref=x itemprop=a>1</p><i itemscope itemref=x>"
    )
    assert read_microdata(page) == []


@given(st.lists(st.sampled_from(["<p itemscope>", "<b itemprop=a>", "</p>", "</b>", "x",
                                 "<i itemscope itemprop=b itemref=c>", "<u id=c itemprop=d>"])))  # fmt: skip
def test_any_nesting_is_read(parts):
    assert isinstance(read_microdata(parse_html(f"<body>{''.join(parts)}")), list)


def test_the_field_of_an_action_is_its_input():
    page = parse_html(
        """<div itemscope itemtype="https://schema.org/WebSite">
        <form itemprop="potentialAction" itemscope itemtype="https://schema.org/SearchAction">
        <meta itemprop="target" content="https://a.example/?q={q}">
        <input itemprop="query-input" name="q" required type="text"></form></div>"""
    )
    (site,) = read_microdata(page)
    assert site["potentialAction"]["query-input"] == "required name=q"


def test_hours_in_microdata_are_read_as_in_json_ld():
    page = parse_html(
        """<div itemscope itemtype="https://schema.org/Bakery"><b itemprop="name">Rosa's</b>
        <p itemprop="openingHoursSpecification" itemscope>
        <link itemprop="dayOfWeek" href="https://schema.org/Saturday">
        <time itemprop="opens" datetime="18:00:00">6 PM</time>
        <time itemprop="closes" content="02:00">2 AM</time></p>
        <time itemprop="openingHours" datetime="Mo-Fr 09:00-17:00">weekdays</time></div>"""
    )
    (bakery,) = read_microdata(page)
    assert opening_hours(bakery) == ["Sa 18:00-02:00", "Mo-Fr 09:00-17:00"]
