"""Turn an e-mail's row into the mail: fields, links, footer, headers."""

from __future__ import annotations

from django.utils import timezone

from campaigns.composing_answers import compose_answer
from campaigns.demo_links import demo_urls
from campaigns.links import click_url, pixel_url, trap_url, unsubscribe_url
from campaigns.messages import (
    Footer,
    Letter,
    build,
    finish_html,
    finish_text,
    one_line,
    text_of,
)
from campaigns.models import Account, Email, Template
from campaigns.tagging import answers_to
from campaigns.templating import FIELDS, Rendered, Source, example_fields, nest, render
from campaigns.threads import answer_to, thread_of
from leads.models import Lead


def source_of(template: Template) -> Source:
    """Give the texts of a template's row."""
    return Source(
        template.name, template.subject, template.body_html, template.body_text
    )


def compose(email: Email) -> tuple[str, bytes]:
    """Give the subject and the whole mail, as it goes over the wire.

    The row needs its Message-ID. Raises InvalidInput when the template can't be
    filled in for this lead.
    """
    assert email.message_id is not None
    if email.template is None:
        return compose_answer(email)
    account, is_test = email.account, email.kind == Email.Kind.TEST
    stop_url = unsubscribe_url(email.pk)
    fields = fields_for(account, email.lead, stop_url)
    rendered = render(source_of(email.template), fields)
    footer = Footer(account.from_name, account.postal_address, stop_url)
    html = finish_html(
        rendered.html,
        footer=footer,
        link_of=None if is_test else lambda url: click_url(email.pk, url),
        pixel_url="" if is_test else pixel_url(email.pk),
        trap_url="" if is_test else trap_url(email.pk),
    )
    thread = thread_of(email)
    subject = one_line(answer_to(thread.subject) if thread else rendered.subject)
    if is_test:
        subject = f"[Test] {subject}"
    letter = Letter(
        from_name=account.from_name,
        from_address=account.from_address,
        reply_to=answers_to(email),
        to_address=email.address,
        subject=subject,
        html=html,
        text=_text(rendered, footer),
        message_id=email.message_id,
        date=timezone.now(),
        unsubscribe_url=stop_url,
        in_reply_to=thread.message_ids[-1] if thread else "",
        references=tuple(thread.message_ids) if thread else (),
    )
    return subject, build(letter)


def preview(template: Template, account: Account | None, lead: Lead | None) -> Rendered:
    """Give a template filled in for a lead, as its mail would read; sends nothing.

    Raises InvalidInput.
    """
    footer = Footer(
        account.from_name if account else "Your name",
        account.postal_address if account else "your postal address",
        "#unsubscribe",
    )
    rendered = render(
        source_of(template), fields_for(account, lead, footer.unsubscribe_url)
    )
    html = finish_html(rendered.html, footer=footer)
    return Rendered(one_line(rendered.subject), html, _text(rendered, footer))


def fields_for(
    account: Account | None, lead: Lead | None, stop_url: str
) -> dict[str, object]:
    """Give the values of all template fields; without a lead, examples."""
    if lead is None:
        values: dict[str, object] = {
            field: f"({field})" for field in FIELDS if field.startswith("lead.")
        }
        demo_url = "https://demo.example/"
    else:
        values = {
            field: getattr(lead, field.removeprefix("lead."))
            for field in FIELDS
            if field.startswith("lead.")
        }
        demo_url = demo_urls([lead.pk]).get(lead.pk, "")
    values |= {"demo.url": demo_url, "unsubscribe_url": stop_url}
    if account is None:
        return {**example_fields(), **nest(values)}
    values |= {
        "sender.name": account.from_name,
        "sender.address": account.from_address,
        "sender.postal_address": account.postal_address,
    }
    return nest(values)


def _text(rendered: Rendered, footer: Footer) -> str:
    body = rendered.text if rendered.text.strip() else text_of(rendered.html)
    return finish_text(body, footer=footer)
