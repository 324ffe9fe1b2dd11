"""A mail is what its parts say, whatever stands in them."""

from __future__ import annotations

import unicodedata
from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import compat32, default
from email.utils import collapse_rfc2231_value, parsedate_to_datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from campaigns.messages import Letter, build, one_line
from campaigns.mime_writing import file_entity
from fliptech_site.errors import InvalidInput

LETTER = Letter(
    from_name="Ada of Brightside",
    from_address="ada@brightside.example",
    to_address="owner@bakery.example",
    subject="Hello",
    html="<p>Hello</p>",
    text="Hello",
    message_id="<1@brightside.example>",
    date=datetime(2026, 3, 1, 12, tzinfo=UTC),
    unsubscribe_url="https://x.example/m/u/1/",
    reply_to="office@brightside.example",
)
#: Any text, surrogates and control characters too.
anything = st.text(st.characters(exclude_categories=()), max_size=300)


def read(raw):
    return message_from_bytes(raw, policy=default)


def test_a_mail_has_both_parts_and_all_headers():
    message = read(build(LETTER))

    assert message["From"] == "Ada of Brightside <ada@brightside.example>"
    assert message["To"] == "owner@bakery.example"
    assert message["Subject"] == "Hello"
    assert message["Reply-To"] == "office@brightside.example"
    assert message["Message-ID"] == "<1@brightside.example>"
    assert parsedate_to_datetime(message["Date"]) == LETTER.date
    assert message["List-Unsubscribe"] == "<https://x.example/m/u/1/>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert shape(message) == ("alternative", "plain", "html")


def shape(message):
    """The nesting of a mail by its subtypes."""
    subtype = message.get_content_subtype()
    if not message.is_multipart():
        return subtype
    return (subtype, *(shape(part) for part in message.iter_parts()))


def defects(message):
    found = [defect for value in message.values() for defect in value.defects]
    return [
        *message.defects,
        *found,
        *(defect for part in message.walk() if part is not message
          for defect in (*part.defects, *(d for v in part.values() for d in v.defects))),
    ]  # fmt: skip


@given(subject=anything, name=anything)
def test_no_field_can_add_a_header(subject, name):
    raw = build(replace(LETTER, subject=subject, from_name=name))

    message = read(raw)
    assert set(message.keys()) == set(read(build(LETTER)).keys())
    assert len(message.keys()) == len(set(message.keys()))
    # A reader unfolds a long header where blanks meet; the words stay.
    assert str(message["Subject"]).split() == one_line(subject).split()
    assert message["From"].addresses[0].addr_spec == "ada@brightside.example"


@given(text=anything)
def test_a_header_text_is_one_line_without_controls(text):
    made = one_line(text)

    assert not {unicodedata.category(char) for char in made} & {"Cc", "Zl", "Zp", "Cs"}
    assert made == made.strip()


@given(text=anything, html=anything)
def test_any_text_becomes_short_7_bit_lines_that_read_the_same(text, html):
    raw = build(replace(LETTER, text=text, html=html))

    raw.decode("ascii")
    lines = raw.split(b"\r\n")
    assert all(len(line) <= 998 for line in lines)
    assert not any(b"\r" in line or b"\n" in line for line in lines)
    body = read(raw).get_body(("plain",)).get_content()
    assert (
        body.split() == one_line(text).split()
        or "\ufffd" in body
        or not text.isprintable()
    )


@pytest.mark.parametrize(
    "address", ["a@b.example\r\nBcc: c@d.example", "a b@c.example", "", "a@b@c"]
)
def test_an_address_that_no_header_can_hold_is_refused(address):
    with pytest.raises(InvalidInput, match="can't stand in a mail's header"):
        build(replace(LETTER, to_address=address))


LOGO = file_entity("logo.png", "image/png", b"\x89PNG" * 50, content_id="1@inline")
OFFER_NAME = "Angebot für Müller & Söhne.pdf"
OFFER = file_entity(OFFER_NAME, "application/pdf", b"%PDF" * 9)


