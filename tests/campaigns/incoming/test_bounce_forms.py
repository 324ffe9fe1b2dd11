"""Bounces come coded, broken, in JSON or as HTML; and much that looks like one is none."""

from __future__ import annotations

import base64
import json
import quopri

import pytest

from campaigns.incoming.classifying import Kind, classify
from tests.campaigns.incoming.letters import letter, notice, report

DEAD = "dead@shop.example"
SES = {"from": "AWS Notifications <no-reply@sns.example>", "in_reply_to": ""}


def the_one(raw: bytes):
    found = classify(raw)
    assert found.kind == Kind.BOUNCE, found
    (recipient,) = found.recipients
    return recipient


def fields(**values: str) -> str:
    named = {"final_recipient": f"rfc822; {DEAD}", "action": "failed"} | values
    return "".join(
        f"{name.replace('_', '-').title()}: {value}\n" for name, value in named.items()
    )


def test_a_route_before_an_address_is_left_out():
    raw = report(fields(final_recipient=f"rfc822; @mx.example:{DEAD}", status="5.1.1"))
    assert the_one(raw).address == DEAD


def test_a_local_name_gives_way_to_the_address_that_was_written_to():
    raw = report(
        fields(
            original_recipient=f"rfc822;{DEAD}",
            final_recipient="LOCAL; dead",
            status="5.2.2",
        )
    )
    assert the_one(raw).address == DEAD


@pytest.mark.parametrize("encoding", ["base64", "quoted-printable"])
def test_a_coded_notice_is_decoded(encoding):
    text = f"Your long message could not be delivered: {'why ' * 30}\n\n<{DEAD}>: 550 No such user\n"
    coded = base64.encodebytes if encoding == "base64" else quopri.encodestring
    raw = notice(coded(text.encode()).decode(), content_transfer_encoding=encoding)
    assert (the_one(raw).address, the_one(raw).hard) == (DEAD, True)


@pytest.mark.parametrize(
    "words",
    [
        f"以下の宛先にメールを配信できませんでした。\n\n  {DEAD}\n\n理由: ユーザーが見つかりません\n",
        f"------- Failure Reasons  --------\n\nディレクトリのリストにありません\n{DEAD}\n",
        f"配信できませんでした。\n\n  {DEAD}\n\n  Domino ディレクトリには見つかりません\n",
    ],
)
def test_a_notice_in_japanese_letters_of_old_is_read(words):
    coded = notice(words, charset="iso-2022-jp")
    assert the_one(coded).status == "5.1.1"
    unnamed = coded.replace(b"; charset=iso-2022-jp", b"")
    assert the_one(unnamed).status == "5.1.1"


@pytest.mark.parametrize(
    "words",
    [
        "Die eingegebene E-Mail-Adresse konnte nicht gefunden werden.",
        "L'adresse de messagerie que vous avez entrée est introuvable.",
        "No se encontró la dirección de correo electrónico especificada.",
        "Impossibile trovare l'indirizzo di posta elettronica immesso.",
        "Het ingevoerde e-mailadres is niet gevonden.",
        "O endereço de email digitado não pôde ser encontrado.",
        "Nie można odnaleźć podanego adresu e-mail.",
        "Det gick inte att hitta e-postadressen.",
        "Den angivne e-mail-adresse blev ikke fundet.",
        "Zadaná e-mailová adresa nebyla nalezena.",
        "A megadott e-mail-cím nem található.",
        "Не удалось найти введенный адрес электронной почты.",
        "Girdiğiniz e-posta adresi bulunamadı.",
        "入力した電子メール アドレスが見つかりませんでした。",
        "找不到您输入的电子邮件地址。",
        "입력한 전자 메일 주소를 찾을 수 없습니다.",
    ],
)
def test_an_unknown_address_is_understood_in_many_languages(words):
    failed = the_one(notice(f"Undeliverable:\n\n{DEAD}\n{words}\n"))
    assert (failed.address, failed.status, failed.hard) == (DEAD, "5.1.1", True)


