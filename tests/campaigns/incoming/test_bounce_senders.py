"""Who writes a notice, and how it names whom it is about, differs more than what it says."""

from __future__ import annotations

import pytest

from campaigns.incoming.classifying import Kind, classify
from tests.campaigns.incoming.letters import letter, notice, report

DEAD = "dead@shop.example"
#: Subjects and texts of notices in languages that few parsers know.
FOREIGN = [
    ("Αποτυχία παράδοσης", f"Το μήνυμα δεν παραδόθηκε στον παραλήπτη {DEAD}."),
    ("Mancata consegna", f"Il messaggio non è stato consegnato a: {DEAD}"),
    ("Nedoručená zpráva", f"Zpráva nebyla doručena příjemci {DEAD}."),
    ("Livrare eșuată", f"Mesajul nu a putut fi livrat către {DEAD}."),
    ("תקלה: הדואר לא נמסר", f"ההודעה לא נמסרה אל {DEAD}"),
    ("تعذر تسليم الرسالة", f"تعذر تسليم الرسالة إلى {DEAD}"),
    ("失敗通知", f"Could not be delivered to: <{DEAD}>\nAs their mailbox is full."),
]


@pytest.mark.parametrize(("subject", "text"), FOREIGN)
def test_a_notice_is_known_in_any_language_whoever_sends_it(subject, text):
    raw = notice(text, subject=subject, **{"from": "Mail <mail@isp.example>"})
    found = classify(raw)
    assert found.kind == Kind.BOUNCE
    assert [each.address for each in found.recipients] == [DEAD]


def test_an_address_that_nobody_has_may_tell_of_a_failure_without_its_subject():
    raw = notice(
        f"We could not deliver your mail to {DEAD}: the mailbox is full.",
        subject="A word about your mail",
        **{"from": "no-reply@cloud.example"},
    )
    (failed,) = classify(raw).recipients
    assert (failed.address, failed.reason) == (DEAD, "mailbox_full")


def test_a_shop_that_writes_without_an_answer_tells_of_no_bounce():
    raw = notice(
        "Your parcel is on its way. Questions? Ask help@shop.example.",
        subject="Your parcel",
        **{"from": "no-reply@shop.example"},
    )
    assert classify(raw).kind == Kind.AUTO_REPLY


@pytest.mark.parametrize("sender", ["MAILER-DAEMON", "postmaster"])
@pytest.mark.parametrize("subject", ["Hello", "Re: Your website"])
def test_a_mail_system_that_tells_nothing_is_no_person(sender, subject):
    raw = notice("Good morning.", subject=subject, **{"from": f"{sender}@shop.example"})
    assert classify(raw).kind in (Kind.OTHER, Kind.AUTO_REPLY)


def test_a_postmaster_who_answers_is_a_person():
    raw = letter("Yes please.", **{"from": "postmaster@shop.example"})
    assert classify(raw).kind == Kind.REPLY


def test_a_daemon_is_no_person_even_where_it_answers():
    raw = letter("Good morning.", **{"from": "Mail Delivery System <d@shop.example>"})
    assert classify(raw).kind == Kind.REPLY
    raw = letter("Good morning.", **{"from": "MAILER-DAEMON@shop.example"})
    assert classify(raw).kind != Kind.REPLY


def test_a_phone_network_names_the_number_as_in_a_letter():
    raw = notice(
        "Error: Subscriber Does Not Exist. No valid recipients for this MM\n\n"
        "To: 5550100@phone.example\n\nOriginal Message:\n\nSubject: Your website\n",
        subject="Undeliverable Message",
        **{"from": "post_master@phone.example"},
    )
    (failed,) = classify(raw).recipients
    assert (failed.address, failed.status) == ("5550100@phone.example", "5.1.1")


def test_a_daemon_may_leave_out_its_own_domain_and_say_why_in_brackets():
    raw = notice(
        "The message that you sent was undeliverable to the following:\n"
        "\tdead (user not found)\n",
        subject="Message status - undeliverable",
        **{"from": "Mail Delivery System <postmaster@shop.example>"},
    )
    (failed,) = classify(raw).recipients
    assert (failed.address, failed.hard) == (DEAD, True)


def test_a_report_that_names_only_the_mailbox_gives_the_address_in_its_words():
    raw = report(
        "Final-Recipient: rfc822; dead\nAction: failed\nStatus: 5.1.1\n"
        f"Diagnostic-Code: smtp; 550 5.1.1 <{DEAD}> no such user\n"
    )
    (failed,) = classify(raw).recipients
    assert (failed.address, failed.status, failed.hard) == (DEAD, "5.1.1", True)


