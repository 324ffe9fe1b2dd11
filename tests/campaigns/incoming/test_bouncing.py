"""Bounces: whom a mail did not reach, why, and whether the address is dead."""

from __future__ import annotations

import base64

import pytest

from campaigns.incoming.classifying import Kind, classify
from tests.campaigns.incoming.letters import SENDER, letter, notice, report

DEAD = "dead@shop.example"
FIELDS = f"Final-Recipient: rfc822; {DEAD}\nAction: failed\nStatus: 5.1.1\n"


def the_one(raw: bytes):
    found = classify(raw)
    assert found.kind == Kind.BOUNCE, found
    (recipient,) = found.recipients
    return recipient


def test_a_report_names_address_code_and_reason():
    failed = the_one(
        report(FIELDS + "Diagnostic-Code: smtp; 550 5.1.1 No such user here\n")
    )
    assert (failed.address, failed.status, failed.hard) == (DEAD, "5.1.1", True)
    assert failed.reason == "user_unknown"
    assert failed.words == "550 5.1.1 No such user here"


def test_the_servers_own_code_beats_a_reports_general_one():
    fields = (
        f"Final-Recipient: rfc822;{DEAD}\nAction: failed\nStatus: 5.0.0\n"
        "Diagnostic-Code: smtp; 552-5.2.2 The recipient's inbox is out of storage\n"
        " 552 5.2.2 space.\n"
    )
    failed = the_one(report(fields))
    assert (failed.status, failed.reason, failed.hard) == (
        "5.2.2",
        "mailbox_full",
        False,
    )


@pytest.mark.parametrize(
    "words",
    [
        "550 5.7.1 Message rejected due to content restrictions",
        "554 5.7.1 Service unavailable; client host blocked using a blocklist",
        "550-5.7.26 This mail is unauthenticated, SPF did not pass",
        "550 5.7.1 Relaying denied",
        "550 5.7.1 Access denied. User unknown",
        "550 5.7.1 This user does not accept mail from your network",
        "550 5.7.25 The address has no PTR record, host not found",
    ],
)
def test_what_a_server_has_against_our_mail_kills_no_address(words):
    fields = f"Final-Recipient: rfc822; {DEAD}\nAction: failed\nStatus: 5.7.1\n"
    failed = the_one(report(f"{fields}Diagnostic-Code: smtp; {words}\n"))
    assert not failed.hard
    assert failed.reason in ("spam", "policy")
    assert failed.status.startswith("5.7.")


def test_what_is_wrong_with_the_sender_kills_no_recipient():
    fields = f"Final-Recipient: rfc822; {DEAD}\nAction: failed\nStatus: 5.1.8\n"
    words = "550 5.1.8 Sender address rejected: Domain not found"
    failed = the_one(report(f"{fields}Diagnostic-Code: smtp; {words}\n"))
    assert (failed.reason, failed.hard) == ("policy", False)


def test_the_address_somebody_moved_to_has_not_failed():
    body = f"{DEAD} could not be delivered, this user has moved to new@shop.example."
    failed = the_one(notice(body))
    assert (failed.address, failed.reason, failed.hard) == (DEAD, "moved", True)


def test_a_delay_is_a_bounce_that_is_not_hard():
    fields = f"Final-Recipient: rfc822; {DEAD}\nAction: delayed\nStatus: 4.4.1\n"
    failed = the_one(
        report(fields + "Will-Retry-Until: Fri, 1 Jan 2027 00:00:00 +0000\n")
    )
    assert (failed.status, failed.hard) == ("4.4.1", False)


@pytest.mark.parametrize("action", ["delivered", "relayed", "expanded"])
def test_a_report_of_success_is_no_bounce(action):
    fields = f"Final-Recipient: rfc822; {DEAD}\nAction: {action}\nStatus: 2.0.0\n"
    assert classify(report(fields)).kind == Kind.OTHER


def test_only_the_failed_ones_of_a_mixed_report_are_named():
    ok = "Final-Recipient: rfc822; ok@shop.example\nAction: delivered\nStatus: 2.1.5\n"
    assert the_one(report(f"{ok}\n{FIELDS}")).address == DEAD


def test_the_address_that_was_written_to_is_named_and_the_forwards_target_kept():
    fields = (
        "Original-Recipient: rfc822;info@shop.example\n"
        "Final-Recipient: rfc822;gone@elsewhere.example\nAction: failed\nStatus: 5.1.1\n"
    )
    failed = the_one(report(fields))
    assert failed.address == "info@shop.example"
    assert failed.final_address == "gone@elsewhere.example"


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/octet-stream; x=y", "Message/Delivery-Status"]
)
def test_a_report_of_the_wrong_type_is_still_read(kind):
    raw = report(FIELDS, human=f"Not delivered to {DEAD}: unknown user", kind=kind)
    assert the_one(raw).address == DEAD


def test_a_report_in_base64_without_its_last_boundary_is_read():
    coded = base64.encodebytes(f"Reporting-MTA: dns; x\n\n{FIELDS}".encode()).decode()
    body = (
        "--b\nContent-Type: message/delivery-status\n"
        f"Content-Transfer-Encoding: base64\n\n{coded}"
    )
    raw = notice(
        body, content_type="multipart/report; report-type=delivery-status; boundary=b"
    )
    assert the_one(raw).status == "5.1.1"


def test_a_whole_bounce_wrapped_in_another_message_is_read():
    inner = report(FIELDS).decode().replace("\r\n", "\n")
    body = f"--o\nContent-Type: message/rfc822\n\n{inner}\n--o--\n"
    assert (
        the_one(notice(body, content_type="multipart/mixed; boundary=o")).address
        == DEAD
    )


