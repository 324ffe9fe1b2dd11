"""Pages in Craigslist's shape of 2026, written for these tests."""

from __future__ import annotations

BASE = "https://www.craigslist.org"
_STATIC = "".join(
    f'<link rel="stylesheet" href="{BASE}/static/{name}.css">' for name in "abc"
)
_CSS = "<style>.cl-static-search-result{display:none}</style>"


def token(number: int) -> str:
    return f"a-Z_{number:018d}"


def row(number: int, title: str = "", *, base: str = BASE, place: str = "Town") -> str:
    title = title or f"Job number {number}"
    return f"""
      <li class="cl-static-search-result" title="{title}">
        <a href="{base}/view/d/some-slug/{token(number)}">
          <div class="title">{title}</div>
          <div class="details"><div class="price">$0</div>
          <div class="location">
              {place}
          </div></div></a></li>"""


def list_page(rows: str, *, scripts: str = "") -> str:
    return f"""<!DOCTYPE html><html><head><title>services</title>{_STATIC}{_CSS}
      <script type="application/ld+json" id="ld_searchpage_data">
      {{"@type": "SearchResultsPage"}}</script>{scripts}</head><body class="no-js">
      <ol class="cl-static-search-results">
      <li class="cl-static-hub-links"><a href="{BASE}/search/area/x?cat=y">see also</a>
      </li>{rows}</ol></body></html>"""


ITEM_LIST = """<script type="application/ld+json" id="ld_searchpage_results">
  {"@type": "ItemList", "itemListElement": [{"@type": "ListItem"}]}</script>"""
BLOCK_PAGE = "<html><head><title>blocked</title></head><body>no</body></html>"
NO_LIST = f"<html><head>{_STATIC}</head><body><h1>welcome</h1></body></html>"
REMOVED = f"""<html><head>{_STATIC}</head><body><section class="body">
  <div class="removed"><h2>This posting has been deleted by its author.</h2></div>
  </section></body></html>"""


def posting(title: str, text: str, *, place: str = "Fairview") -> str:
    return f"""<!DOCTYPE html><html><head>{_STATIC}
      <meta name="geo.position" content="38.04;-122.27">
      <meta name="geo.placename" content="{place}">
      <meta name="geo.region" content="US-CA">
      <meta name="robots" content="noarchive, unavailable_after: 2026-12-23T08:00:00-08:00">
      <script type="application/ld+json" id="ld_breadcrumb_data">
      {{"@type": "BreadcrumbList", "itemListElement": [
        {{"@type": "ListItem", "position": 1, "name": "services",
          "item": "{BASE}/search/area/sfbay?cat=bbb"}},
        {{"@type": "ListItem", "position": 2, "name": "skilled trade services",
          "item": "{BASE}/search/area/sfbay?cat=sks"}}]}}</script></head><body>
      <h1 class="postingtitle"><span class="postingtitletext">
      <span id="titletextonly">{title}</span></span></h1>
      <button class="reply-button" data-href="/reply/sfo/sks/1/__SERVICE_ID__">reply</button>
      <section id="postingbody"><div class="print-information print-qrcode-container">
      <p class="print-qrcode-label">QR Code Link to This Post</p></div>
      {text}</section></body></html>"""
