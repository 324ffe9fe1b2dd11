"""Complaints and what machines answer are never counted as people's replies."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from campaigns.incoming.classifying import Kind, classify
from campaigns.incoming.replies import new_text_of_mail
from tests.campaigns.incoming.letters import letter, notice, report

ARF = (
    "--b\nContent-Type: text/plain\n\nAn e-mail abuse report.\n"
    "--b\nContent-Type: message/feedback-report\n\n"
    "Feedback-Type: {kind}\nUser-Agent: Some/1\nVersion: 1\n{more}"
    "--b\nContent-Type: message/rfc822\n\n"
    "From: anna@studio.example\nTo: cross@shop.example\nSubject: Hi\n\nHi\n--b--\n"
)


def complaint(kind: str = "abuse", more: str = "") -> bytes:
    return letter(
        ARF.format(kind=kind, more=more),
        content_type="multipart/report; report-type=feedback-report; boundary=b",
        subject="FW: Hi",
    )


def test_a_feedback_report_is_a_complaint_of_the_recipient():
    found = classify(complaint(more="Original-Rcpt-To: <Me@shop.example>\n"))
    assert found.kind == Kind.COMPLAINT
    assert [(one.address, one.hard) for one in found.recipients] == [
        ("me@shop.example", False)
    ]


def test_a_complaint_without_a_recipient_names_whom_the_mail_was_for():
    assert classify(complaint()).recipients[0].address == "cross@shop.example"


@pytest.mark.parametrize("kind", ["not-spam", "auth-failure"])
def test_other_feedback_is_neither_complaint_nor_reply(kind):
    assert classify(complaint(kind)).kind == Kind.OTHER


@pytest.mark.parametrize(
    "headers",
    [
        {"auto_submitted": "auto-replied"},
        {"auto_submitted": "auto-generated; owner=x"},
        {"x_autoreply": "yes"},
        {"x_autorespond": "Re: hi"},
        {"x_autoreply_sent": "1"},
        {"x_mailer": "vacation 1.2"},
        {"from": "Autoresponder <support@shop.example>"},
        {"subject": "Read: Your website"},
        {"return_path": "<>"},
        {"precedence": "auto_reply"},
        {"precedence": "junk"},
        {"subject": "Automatic reply: Your website"},
        {"subject": "Out of Office: Your website"},
        {"subject": "Automatische Antwort: Ihre Website"},
        {"subject": "Abwesenheitsnotiz"},
        {"subject": "Réponse automatique : Votre site"},
        {"subject": "Respuesta automática: Su web"},
        {"subject": "Risposta automatica: sito"},
        {"subject": "Autosvar: Webbplats"},
        {"subject": "Автоответ: сайт"},
        {"subject": "=?utf-8?B?6Ieq5YuV5b+c562U?="},
        {"subject": "[Ticket #1234] Your request has been received"},
        {"from": "noreply@shop.example"},
    ],
    ids=str,
)
def test_marks_and_subjects_of_machines_make_an_automatic_answer(headers):
    assert classify(letter("Thank you.", **headers)).kind == Kind.AUTO_REPLY


@pytest.mark.parametrize(
    "body",
    [
        "I am out of the office until Monday and will answer then.",
        "Hello,\n\nI'm currently on annual leave with limited access to email.",
        "Ich bin bis zum 5. Mai nicht im Büro.",
        "Je suis absent jusqu'au 3 mai.",
        "Estoy fuera de la oficina hasta el lunes.",
        "Sono in ferie fino al 20 agosto.",
        "Thank you for your message. We will get back to you within two working days.",
        "This is an automated response. Please do not reply to this message.",
        "Please click the link below to confirm that your message was sent by a human.",
    ],
)
def test_words_of_machines_make_an_automatic_answer_without_any_mark(body):
    assert classify(letter(body)).kind == Kind.AUTO_REPLY


def test_a_request_not_to_answer_is_no_sign_of_a_machine():
    raw = letter("Sounds good, call me.", x_auto_response_suppress="All")
    assert classify(raw).kind == Kind.REPLY


@pytest.mark.parametrize(
    "body",
    [
        "Yes please, send me the demo.",
        "Not interested, thanks.",
        "Who is this? Remove me.",
        "Ja, gerne! Rufen Sie mich an.",
        "Is this an automated email?",
        "I was on vacation, sorry for the late answer. Yes please.",
        "We closed our shop last year.",
        "Ich war im Urlaub, melde mich jetzt. Ja gerne!",
        "Thanks for your email. Let me ask my partner and get back to you.",
        "Thank you for your message. I received it and like what I see.",
        "Thanks for your message! Looks great, how much is it?",
        (
            "Interested.\n\nOn Mon, 2 Nov 2026 at 9:00, Anna <anna@studio.example> wrote:\n"
            "> This is an automated message, I am out of the office.\n"
        ),
    ],
)
def test_what_a_person_writes_is_a_reply(body):
    assert classify(letter(body)).kind == Kind.REPLY


def test_our_own_subject_does_not_make_an_answer_automatic():
    raw = letter("Yes!", subject="Re: Thank you for contacting us, here is your site")
    assert classify(raw).kind == Kind.REPLY


def test_a_car_dealers_address_is_a_persons():
    raw = letter("Yes!", **{"from": "auto-haus@shop.example"})
    assert classify(raw).kind == Kind.REPLY


def test_a_receipt_is_no_reply():
    body = (
        "--b\nContent-Type: text/plain\n\nYour message was displayed.\n"
        "--b\nContent-Type: message/disposition-notification\n\n"
        "Final-Recipient: rfc822;bob@shop.example\n"
        "Disposition: manual-action/MDN-sent-manually; displayed\n--b--\n"
    )
    raw = letter(
        body,
        content_type="multipart/report; report-type=disposition-notification; boundary=b",
    )
    assert classify(raw).kind == Kind.AUTO_REPLY


def test_news_is_neither_reply_nor_automatic_answer():
    raw = letter(
        "Our sale begins.",
        in_reply_to="",
        subject="Sale",
        list_unsubscribe="<https://x.example>",
    )
    assert classify(raw).kind == Kind.OTHER


@pytest.mark.parametrize(
    "raw", [b"", b"\x00\xff\xfe" * 50, b"\n\n\n", b"%PDF-1.4 \x01\x02"]
)
def test_what_is_no_mail_is_other(raw):
    found = classify(raw)
    assert (found.kind, found.recipients) == (Kind.OTHER, [])


PIECES = st.sampled_from(
    [
        b"From: MAILER-DAEMON@x.example\n", b"Subject: Undeliverable\n", b"\n", b"\n\n",
        b"Content-Type: multipart/report; boundary=b\n", b"--b\n", b"--b--\n",
        b"Content-Type: message/rfc822\n", b"Content-Type: text/html; charset=utf-7\n",
        b"Content-Transfer-Encoding: base64\n", b"Final-Recipient: rfc822;\n", b"Status: 5.",
        b"<a@b>: 550 5.1.1 \xff\n", b"On Monday, x wrote:\n", b"> q\n", b"--\n", b"From: a@b\n",
        b"=?utf-8?b?=?=", b"<div><blockquote>", b"Feedback-Type: abuse\n", b"\x00", b"\r",
    ]
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.lists(PIECES | st.binary(max_size=20), max_size=30).map(b"".join))
def test_no_input_raises(raw):
    assert classify(raw).kind in Kind
    assert isinstance(new_text_of_mail(raw), str)


def _nested(depth: int) -> bytes:
    return b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n)
        for n in range(depth)
    )


HOSTILE = {
    "long": notice("x " * 5_000_000),
    "one line": letter("a" * 10_000_000),
    "line ends": letter("\n" * 5_000_000),
    "addresses": notice("<a@b.example>: " * 700_000),
    "addresses in lines": notice(("x@y.example dépassé " * 30 + "\n") * 20_000),
    "long names in lines": notice(("a" * 70 + "@b.example " * 9 + "\n") * 20_000),
    "address lines": notice("a@b.example unknown user\n" * 400_000),
    "quotes": letter("> On 1 May 2026 at 9:00 x wrote:\n" * 300_000),
    "attributions": letter("On 1 May 2026 at 9:00, a@b.example\n" * 300_000),
    "header blocks": letter("From: x\nno\n" * 900_000),
    "nested": _nested(60_000),
    "mails in mails": letter(
        "Content-Type: message/rfc822\n\n" * 100 + "Hi", content_type="message/rfc822"
    ),
    "empty lines": notice("\n" * 5_000_000),
    "thanks": letter("Thank you for your email. We " * 300_000),
    "colons": letter("Hi", **{"from": ":" * 100_000}),
    "boundaries": letter(
        "--b\n\n" * 2_000_000, content_type="multipart/mixed; boundary=b"
    ),
    "reports": report(
        "Final-Recipient: rfc822;a@b.example\nAction: failed\n\n" * 150_000
    ),
    "html": letter("<div><blockquote>" * 600_000, content_type="text/html"),
    "flat html": letter("<p>word <b>x</b></p>" * 500_000, content_type="text/html"),
    "headers": b"X-A: b\n" * 1_400_000,
    "one header": b"Subject: " + b"out of office " * 700_000,
    "words": letter("=?utf-8?q?" * 1_000_000, subject="=?utf-8?q?a?= " * 100_000),
    "spaces": letter(" " * 10_000_000),
    "dashes": letter("- " * 5_000_000 + "\n" + "-" * 1_000_000),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_large_or_hostile_message_is_read_within_two_seconds(name):
    began = time.process_time()
    classify(HOSTILE[name])
    new_text_of_mail(HOSTILE[name])
    assert time.process_time() - began < 2


@pytest.mark.parametrize(
    "subject", ["Problem with delivery", "Delivery failed", "Mail error on your site"]
)
def test_a_person_who_writes_of_a_failed_delivery_is_no_mail_server(subject):
    raw = letter("My parcel has not arrived. Can you help?", subject=subject)
    assert classify(raw.replace(b"In-Reply-To", b"X-Was")).kind == Kind.REPLY
