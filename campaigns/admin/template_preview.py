"""A template as any lead would get it: headers, both widths, the text beside it."""

from __future__ import annotations

import base64
from email import message_from_bytes
from email.policy import default
from typing import Any

from django.contrib.admin import AdminSite
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.http import urlencode

from campaigns.admin.showing import boxed_html
from campaigns.composing import Preview, preview
from campaigns.enclosing import files_of
from campaigns.models import Template
from campaigns.reviewing import best_lead, campaign_of
from campaigns.rotation import accounts_of
from fliptech_site.errors import InvalidInput
from leads.models import Lead

#: Leads that one search shows.
_MOST_FOUND = 12


def preview_page(
    site: AdminSite, request: HttpRequest, template: Template | None
) -> HttpResponse:
    """Show a template filled in for the lead that was chosen, or for the best one."""
    if template is None:
        raise Http404
    lead = _lead(request)
    asked = request.GET.get("q", "").strip()
    made = _made(template, lead)
    context: dict[str, Any] = {
        **site.each_context(request),
        "title": f"Preview of {template}",
        "template_shown": template,
        "lead": lead,
        "asked": asked,
        "found": _found(asked) if asked else (),
        "problem": made if isinstance(made, str) else "",
        "frame_query": urlencode({"lead": lead.pk}) if lead else "",
    }
    if isinstance(made, Preview):
        context |= {
            "headers": _headers(made.content),
            "text": made.letter.text,
            "size": len(made.content),
        }
    return render(request, "campaigns/template_preview.html", context)


def frame_page(
    site: AdminSite, request: HttpRequest, template: Template | None
) -> HttpResponse:
    """Answer with the HTML part alone, for the frames of the preview."""
    if template is None:
        raise Http404
    made = _made(template, _lead(request))
    if isinstance(made, str):
        return boxed_html("<p></p>")
    return boxed_html(_with_images(template, made.letter.html))


def _lead(request: HttpRequest) -> Lead | None:
    asked = request.GET.get("lead", "")
    if not asked.isdecimal() or len(asked) > 18:
        return best_lead()
    return Lead.objects.active().filter(pk=int(asked)).first() or best_lead()


def _found(asked: str) -> QuerySet[Lead]:
    like = Q(name__icontains=asked) | Q(email__icontains=asked) | Q(city__iexact=asked)
    return Lead.objects.active().filter(like).order_by("name", "pk")[:_MOST_FOUND]


def _made(template: Template, lead: Lead | None) -> Preview | str:
    campaign = campaign_of(template)
    account = accounts_of(campaign)[0] if campaign else None
    try:
        return preview(template, account, lead, campaign)
    except InvalidInput as error:
        return str(error)


def _headers(content: bytes) -> list[tuple[str, str]]:
    message = message_from_bytes(content, policy=default)
    return [(name, str(value)) for name, value in message.items()]


def _with_images(template: Template, html: str) -> str:
    """Let the browser show the images that a mail program takes from the mail."""
    files = files_of(template)
    for name, content_id in files.content_ids.items():
        entity = files.images[name]
        kind = entity.headers[0].removeprefix("Content-Type: ")
        content = base64.b64encode(base64.b64decode(entity.body)).decode()
        html = html.replace(f"cid:{content_id}", f"data:{kind};base64,{content}")
    return html
