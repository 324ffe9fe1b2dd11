"""What a mail said: put together again, since mails are not kept.

Its template is taken as it was when the mail went, and chance falls as it fell then. What
fills it in is as it is now: a hash tells whether the same words come out, and who shows the
text is told where they don't.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from campaigns.composing import (
    footer_of,
    hash_of,
    seed_of,
    source_of,
    values_for,
)
from campaigns.enclosing import files_of
from campaigns.finishing import finish, text_of
from campaigns.models import Email, Template, TemplateVersion
from campaigns.templating import Rendered, Source, render
from demos.models import DemoSite
from fliptech_site.errors import InvalidInput

CHANGED = "Some words were others when it was sent: the data that fill them in were changed since."
MAYBE_CHANGED = "The lead's data were changed since: some words may have been others."
#: Stands for the link that ends mails: the real one belongs to the recipient.
_NO_LINK = "#unsubscribe"


@dataclass(frozen=True, slots=True)
class Recalled:
    """A mail's words, without signature and footer."""

    text: str = ""
    #: Why they may differ from what was sent, or why there are none; blank for neither.
    note: str = ""


def recall(emails: Sequence[Email]) -> dict[int, Recalled]:
    """Give what mails made from templates said, by id; two queries for all.

    Mails that never began are left out. For who brings along account, campaign, lead,
    template and variant, these are all queries.
    """
    begun = [each for each in emails if each.template and each.claimed_at]
    versions = _versions([each for each in begun if each.template])
    demos = _demos([each.lead_id for each in begun if each.lead_id])
    return {each.pk: _recall(each, versions, demos) for each in begun}


def recall_html(email: Email) -> str:
    """Give the HTML of a mail made from a template, with signature and footer.

    Its links are not tracked. Raises InvalidInput when it can't be put together.
    """
    rendered = _render(
        email,
        _versions([email]),
        _demos([email.lead_id] if email.lead_id else []),
    )
    assert email.template is not None
    finished = finish(
        rendered.html,
        rendered.text,
        title=email.subject,
        footer=footer_of(email.account, _NO_LINK),
        content_ids=files_of(email.template).content_ids,
    )
    return finished.html


def _recall(
    email: Email,
    versions: Mapping[int, list[TemplateVersion]],
    demos: Mapping[int, str],
) -> Recalled:
    try:
        rendered = _render(email, versions, demos)
    except InvalidInput as error:
        return Recalled(note=f"Its text can't be put together again: {error}")
    text = rendered.text if rendered.text.strip() else text_of(rendered.html)
    return Recalled(text.strip(), _note(email, rendered))


def _note(email: Email, rendered: Rendered) -> str:
    """Say in a sentence that the words were others, or may have been; blank if not."""
    if email.words_hash is not None:
        is_same = email.words_hash == hash_of(rendered, _NO_LINK)
        return "" if is_same else CHANGED
    # It went before hashes were kept: the lead's row was written, maybe for other fields.
    lead, went = email.lead, email.data_started_at or email.claimed_at
    changed = lead is not None and went is not None and lead.updated_at > went
    return MAYBE_CHANGED if changed else ""


def _render(
    email: Email,
    versions: Mapping[int, list[TemplateVersion]],
    demos: Mapping[int, str],
) -> Rendered:
    if "@" not in email.address:
        raise InvalidInput("The person was erased.")
    values = values_for(email.account, email.campaign, email.lead, _NO_LINK, demos)
    return render(_source(email, versions), values, seed=seed_of(email))


def _source(email: Email, versions: Mapping[int, list[TemplateVersion]]) -> Source:
    assert email.template is not None
    assert email.claimed_at is not None
    for version in versions.get(email.template.pk, []):
        if version.until > email.claimed_at:
            return Source(
                email.template.name,
                version.subject,
                version.body_html,
                version.body_text,
                version.fallbacks,
            )
    return source_of(email.template)


def _versions(emails: Sequence[Email]) -> dict[int, list[TemplateVersion]]:
    """Give the earlier versions that may have been sent, by template, oldest first."""
    first = min((each.claimed_at for each in emails if each.claimed_at), default=None)
    found: dict[int, list[TemplateVersion]] = {}
    if first is None:
        return found
    templates: list[Template | Any] = [each.template for each in emails]
    for version in TemplateVersion.objects.filter(
        template__in=[each.pk for each in templates], until__gt=first
    ).order_by("until"):
        found.setdefault(version.template_id, []).append(version)
    return found


def _demos(lead_ids: Sequence[int]) -> dict[int, str]:
    """Give the addresses of demos, even if they were taken down since."""
    sites = DemoSite.objects.filter(lead_id__in=lead_ids, published_at__isnull=False)
    return {site.lead_id: site.public_url for site in sites}