@pytest.mark.parametrize(
    ("files", "wanted"),
    [
        ({"images": (LOGO,)}, ("related", ("alternative", "plain", "html"), "png")),
        ({"attachments": (OFFER,)}, ("mixed", ("alternative", "plain", "html"), "pdf")),
        (
            {"images": (LOGO,), "attachments": (OFFER,)},
            ("mixed", ("related", ("alternative", "plain", "html"), "png"), "pdf"),
        ),
    ],
)
def test_files_are_nested_as_mail_programs_expect(files, wanted):
    message = read(build(replace(LETTER, **files)))

    assert shape(message) == wanted
    assert defects(message) == []
    assert message.get_body(("plain",)).get_content() == "Hello\r\n"
    for part in message.walk():
        if part.get_content_type() == "multipart/related":
            assert part.get_param("type") == "multipart/alternative"
        if part.get_content_subtype() == "png":
            assert part["Content-ID"] == "<1@inline>"
            assert part.get_content_disposition() == "inline"
            assert part.get_content() == b"\x89PNG" * 50
    kept = [
        part.get_filename()
        for part in message.walk()
        if part.get_content_disposition() == "attachment"
    ]
    assert kept == [OFFER_NAME] * len(files.get("attachments", ()))


@given(name=st.text(max_size=120).map(one_line).filter(bool))
@example(name='""')
@example(name="<a>")
def test_any_filename_reads_the_same_but_for_quoting(name):
    raw = build(replace(LETTER, attachments=(file_entity(name, "text/csv", b"a"),)))

    message = read(raw)
    (part,) = message.iter_attachments()
    shown = name.translate(str.maketrans('"<>', "'()"))
    assert part.get_filename() == shown
    assert part["Content-Disposition"].defects == ()
    assert max(len(line) for line in raw.split(b"\r\n")) <= 78
    # The other parser of the standard library, as older programs read it.
    plain = message_from_bytes(raw, policy=compat32)
    assert collapse_rfc2231_value(plain.get_payload()[1].get_filename()) == shown


@example(subject="=?utf-8?q?Hidden?= words", name="=?utf-8?q?Ada?=")
@given(subject=st.text(max_size=200), name=st.text(max_size=80))
def test_every_header_line_is_short_and_has_no_defect(subject, name):
    raw = build(replace(LETTER, subject=subject, from_name=name))

    head = raw.partition(b"\r\n\r\n")[0]
    assert max(len(line) for line in head.split(b"\r\n")) <= 78
    assert defects(read(raw)) == []
    (sender,) = read(raw)["From"].addresses
    # This reader keeps the blanks between encoded words, which RFC 2047 has it drop.
    shown = sender.display_name.replace(" ", "")
    assert shown == one_line(name).replace(" ", "")
    assert str(read(raw)["Subject"]).replace(" ", "") == one_line(subject).replace(
        " ", ""
    )


def test_a_long_address_to_unsubscribe_stays_whole():
    url = "https://x.example/m/u/" + "a" * 300

    raw = build(replace(LETTER, unsubscribe_url=url))

    assert f"\r\nList-Unsubscribe: <{url}>\r\n".encode() in raw
    assert read(raw)["List-Unsubscribe"] == f"<{url}>"


def test_a_long_thread_is_told_an_id_a_line():
    ids = tuple(f"<{n}-{'a' * 40}@brightside.example>" for n in range(40))

    raw = build(replace(LETTER, in_reply_to=ids[-1], references=ids))

    assert str(read(raw)["References"]).split() == list(ids)
    assert max(len(line) for line in raw.split(b"\r\n")) <= 78


def test_two_builds_of_one_mail_are_the_same_bytes():
    assert build(LETTER) == build(LETTER)


def test_the_boundary_stands_in_no_text():
    raw = build(replace(LETTER, text="--=_alt_0\n--=_alt_", html="<p>--=_alt_</p>"))

    assert shape(read(raw)) == ("alternative", "plain", "html")
    assert "--=_alt_0" in read(raw).get_body(("plain",)).get_content()
