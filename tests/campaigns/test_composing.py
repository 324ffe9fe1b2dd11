"""From rows to the very mail: fields, spintax, files, signature, preview, review."""

from __future__ import annotations

import json
from email import message_from_bytes
from email.policy import default
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from campaigns.composing import compose, preview
from campaigns.enclosing import describe, touch
from campaigns.models import Template, TemplateFile
from campaigns.reviewing import check_sendable, review, warnings_of
from campaigns.sending import send_email
from campaigns.writing import request_test, send_test
from fliptech_site.errors import InvalidInput

pytestmark = pytest.mark.django_db

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 50


def add_file(template, name, content, *, is_inline=False):
    file = TemplateFile(template=template, is_inline=is_inline)
    describe(file, name, content)
    file.save()
    touch(template)
    template.refresh_from_db()
    return file


def composed(email):
    email.message_id = email.message_id or "<1@brightside.example>"
    return message_from_bytes(compose(email)[1], policy=default)


def html_of(message):
    return message.get_body(("html",)).get_content()


def test_audit_facts_and_fallbacks_are_filled_in(make_email, make_lead, make_template):
    template = make_template(
        body_html=(
            "<p>Dear {{ lead.city }},{% if lead.audit.is_https == false %} no https"
            "{% endif %}, {{ lead.audit.outdated_technology }}, {{ lead.score }}</p>"
        ),
        fallbacks={"lead.city": "neighbours"},
    )
    audit = {"is_https": False, "outdated_technology": ["jQuery 1.8", "Flash"]}
    email = make_email(lead=make_lead(audit=audit))
    email.template = template

    assert "Dear neighbours, no https, jQuery 1.8, Flash, 80" in html_of(
        composed(email)
    )


def test_a_mail_says_the_same_at_every_attempt_and_different_people_differ(
    make_email, make_campaign, make_template
):
    words = "{one|two|three|four|five|six|seven|eight}"
    template = make_template(subject=words, body_html=f"<p>{words}</p>")
    campaign = make_campaign(template=template)
    emails = [make_email(campaign=campaign) for _ in range(8)]

    mails = [composed(email) for email in emails]
    again = [composed(email) for email in emails]

    assert [m["Subject"] for m in mails] == [m["Subject"] for m in again]
    assert all(f"<p>{mail['Subject']}</p>" in html_of(mail) for mail in mails)
    assert len({str(mail["Subject"]) for mail in mails}) > 1


def test_files_and_shown_images_go_with_the_mail(make_email):
    email = make_email()
    email.template.body_html += '<img src="cid:logo.png" alt="Logo">'
    email.template.save()
    add_file(email.template, "logo.png", PNG, is_inline=True)
    add_file(email.template, "unused.png", PNG + b"x", is_inline=True)
    add_file(email.template, "Angebot für Müller.pdf", b"%PDF-1.7 x")

    mail = composed(email)

    kinds = [(part.get_content_type(), part.get_filename()) for part in mail.walk()]
    assert kinds == [
        ("multipart/mixed", None),
        ("multipart/related", None),
        ("multipart/alternative", None),
        ("text/plain", None),
        ("text/html", None),
        ("image/png", "logo.png"),
        ("application/pdf", "Angebot für Müller.pdf"),
    ]
    (image,) = [p for p in mail.walk() if p.get_content_type() == "image/png"]
    assert f'src="cid:{image["Content-ID"].strip("<>")}"' in html_of(mail)


def test_a_changed_file_is_in_the_next_mail_and_files_are_read_once(
    make_email, django_assert_num_queries
):
    email = make_email()
    file = add_file(email.template, "a.txt", b"first")
    assert [a.get_content() for a in composed(email).iter_attachments()] == ["first"]

    with django_assert_num_queries(1):  # Where the demo site is.
        composed(email)
    describe(file, "a.txt", b"second")
    file.save()
    touch(email.template)
    email.template.refresh_from_db()

    (attached,) = composed(email).iter_attachments()
    assert attached.get_content() == "second"


def test_the_accounts_signature_stands_in_the_mail(make_email):
    email = make_email()
    email.account.signature_html = "<i>Ada, engines</i>"

    mail = composed(email)

    assert "<i>Ada, engines</i>" in html_of(mail)
    assert "Ada, engines" in mail.get_body(("plain",)).get_content()


