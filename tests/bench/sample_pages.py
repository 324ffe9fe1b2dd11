"""Pages that the benchmarks of `leads` read: a list, and businesses' own sites."""

from __future__ import annotations

import json
import random

_STATIC = "".join(
    f'<link rel="stylesheet" href="https://www.craigslist.org/static/{name}.css">'
    for name in "abc"
)
_TRADES = ("Plumbing", "Roofing", "Bakery", "Dental Care", "Auto Repair", "Landscaping")
_TOWNS = ("Fairview", "Alder Point", "Oakland", "Hayward", "Mill Valley")
_WORDS = (
    "family owned since we repair install and replace everything in your home with care"
    " licensed insured free estimates seven days a week call our friendly office today"
).split()


def list_page(rows: int, *, batch: int = 0) -> bytes:
    """Give a list page of so many rows; another `batch` has other listings."""
    dice = random.Random(batch)
    items = "".join(_row(dice, batch * rows + number) for number in range(rows))
    return (
        f"<!DOCTYPE html><html><head><title>services</title>{_STATIC}"
        "<style>.cl-static-search-result{display:none}</style></head><body>"
        f'<ol class="cl-static-search-results">{items}</ol></body></html>'
    ).encode()


def _row(dice: random.Random, number: int) -> str:
    title = f"{dice.choice(_TRADES)} {' '.join(dice.sample(_WORDS, 4))} {number}"
    return f"""
      <li class="cl-static-search-result" title="{title}">
        <a href="https://www.craigslist.org/view/d/some-slug/{number:022d}">
          <div class="title">{title}</div>
          <div class="details">
            <div class="price">$0</div>
            <div class="location">
              {dice.choice(_TOWNS)}
            </div>
          </div>
        </a>
      </li>"""


def site_page(number: int) -> bytes:
    """Give a home page of some 20 kB with JSON-LD, microdata, links and text."""
    dice = random.Random(number)
    name = f"{dice.choice(_TRADES)} {number}"
    business = {
        "@context": "https://schema.org",
        "@type": "LocalBusiness",
        "name": name,
        "telephone": f"(707) 555-0{number % 1000:03d}",
        "address": {"@type": "PostalAddress", "addressLocality": dice.choice(_TOWNS)},
        "openingHours": ["Mo-Fr 08:00-17:00"],
    }
    crumbs = {"@type": "BreadcrumbList", "itemListElement": [{"name": "home"}]}
    paragraphs = "".join(
        f"<p>{' '.join(dice.choices(_WORDS, k=60))} <b>since</b> {1950 + line}.</p>"
        for line in range(45)
    )
    links = "".join(f'<li><a href="/page-{at}">Page {at}</a></li>' for at in range(40))
    return f"""<!DOCTYPE html><html lang="en"><head><title>{name} | Home</title>
      <meta name="viewport" content="width=device-width">
      <script type="application/ld+json">{json.dumps(business)}</script>
      <script type="application/ld+json">{json.dumps(crumbs)}</script></head><body>
      <ul>{links}</ul><a href="/contact">Contact</a>{paragraphs}
      <div itemscope itemtype="https://schema.org/Offer"><b itemprop="name">Visit</b>
      <span itemprop="price">90</span></div>
      <a href="mailto:info@shop{number}.example">Write</a>
      <footer>&copy; 2024 {name}, call (707) 555-0{number % 1000:03d}</footer>
      </body></html>""".encode()
