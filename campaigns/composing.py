"""Turn an e-mail's row into the mail: fields, links, footer, headers."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import NamedTuple

from django.conf import settings
from django.utils import timezone

from campaigns.audience import usable_address
from campaigns.composing_answers import compose_answer
from campaigns.demo_links import demo_urls
from campaigns.enclosing import files_of
from campaigns.fields import FIELDS, examples
from campaigns.finishing import Finished, Footer, finish
from campaigns.links import click_url, pixel_url, trap_url, unsubscribe_url
from campaigns.messages import Letter, build, one_line
from campaigns.models import Account, Campaign, Email, Template
from campaigns.shapes import Tracked, finish_by_shape
from campaigns.spintax import seed_for
from campaigns.tagging import answers_to
from campaigns.templating import Rendered, Source, render
from campaigns.threads import Thread, answer_to, thread_of
from leads.models import Lead

_AUDIT = "lead.audit."
_LEAD = "lead."


class Preview(NamedTuple):
    """A mail as it would go out."""

    letter: Letter
    content: bytes


def source_of(template: Template) -> Source:
    """Give the texts of a template's row."""
    return Source(
        template.name,
        template.subject,
        template.body_html,
        template.body_text,
        template.fallbacks,
    )


def compose(
    email: Email,
    demos: Mapping[int, str] | None = None,
    threads: Mapping[int, Thread] | None = None,
) -> tuple[str, bytes]:
    """Give the subject and the whole mail, as it goes over the wire.

    The row needs its Message-ID, and is given the hash of its words. `demos` are the
    addresses of leads' demos and `threads` what follow-ups answer, both by id, for who
    composes many. Raises InvalidInput when the template can't be filled in for this lead.
    """
    if email.template is None:
        return compose_answer(email)
    letter = letter_of(email, email.template, demos, threads)
    return letter.subject, build(letter)


def letter_of(
    email: Email,
    template: Template,
    demos: Mapping[int, str] | None = None,
    threads: Mapping[int, Thread] | None = None,
) -> Letter:
    """Give what a mail made of a template says; otherwise as `compose`."""
    assert email.message_id is not None
    account, is_test = email.account, email.kind == Email.Kind.TEST
    stop_url = unsubscribe_url(email.pk)
    values = values_for(account, email.campaign, email.lead, stop_url, demos)
    source = source_of(template)
    if email.variant is not None and email.variant.subject:
        source = source._replace(subject=email.variant.subject)
    rendered = render(source, values, seed=seed_of(email))
    email.words_hash = hash_of(rendered, stop_url)
    files = files_of(template)
    thread = thread_of(email) if threads is None else threads.get(email.pk)
    subject = one_line(answer_to(thread.subject) if thread else rendered.subject)
    if is_test:
        subject = f"[Test] {subject}"
    finished = _finished(email, rendered, subject, stop_url, files.content_ids)
    return Letter(
        from_name=account.from_name,
        from_address=account.from_address,
        reply_to=answers_to(email),
        to_address=email.address,
        subject=subject,
        html=finished.html,
        text=finished.text,
        message_id=email.message_id,
        date=timezone.now(),
        unsubscribe_url=stop_url,
        in_reply_to=thread.message_ids[-1] if thread else "",
        references=tuple(thread.message_ids) if thread else (),
        images=tuple(files.images[name] for name in finished.images),
        attachments=files.attachments,
    )


def _finished(
    email: Email,
    rendered: Rendered,
    title: str,
    stop_url: str,
    content_ids: Mapping[str, str],
) -> Finished:
    footer = footer_of(email.account, stop_url)
    if email.kind == Email.Kind.TEST:
        html, text = rendered.html, rendered.text
        return finish(html, text, title=title, footer=footer, content_ids=content_ids)
    tracked = Tracked(
        lambda url: click_url(email.pk, url), pixel_url(email.pk), trap_url(email.pk)
    )
    return finish_by_shape(
        rendered, title=title, footer=footer, tracked=tracked, content_ids=content_ids
    )


def preview(
    template: Template,
    account: Account | None,
    lead: Lead | None,
    campaign: Campaign | None = None,
) -> Preview:
    """Give the mail that a lead would get; sends and keeps nothing.

    Its links lead nowhere, since no row says whose they are. Raises InvalidInput.
    """
    stop_url = f"{settings.PUBLIC_URL}/#unsubscribe"
    values = values_for(account, campaign, lead, stop_url)
    address = usable_address(str(values["lead.email"])) or "somebody@example.com"
    seed = seed_for(campaign.pk if campaign else None, 1, address)
    rendered = render(source_of(template), values, seed=seed)
    files = files_of(template)
    finished = finish(
        rendered.html,
        rendered.text,
        title=rendered.subject,
        footer=footer_of(account, stop_url),
        content_ids=files.content_ids,
    )
    letter = Letter(
        from_name=account.from_name if account else "Your name",
        from_address=account.from_address if account else "you@example.com",
        reply_to=account.reply_to if account else "",
        to_address=address,
        subject=one_line(rendered.subject),
        html=finished.html,
        text=finished.text,
        message_id="<preview@example.com>",
        date=timezone.now(),
        unsubscribe_url=stop_url,
        images=tuple(files.images[name] for name in finished.images),
        attachments=files.attachments,
    )
    return Preview(letter, build(letter))


def hash_of(rendered: Rendered, stop_url: str) -> int:
    """Give 64 bits by which a mail's filled-in template is known again.

    The link that ends mails is left out: it is another one for each mail.
    """
    words = "\0".join((rendered.html, rendered.text)).replace(stop_url, "")
    digest = hashlib.blake2b(words.encode("utf-8", "surrogatepass"), digest_size=8)
    return int.from_bytes(digest.digest(), "big", signed=True)


def seed_of(email: Email) -> bytes:
    """Give what decides a mail's spintax: the same for every attempt, on any machine."""
    return seed_for(email.campaign_id or email.request_key, email.step, email.address)


def footer_of(account: Account | None, stop_url: str) -> Footer:
    """Give what stands under an account's mails; without one, what belongs there."""
    if account is None:
        return Footer("Your name", "your postal address", stop_url)
    return Footer(
        account.from_name,
        account.postal_address,
        stop_url,
        account.signature_html,
        account.signature_text,
    )


def values_for(
    account: Account | None,
    campaign: Campaign | None,
    lead: Lead | None,
    stop_url: str,
    demos: Mapping[int, str] | None = None,
) -> dict[str, object]:
    """Give the values of all template fields; examples for what is None."""
    values = examples()
    values["unsubscribe_url"] = stop_url
    values["campaign.name"] = campaign.name if campaign else ""
    if lead is not None:
        values |= lead_values(lead)
        known = demo_urls([lead.pk]) if demos is None else demos
        values["demo.url"] = known.get(lead.pk, "")
    if account is not None:
        values |= {
            "sender.name": account.from_name,
            "sender.address": account.from_address,
            "sender.postal_address": account.postal_address,
        }
    return values


def lead_values(lead: Lead) -> dict[str, object]:
    """Give the values of a lead's fields; what was never looked at is None."""
    values: dict[str, object] = {}
    for path in FIELDS:
        if path.startswith(_AUDIT):
            found = lead.audit.get(path.removeprefix(_AUDIT))
            values[path] = ", ".join(found) if isinstance(found, list) else found
        elif path.startswith(_LEAD):
            values[path] = getattr(lead, path.removeprefix(_LEAD))
    return values
