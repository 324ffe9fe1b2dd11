"""Make a stranger's HTML fit to be shown: no scripts, forms, frames, styles of the page.

What is left is shown in a sandboxed frame whose policy loads nothing from outside; either
alone would do.
"""

from __future__ import annotations

import nh3

from campaigns.incoming.html_texts import MAX_HTML
from campaigns.incoming.mime import is_enclosing, read_message

_TAGS = nh3.ALLOWED_TAGS | {"font", "center", "u", "s", "big", "small"}
_EVERYWHERE = {"align", "valign", "width", "height", "bgcolor", "color", "dir", "style"}
_ATTRIBUTES = {
    **nh3.ALLOWED_ATTRIBUTES,
    "*": nh3.ALLOWED_ATTRIBUTES.get("*", set()) | _EVERYWHERE,
    "table": {"border", "cellpadding", "cellspacing"},
    "font": {"face", "size"},
}
#: What may stand in style="…"; positions could cover the page around.
_STYLES = {
    "color", "background-color", "font", "font-family", "font-size", "font-style",
    "font-weight", "line-height", "text-align", "text-decoration", "white-space",
    "margin", "margin-left", "margin-right", "margin-top", "margin-bottom", "padding",
    "padding-left", "padding-right", "padding-top", "padding-bottom", "border",
    "border-left", "border-collapse", "width", "max-width", "height", "vertical-align",
}  # fmt: skip


def html_part(raw: bytes) -> str:
    """Return the HTML of a raw message, cleaned; "" where it has none. Never raises."""
    for part in read_message(raw).own_parts():
        is_shown = not part.is_attachment and not is_enclosing(part.media_type)
        if part.media_type == "text/html" and is_shown:
            return clean_html(part.text)
    return ""


def clean_html(html: str) -> str:
    """Return HTML that can be shown; links lead to the web or to mail programs only."""
    return nh3.clean(
        html[:MAX_HTML],
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        url_schemes={"http", "https", "mailto", "tel"},
        link_rel="noopener noreferrer nofollow",
        filter_style_properties=_STYLES,
    )
