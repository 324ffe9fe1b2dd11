"""How this room's facts look in admin: badges, bars, links and mails in a box."""

from __future__ import annotations

import lxml.html
from django.http import HttpResponse
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from lxml.html import builder

from campaigns.finishing import parse

EMAIL_COLOURS = {
    "waiting": "info",
    "sending": "info",
    "sent": "success",
    "deferred": "warning",
    "failed": "danger",
    "in doubt": "warning",
    "skipped": "default",
}
CAMPAIGN_COLOURS = {
    "draft": "default",
    "scheduled": "info",
    "overdue": "warning",
    "launching": "info",
    "running": "info",
    "paused": "warning",
    "finished": "success",
    "cancelled": "danger",
}
#: Colours of the bar's pieces, in its order.
_BAR = {
    "sent": "#16a34a",
    "in_doubt": "#d97706",
    "failed": "#dc2626",
    "sending": "#2563eb",
    "deferred": "#f59e0b",
    "waiting": "#9ca3af66",
}


def admin_link(url_name: str, pk: object, text: object) -> SafeString:
    """Link to a row's page in admin."""
    return format_html(
        '<a href="{}">{}</a>', reverse(f"admin:{url_name}", args=[pk]), text
    )


def progress_bar(counts: dict[str, int]) -> SafeString | str:
    """Show mails by state as one bar with the share that is dealt with."""
    total = sum(counts.get(state, 0) for state in _BAR)
    if not total:
        return "–"
    pieces = format_html_join(
        "",
        '<span style="width:{}%;background:{}" title="{} {}"></span>',
        (
            (f"{100 * counts.get(state, 0) / total:.2f}", colour, counts.get(state, 0),
             state.replace("_", " "))
            for state, colour in _BAR.items()
            if counts.get(state, 0)
        ),
    )  # fmt: skip
    done = sum(counts.get(state, 0) for state in ("sent", "in_doubt", "failed"))
    return format_html(
        '<span style="display:inline-flex;align-items:center;gap:10px;white-space:nowrap">'
        '<span style="display:flex;width:120px;height:8px;border-radius:4px;overflow:hidden;'
        'background:#9ca3af33">{}</span><span>{} of {}</span></span>',
        pieces,
        f"{done:,}",
        f"{total:,}",
    )


def mail_frame(url: str, title: str) -> SafeString:
    """Show a mail's HTML in a box that can neither run scripts nor reach admin."""
    return format_html(
        '<iframe src="{}" title="{}" sandbox="allow-popups allow-popups-to-escape-sandbox"'
        ' referrerpolicy="no-referrer" style="width:100%;min-width:min(640px,80vw);'
        'height:560px;border:1px solid #9ca3af55;border-radius:8px;background:#fff"></iframe>',
        url,
        title,
    )


def text_block(text: str) -> SafeString:
    """Show plain text as it stands."""
    return format_html(
        '<pre style="white-space:pre-wrap;overflow-wrap:anywhere;line-height:1.6">{}</pre>',
        text,
    )


def boxed_html(html: str) -> HttpResponse:
    """Answer with a mail's HTML for `mail_frame`.

    The policy holds when the address is opened by itself, too: no scripts, nothing is
    loaded from outside (so looking counts as no opening), links open in a new tab.
    """
    document = parse(html)
    head = document.find("head")
    if head is None:
        head = builder.HEAD()
        document.insert(0, head)
    head.insert(0, builder.BASE(target="_blank"))
    made = lxml.html.tostring(document, encoding="unicode", method="html")
    response = HttpResponse(f"<!doctype html>\n{made}")
    response["Content-Security-Policy"] = (
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:;"
        " frame-ancestors 'self'; base-uri 'none'; form-action 'none';"
        " sandbox allow-popups allow-popups-to-escape-sandbox"
    )
    response["X-Frame-Options"] = "SAMEORIGIN"
    response["Referrer-Policy"] = "no-referrer"
    return response