@pytest.mark.parametrize(
    "words",
    [
        "Das Postfach des Empfängers ist voll.",
        "La boîte aux lettres du destinataire est pleine.",
        "El buzón del destinatario está lleno.",
        "La casella di posta del destinatario è piena.",
        "Het postvak van de geadresseerde is vol.",
        "A caixa de correio do destinatário está cheia.",
        "Skrzynka pocztowa adresata jest pełna.",
        "Mottagarens postlåda är full.",
        "Почтовый ящик получателя переполнен.",
        "受信者のメールボックスがいっぱいです。",
        "收件人的邮箱已满。",
        "받는 사람의 사서함이 가득 찼습니다.",
    ],
)
def test_a_full_mailbox_is_understood_in_many_languages(words):
    failed = the_one(notice(f"Undeliverable:\n\n{DEAD}\n{words}\n"))
    assert (failed.reason, failed.hard) == ("mailbox_full", False)


def test_an_address_that_stands_in_the_subject_alone_is_found():
    raw = notice("", subject=f"Undeliverable: mail to {DEAD} failed")
    assert the_one(raw).address == DEAD


def test_an_address_behind_a_link_is_found():
    html = f'<p>Not delivered to <a href="mailto:{DEAD}?subject=x">Dead Person</a>: the address could not be found.</p>'
    raw = notice(html, content_type="text/html; charset=utf-8")
    assert (the_one(raw).address, the_one(raw).hard) == (DEAD, True)


def test_a_name_without_its_domain_is_one_of_the_daemons():
    body = "Your mail to the following recipients could not be delivered:\n\n\tdead\n"
    raw = notice(body, **{"from": "MAILER-DAEMON@shop.example"})
    assert the_one(raw).address == DEAD


def test_an_address_that_is_only_proposed_has_not_failed():
    body = (
        f"{DEAD}: no such user.\n\nTry the longest form of the name, e.g., if\n"
        "carl.ray@shop.example fails, try carl.j.ray@shop.example.\n"
    )
    assert the_one(notice(body)).address == DEAD
    assert classify(notice(body.partition("\n")[2])).recipients == []


def test_the_line_above_an_address_says_more_than_the_one_behind():
    body = f"The user(s) account is temporarily over quota.\n\n<{DEAD}>: 550 user unknown\n"
    assert the_one(notice(body)).reason == "mailbox_full"


def test_a_notice_in_json_is_read():
    told = {
        "notificationType": "Bounce",
        "bounce": {
            "bounceType": "Permanent",
            "bouncedRecipients": [
                {
                    "emailAddress": DEAD,
                    "action": "failed",
                    "status": "5.1.1",
                    "diagnosticCode": "smtp; 550 5.1.1 user unknown",
                }
            ],
        },
    }
    body = json.dumps(told) + "\n\n--\nTo stop these notices, visit https://x.example\n"
    failed = the_one(letter(body, subject="AWS Notification Message", **SES))
    assert (failed.address, failed.status, failed.hard) == (DEAD, "5.1.1", True)


@pytest.mark.parametrize("form", ["nested", "folded"])
def test_json_is_read_however_it_was_packed(form):
    told = json.dumps(
        {
            "notificationType": "Bounce",
            "bounce": {
                "bounceType": "Transient",
                "bounceSubType": "MailboxFull",
                "bouncedRecipients": [{"emailAddress": DEAD}],
            },
        }
    )
    if form == "nested":
        told = json.dumps({"Type": "Notification", "Message": told})
    else:
        told = f"{told[:60]}!\n {told[60:]}"
    failed = the_one(letter(told, **SES))
    assert (failed.reason, failed.hard) == ("mailbox_full", False)


def test_a_complaint_in_json_is_one():
    told = {
        "eventType": "Complaint",
        "complaint": {"complainedRecipients": [{"emailAddress": DEAD}]},
    }
    found = classify(letter(json.dumps(told), **SES))
    assert found.kind == Kind.COMPLAINT
    assert [each.address for each in found.recipients] == [DEAD]


@pytest.mark.parametrize(
    "body",
    [
        '{"notificationType": "Delivery", "delivery": {"recipients": ["a@b.example"]}}',
        '{"notificationType": 7, "bounce": []}',
        '{"notificationType": "Bounce", "bounce": ["x"]}',
        '{"notificationType": "Bounce", "bounce": {"bouncedRecipients": ["x", {}]}}',
        '{"notificationType": ' + "[" * 100_000,
    ],
)
def test_other_json_names_nobody(body):
    assert classify(letter(body, **SES)).recipients == []