NOTICES = {
    "postfix": (
        ("I'm sorry to have to inform you that your message could not be delivered.\n\n"
        f"<{DEAD}>: host mx.shop.example[192.0.2.1] said: 550 5.1.1 <{DEAD}>:\n"
        "    Recipient address rejected: User unknown in relay recipient table (in\n"
        "    reply to RCPT TO command)\n"),
        "5.1.1", "user_unknown", True,
    ),
    "qmail": (
        ("Hi. This is the qmail-send program at mx.example.\n"
        "I'm afraid I wasn't able to deliver your message to the following addresses.\n"
        "This is a permanent error; I've given up. Sorry it didn't work out.\n\n"
        f"<{DEAD}>:\nSorry, I couldn't find any host named shop.example. (#5.1.2)\n\n"
        "--- Below this line is a copy of the message.\n\n"
        "Return-Path: <anna@studio.example>\nTo: other@shop.example\n"),
        "5.1.2", "host_unknown", True,
    ),
    "exim": (
        ("This message was created automatically by mail delivery software.\n\n"
        "A message that you sent could not be delivered to one or more of its\n"
        "recipients. This is a permanent error. The following address(es) failed:\n\n"
        f"  {DEAD}\n    mailbox is full: retry timeout exceeded\n\n"
        "------ This is a copy of the message, including all the headers. ------\n"),
        "5.2.2", "mailbox_full", False,
    ),
    "exchange": (
        ("Delivery has failed to these recipients or groups:\n\n"
        f"{DEAD}<mailto:{DEAD}>\n"
        "The e-mail address you entered couldn't be found. Please check it.\n\n"
        "Diagnostic information for administrators:\n\n"
        f"Generating server: shop.example\n\n{DEAD}\n"
        "#550 5.1.1 RESOLVER.ADR.RecipNotFound; not found ##\n"),
        "5.1.1", "user_unknown", True,
    ),
    "domino": (
        ("Your message\n\n  Subject: Your website\n\nwas not delivered to:\n\n"
        f"  {DEAD}\n\nbecause:\n\n  User dead (dead@shop.example) not listed in\n"
        "  Domino Directory\n"),
        "5.1.1", "user_unknown", True,
    ),
    "german": (
        ("Ihre Nachricht konnte nicht zugestellt werden.\n\n"
        f"{DEAD}:\n550 Requested action not taken: Postfach ist voll\n"),
        "5.2.2", "mailbox_full", False,
    ),
    "french": (
        f"Votre message n'a pas pu être remis à {DEAD} : adresse inconnue.\n",
        "5.1.1", "user_unknown", True,
    ),
    "spanish": (
        f"No se pudo entregar su mensaje a {DEAD}: el usuario no existe.\n",
        "5.1.1", "user_unknown", True,
    ),
    "japanese": (
        f"メッセージを配信できませんでした。\n\n<{DEAD}>: 宛先のメールアドレスは存在しません\n",
        "5.1.1", "user_unknown", True,
    ),
    "russian": (
        f"Письмо не удалось доставить.\n\n{DEAD}\n550 Пользователь не найден\n",
        "5.1.1", "user_unknown", True,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", NOTICES)
def test_a_notice_for_people_is_understood(name):
    body, status, reason, hard = NOTICES[name]
    failed = the_one(notice(body))
    assert (failed.address, failed.status) == (DEAD, status)
    assert (failed.reason, failed.hard) == (reason, hard)


def test_each_of_two_addresses_has_its_own_reason():
    body = f"<{DEAD}>: unknown user\n\n<full@shop.example>: 552 5.2.2 mailbox full\n"
    found = {each.address: each for each in classify(notice(body)).recipients}
    assert found[DEAD].hard
    assert found["full@shop.example"].status == "5.2.2"
    assert not found["full@shop.example"].hard


def test_a_warning_that_the_server_goes_on_trying_is_soft():
    body = (
        "A message that you sent has not yet been delivered after 24 hours.\n\n"
        f"  {DEAD}\n    Unknown host\n\nNo action is required on your part.\n"
    )
    failed = the_one(notice(body, subject="Warning: message delayed 24 hours"))
    assert not failed.hard
    assert failed.status.startswith("4.")


def test_a_header_names_the_address_that_the_text_hides():
    failed = the_one(notice("It failed: user unknown.", x_failed_recipients=DEAD))
    assert (failed.address, failed.hard) == (DEAD, True)


def test_an_address_coded_into_the_envelope_is_found():
    raw = notice(
        "Your mail could not be delivered: no such user.",
        to="bounce+dead=shop.example@studio.example",
    )
    assert the_one(raw).address == DEAD


def test_the_sender_is_never_taken_for_the_failed_address():
    body = f"Your message from {SENDER} was rejected.\nContact postmaster@mx.example.\n{DEAD}: unknown user\n"
    assert [each.address for each in classify(notice(body)).recipients] == [DEAD]


def test_a_person_who_quotes_a_bounce_answers():
    body = (
        f"Sorry, our server was down. Please try again.\n\n> <{DEAD}>: user unknown\n"
    )
    assert classify(letter(body, subject="Re: Undelivered Mail")).kind == Kind.REPLY


def test_a_code_behind_a_continued_reply_is_the_status():
    body = f"<{DEAD}>: host mx said: 550-5.1.1 The account does\n    550 not exist\n"
    assert the_one(notice(body)).status == "5.1.1"
    body = f"<{DEAD}>: host mx said: 552-5.2.2 The inbox is out of space\n"
    assert the_one(notice(body)).status == "5.2.2"


def test_a_version_number_is_no_status():
    body = f"Exim 4.92.3 on mx.example\n\n{DEAD}\n   unknown user\n"
    assert the_one(notice(body)).status == "5.1.1"
