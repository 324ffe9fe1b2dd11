"""A mail in pieces holds what the whole one did: texts, files, pictures, headers."""

from __future__ import annotations

import base64
from email import message_from_bytes
from email.policy import default

import pytest
from django.utils import timezone

from campaigns.fates import Envelope, Fate
from campaigns.messages import Letter, build
from campaigns.mime_writing import file_entity
from campaigns.providers.letters import message_id_of, message_of
from tests.campaigns.providers.handing_over import send

PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
PAPER = b"%PDF-1.7 " + b"x" * 5000


@pytest.fixture
def rich():
    """A follow-up with a picture in its HTML and a file beside it."""
    return Envelope(
        "ada@brightside.example",
        "bo@b.example",
        build(
            Letter(
                from_name="Ada Müller",
                from_address="ada@brightside.example",
                to_address="bo@b.example",
                subject="Re: Grüße an die Bäckerei, mit einem Betreff, der sehr lang ist",
                html='<p>Schöne Grüße <img src="cid:logo@x"></p>',
                text="Schöne Grüße, " + "sehr lang " * 60,
                message_id="<2@brightside.example>",
                date=timezone.now(),
                in_reply_to="<1@brightside.example>",
                references=("<0@brightside.example>", "<1@brightside.example>"),
                images=(
                    file_entity("logo.png", "image/png", PICTURE, content_id="logo@x"),
                ),
                attachments=(file_entity("Angebot ä.pdf", "application/pdf", PAPER),),
            )
        ),
    )


def test_texts_and_headers_are_whole(rich):
    message = message_of(rich)

    assert message.subject.startswith("Re: Grüße an die Bäckerei, mit einem Betreff")
    assert message.body.startswith("Schöne Grüße, sehr lang sehr")
    ((html, kind),) = message.alternatives
    assert ("Schöne Grüße" in html, kind) == (True, "text/html")
    assert message.from_email == "Ada Müller <ada@brightside.example>"
    assert message.extra_headers["In-Reply-To"] == "<1@brightside.example>"
    assert message.extra_headers["References"].split() == [
        "<0@brightside.example>", "<1@brightside.example>",
    ]  # fmt: skip
    assert message_id_of(rich) == "<2@brightside.example>"
    assert not {"Date", "Content-Type", "MIME-Version"} & set(message.extra_headers)


def test_files_and_pictures_arrive_at_a_provider(rich, web):
    web.answer = (200, {"id": "r1"})

    assert send(web, rich, "resend").fate is Fate.ACCEPTED

    (asked,) = web.asked
    files = {each["filename"]: each for each in asked.json["attachments"]}
    assert base64.b64decode(files["logo.png"]["content"]) == PICTURE
    assert files["logo.png"]["content_id"] == "logo@x"
    assert base64.b64decode(files["Angebot ä.pdf"]["content"]) == PAPER
    assert files["Angebot ä.pdf"]["content_type"].startswith("application/pdf")
    assert asked.json["headers"]["In-Reply-To"] == "<1@brightside.example>"


def test_amazon_gets_the_same_mail_as_a_whole(rich, web):
    web.answer = (200, {"MessageId": "ses-1"})

    assert send(web, rich, "amazon_ses").fate is Fate.ACCEPTED

    raw = base64.b64decode(web.asked[0].json["Content"]["Raw"]["Data"])
    mail = message_from_bytes(raw, policy=default)
    assert mail["Message-ID"] == "<2@brightside.example>"
    assert mail["From"].addresses[0].display_name == "Ada Müller"
    files = {part.get_filename(): part.get_content() for part in mail.walk()
             if part.get_filename()}  # fmt: skip
    assert files == {"logo.png": PICTURE, "Angebot ä.pdf": PAPER}
    assert "Schöne Grüße" in mail.get_body(("plain",)).get_content()
    assert "cid:logo@x" in mail.get_body(("html",)).get_content()


@pytest.mark.parametrize("kind", ["mailgun", "postmark", "sendgrid"])
def test_the_other_large_providers_take_files_too(kind, rich, web):
    web.answer = {
        "mailgun": (200, {"id": "m", "message": "Queued. Thank you."}),
        "postmark": (200, {
            "ErrorCode": 0, "Message": "OK", "MessageID": "p", "To": "bo@b.example",
        }),
        "sendgrid": 202,
    }[kind]  # fmt: skip

    assert send(web, rich, kind).fate is Fate.ACCEPTED

    body = web.asked[0].body
    assert PAPER in body or base64.b64encode(PAPER) in body


def test_what_a_provider_has_no_field_for_is_said_and_fails_no_mail(rich, web):
    outcome = send(web, rich, "brevo")
    assert outcome.fate is Fate.ACCOUNT_TROUBLE
    assert "does not support inline attachments" in outcome.detail
    assert web.asked == []
