"""Who is away, has left or will answer later says so in many words; so do people who answer."""

from __future__ import annotations

import pytest

from campaigns.incoming.classifying import Kind, classify
from tests.campaigns.incoming.letters import letter
from tests.campaigns.incoming.words_of_machines import MACHINES
from tests.campaigns.incoming.words_of_people import PEOPLE

#: Behind the name of the sender; nothing above tells of a machine.
FOOTERS = [
    "This is an automatically generated e-mail. Please do not reply to this message.",
    "Dies ist eine automatisch generierte Nachricht, bitte antworten Sie nicht auf diese E-Mail.",
    "Ceci est un message envoyé automatiquement, merci de ne pas y répondre.",
    "Este mensaje ha sido generado automáticamente. Por favor, no responda a este correo.",
    "Si prega di non rispondere a questa e-mail.",
    "Por favor, não responda a este e-mail.",
    "Dit is een automatisch gegenereerd bericht.",
    "Svara inte på detta mejl.",
    "Denne mail er automatisk genereret.",
    "Älä vastaa tähän viestiin.",
    "Prosimy nie odpowiadać na tę wiadomość.",
    "Neodpovídejte na tento e-mail.",
    "Не отвечайте на это письмо.",
    "このメールは自動配信されています。",
    "本邮件由系统自动发送，请勿回复。",
    "본 메일은 발신 전용입니다.",
]
SUBJECTS = [
    "Away: back on 7 May",
    "Vakantie",
    "Chiuso per ferie",
    "Betriebsurlaub",
    "Congés annuels",
    "Geschlossen bis 7. Mai",
    "Ich bin nicht mehr bei der Firma",
    "年末年始休業のお知らせ",
]
ABOVE = "Hello,\n\nyour mail is number 4711 with us.\n\nYour team\n"


@pytest.mark.parametrize("text", MACHINES)
def test_a_machine_is_known_by_its_words_alone(text):
    assert classify(letter(text)).kind == Kind.AUTO_REPLY


@pytest.mark.parametrize("text", PEOPLE)
def test_a_person_who_speaks_of_absence_or_of_answers_is_one(text):
    assert classify(letter(text)).kind == Kind.REPLY


@pytest.mark.parametrize("subject", SUBJECTS)
def test_a_subject_that_only_tells_of_absence_is_a_machines(subject):
    assert classify(letter("Bob", subject=subject)).kind == Kind.AUTO_REPLY


@pytest.mark.parametrize(
    "text",
    [
        "I was on vacation until Monday.",
        "Nach dem Urlaub, ab dem 7.1., melde ich mich.",
        "Wir haben geschlossen bis Montag, passt Ihnen Dienstag?",
        "We sell vacation homes.",
    ],
)
def test_an_absence_that_is_past_or_asked_about_or_sold_is_a_persons(text):
    assert classify(letter(text)).kind == Kind.REPLY


@pytest.mark.parametrize("footer", FOOTERS)
def test_a_machine_may_say_what_it_is_in_its_signature(footer):
    assert classify(letter(f"{ABOVE}\n-- \n{footer}\n")).kind == Kind.AUTO_REPLY


@pytest.mark.parametrize("footer", FOOTERS)
def test_what_a_machine_said_in_a_quote_is_not_the_persons(footer):
    quote = (
        f"On Mon, 2 Nov 2026 at 9:00, Anna <anna@studio.example> wrote:\n> {footer}\n"
    )
    assert classify(letter(f"Yes please.\n\n{quote}")).kind == Kind.REPLY


def test_a_long_text_may_end_with_what_it_is():
    text = "We sell tools. " * 100 + "\n\nThis is an automated message.\n"
    assert classify(letter(text)).kind == Kind.AUTO_REPLY


def test_a_rule_of_exchange_that_wants_no_answer_is_a_machine():
    marks = {"x_ms_exchange_inbox_rules_loop": "bob@shop.example"}
    forwarded = letter("Yes please.", **marks)
    answered = letter("Yes please.", x_auto_response_suppress="All", **marks)
    assert classify(forwarded).kind == Kind.REPLY
    assert classify(answered).kind == Kind.AUTO_REPLY