@pytest.mark.parametrize(
    ("action", "status", "words", "hard"),
    [
        ("failed", "4.1.1", "450 4.1.1 User unknown in local recipient table", True),
        ("delayed", "4.1.1", "450 4.1.1 User unknown in local recipient table", False),
        ("failed", "4.1.1", "450 4.1.1 Recipient address rejected: unverified", False),
        ("failed", "4.4.4", "421 Temporary server error, please try again", False),
        ("failed", "4.4.4", "Name service error: Host not found, try again", True),
    ],
)
def test_who_is_unknown_when_all_tries_are_over_is_unknown(action, status, words, hard):
    raw = report(fields(action=action, status=status, diagnostic_code=f"smtp; {words}"))
    assert the_one(raw).hard is hard


@pytest.mark.parametrize(
    ("status", "words", "reason"),
    [
        ("5.2.1", "550 5.2.1 user unknown", "disabled"),
        ("5.2.0", "550 Unknown user dead@shop.example", "policy"),
        ("5.0.0", "550 Unknown user (in reply to end of DATA command)", "policy"),
        ("5.0.0", "550 No such user (state 18).", "policy"),
        ("5.0.0", "550 : User unknown", "policy"),
        ("5.7.1", "550 5.7.1 Sender address rejected: not found", "policy"),
        ("5.1.1", "550 5.1.1 This account has been disabled", "disabled"),
        ("5.4.4", "554 5.4.4 SMTPSEND.DNS.MxLoopback; configured in a loop", "loop"),
        ("5.1.2", "550 5.1.2 Connection timed out", "network"),
    ],
)
def test_what_is_about_a_living_mailbox_or_our_mail_is_not_hard(status, words, reason):
    raw = report(fields(status=status, diagnostic_code=f"smtp; {words}"))
    assert (the_one(raw).reason, the_one(raw).hard) == (reason, False)


def test_that_time_is_over_says_less_than_why():
    raw = report(
        fields(status="4.4.7", diagnostic_code="smtp; 451 4.2.2 Mailbox is full")
    )
    assert the_one(raw).status == "4.2.2"


def test_a_report_that_states_success_and_no_action_is_no_bounce():
    raw = report(f"Final-Recipient: rfc822; {DEAD}\nStatus: 2.1.5\n")
    assert classify(raw).kind == Kind.OTHER


def test_a_subject_of_failure_above_a_text_of_delay_is_a_delay():
    body = f"Not delivered yet to:\n\n{DEAD}\n\nDelivery attempts will continue to be made for 5 days.\n"
    failed = the_one(notice(body, subject="Delivery failure notification"))
    assert failed.delayed
    assert failed.status.startswith("4.")


def test_a_report_that_only_states_that_time_is_over_is_read():
    failed = the_one(report(fields(action="expired")))
    assert (failed.status, failed.reason, failed.hard) == ("4.4.7", "expired", False)


@pytest.mark.parametrize(
    "headers",
    [
        {"subject": "Out of office: Re: Your website"},
        {"subject": "Re: Your website", "auto_submitted": "auto-replied"},
    ],
)
def test_an_absence_without_a_sender_is_no_bounce(headers):
    body = (
        "I cannot read your mail. If there is a problem write to carl@shop.example.\n"
    )
    found = classify(letter(body, return_path="<>", **headers))
    assert found.kind == Kind.AUTO_REPLY


def test_a_feedback_report_that_lost_its_parts_is_a_complaint():
    body = f"An abuse report.\n\nFeedback-Type: abuse\nUser-Agent: X/1\nVersion: 1\nOriginal-Rcpt-To: <{DEAD}>\n"
    found = classify(letter(body, subject="abuse report", in_reply_to=""))
    assert found.kind == Kind.COMPLAINT
    assert [each.address for each in found.recipients] == [DEAD]


def test_a_complaint_that_encloses_the_mail_is_known_by_its_subject():
    body = (
        "--b\nContent-Type: message/rfc822\n\n"
        f"From: anna@studio.example\nTo: {DEAD}\nSubject: Your website\n\nHi\n--b--\n"
    )
    raw = letter(
        body,
        content_type="multipart/mixed; boundary=b",
        subject="complaint about message from 192.0.2.7",
        in_reply_to="",
        **{"from": "complaints@mail.example"},
    )
    found = classify(raw)
    assert found.kind == Kind.COMPLAINT
    assert [each.address for each in found.recipients] == [DEAD]