def test_a_preview_is_the_mail_without_any_row(make_campaign, make_lead, make_template):
    template = make_template()
    campaign = make_campaign(template=template)
    lead = make_lead(name="Zoe's <Bakery>", city="Oslo")

    made = preview(template, campaign.account, lead, campaign)

    mail = message_from_bytes(made.content, policy=default)
    assert mail["To"] == lead.email
    assert mail["Subject"] == "A new site for Zoe's <Bakery>"
    assert "Zoe's &lt;Bakery&gt; in Oslo" in made.letter.html
    assert not campaign.emails.exists()


def test_the_review_counts_leads_whose_field_is_blank(
    make_campaign, make_lead, make_template
):
    template = make_template(
        body_html='<a href="https://d.example/">x</a> {{ lead.city }} {{ lead.phone }}'
        " {{ lead.audit.copyright_year }} {{ lead.hiring | default: 'you' }}"
    )
    campaign = make_campaign(template=template)
    make_lead(city="Oslo", audit={"copyright_year": 2014})
    make_lead(audit={"copyright_year": None})
    make_lead()
    make_lead(score=10)
    make_lead(email="")

    told = [finding.sentence for finding in review(template, campaign)]

    assert [sentence.partition(":")[0] for sentence in told] == [
        "lead.phone is blank for 3 of 3 leads",
        "lead.audit.copyright_year is blank for 2 of 3 leads",
        "lead.city is blank for 2 of 3 leads",
    ]


def test_a_launch_is_refused_for_errors_and_warned_otherwise(make_campaign, make_lead):
    campaign = make_campaign()
    make_lead()
    check_sendable(campaign.template, campaign)
    Template.objects.update(subject="RE: LOOK AT THIS OFFER NOW")
    assert any("looks like an answer" in text for text in warnings_of(campaign))

    Template.objects.update(body_html='<img src="cid:logo.png">')
    with pytest.raises(InvalidInput, match="'logo.png', which isn't stored"):
        check_sendable(campaign.template, campaign)


def test_the_command_tells_faults_and_ends_with_1_for_errors(make_template):
    good = make_template()
    printed = StringIO()
    call_command("email", "lint", str(good.pk), stdout=printed)
    assert "nothing to find fault with" in printed.getvalue()

    bad = make_template(subject="HELLO THERE YOU", body_html="{{ lead.nme }}")
    printed = StringIO()
    with pytest.raises(CommandError, match="can't be sent like this: 1 error"):
        call_command("email", "lint", bad.name, "--json", stdout=printed)
    told = json.loads(printed.getvalue())
    assert told["template"] == bad.name
    assert told["findings"][0]["level"] == "error"
    assert "did you mean 'lead.name'" in told["findings"][0]["sentence"]
    with pytest.raises(CommandError, match="There is no template 'zzz'"):
        call_command("email", "lint", "zzz")


def test_a_test_mail_may_be_for_any_lead_with_files_and_spintax(
    server, make_campaign, make_lead, make_template
):
    template = make_template(body_html="<p>{Hi|Hello} {{ lead.name }}</p>")
    add_file(template, "a.pdf", b"%PDF-1.7 x")
    campaign = make_campaign(port=server.port, template=template)
    make_lead(score=90)
    chosen = make_lead(name="Zoe's Bakery", score=50)

    send_test(campaign.pk, "ada@brightside.example", test_mode=False, lead_id=chosen.pk)

    (delivered,) = server.mails_to("ada@brightside.example")
    mail = message_from_bytes(delivered, policy=default)
    assert str(mail["Subject"]).startswith("[Test] A new site for Zoe's Bakery")
    assert [part.get_filename() for part in mail.iter_attachments()] == ["a.pdf"]
    with pytest.raises(InvalidInput, match="There is no lead 0"):
        request_test(campaign.pk, "ada@brightside.example", lead_id=0)


def test_a_mail_with_a_large_file_arrives_whole(server, make_email):
    email = make_email(port=server.port)
    content = b"%PDF-1.7 " + bytes(range(256)) * 4000
    add_file(email.template, "a.pdf", content)

    assert send_email(email.pk)["state"] == "sent"

    (delivered,) = server.mails_to(email.address)
    (attached,) = message_from_bytes(delivered, policy=default).iter_attachments()
    assert attached.get_content() == content