@pytest.mark.parametrize(
    ("stated", "address"),
    [
        ('"very.odd..one"@shop.example', '"very.odd..one"@shop.example'),
        ('"plain.one"@shop.example', "plain.one@shop.example"),
    ],
)
def test_quotes_stay_where_an_address_needs_them(stated, address):
    raw = report(f"Final-Recipient: rfc822;{stated}\nAction: failed\nStatus: 5.1.1\n")
    assert [each.address for each in classify(raw).recipients] == [address]


@pytest.mark.parametrize(
    ("address", "said", "reason"),
    [
        ("gus@dormant.example", "host mx.dormant.example: retry timeout", "expired"),
        (
            "sam@spam-free.example",
            "connect to mx.spam-free.example: no answer",
            "network",
        ),
        ("quota.full@shop.example", "550 5.1.1 User unknown", "user_unknown"),
        ("unknown.user@shop.example", "552 5.2.2 mailbox full", "mailbox_full"),
    ],
)
def test_words_in_the_names_of_people_and_hosts_say_nothing(address, said, reason):
    raw = notice(f"<{address}>: {said}\n")
    assert [each.reason for each in classify(raw).recipients] == [reason]


@pytest.mark.parametrize(
    ("said", "status", "reason"),
    [
        ("550 Host unknown (Authoritative answer from name server)", "5.1.2", "host_unknown"),
        ("Although I'm listed as a best-preference MX, it isn't in my control (#5.4.6)",
         "5.4.6", "loop"),
        ("550 4.4.7 Message expired. <421 4.4.0 Unable to lookup DNS for shop.example>",
         "4.4.7", "network"),
    ],
)  # fmt: skip
def test_words_of_hosts_and_name_servers_are_not_those_of_a_missing_user(
    said, status, reason
):
    (failed,) = classify(notice(f"<{DEAD}>:\n{said}\n")).recipients
    assert (failed.status, failed.reason) == (status, reason)


@pytest.mark.parametrize(
    ("sender", "subject"),
    [
        ("7700@reports.spamcop.example", "[SpamCop (192.0.2.9) id:7] Your website"),
        ("abuse@isp.example", "Spam complaint about 192.0.2.9"),
        ("antispam@isp.example", "Report of spam from your network"),
        ("complaints@isp.example", "Spam-Beschwerde"),
    ],
)
def test_a_desk_against_spam_is_no_person_who_answers(sender, subject):
    raw = notice("See below.", subject=subject, **{"from": sender})
    assert classify(raw).kind == Kind.COMPLAINT


def test_a_person_at_such_a_desk_who_answers_is_a_person():
    raw = letter(
        "We love it.", subject="Re: Spam report", **{"from": "abuse@isp.example"}
    )
    assert classify(raw).kind == Kind.REPLY


def test_a_transcript_says_more_than_the_line_with_the_address():
    raw = notice(
        "   ----- Transcript of session follows -----\n"
        "... while talking to mx.shop.example.:\n>>> DATA\n"
        "<<< 554 5.7.1 Blocked by SpamAssassin\n"
        f"554 5.0.0 <{DEAD}>... Service unavailable\n"
    )
    (failed,) = classify(raw).recipients
    assert (failed.status, failed.reason) == ("5.7.1", "spam")


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ("De mailbox is vol.", "5.2.2"),
        ("Motivo: cuota de disco excedida", "5.2.2"),
        ("사유: 메일함 용량이 초과되었습니다.", "5.2.2"),
        ("Dit e-mailadres bestaat niet.", "5.1.1"),
        ("Der Benutzer ist nicht im Domino-Verzeichnis aufgeführt", "5.1.1"),
        ("Grund: Die Domain existiert nicht.", "5.1.2"),
        ("Error: dominio no encontrado", "5.1.2"),
        ("le domaine est introuvable", "5.1.2"),
        ("ドメインが見つかりません", "5.1.2"),
        ("taille maximale dépassée", "5.3.4"),
        ("Die maximale Größe wurde überschritten", "5.3.4"),
        ("Размер письма превышает предел", "5.3.4"),
        ("omdat dit adres niet bestaat", "5.1.1"),
    ],
)
def test_a_reason_is_understood_in_further_languages(said, status):
    (failed,) = classify(notice(f"<{DEAD}>: {said}\n")).recipients
    assert failed.status == status
