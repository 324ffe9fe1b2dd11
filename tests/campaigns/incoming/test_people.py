"""What only people do tells them from machines where words alone could be either's."""

from __future__ import annotations

import pytest

from campaigns.incoming.classifying import Kind, classify
from tests.campaigns.incoming.letters import letter

QUOTED = """

On Mon, 4 May 2026 at 09:00, Ada of Brightside Web <ada@brightside.example> wrote:
> Hello, we looked at your bakery's site on a phone and made you another one.
> Have a look at it: https://brightside.example/d/1/
"""
#: Words of absence that are a machine's when nothing else stands there.
ABSENCES = [
    "I am on holiday until Monday.",
    "I will be out of the office until 5 May.",
    "Ich bin bis Montag im Urlaub.",
    "Je suis en congés jusqu'au 5 mai.",
    "Estoy de vacaciones hasta el lunes.",
    "Jeg er på ferie til mandag.",
]
#: What people say to an offer, in their languages.
REACTIONS = [
    "Your draft looks great. I am on holiday until Monday, ring me then.",
    "No thanks. I am out of the office until Friday anyway.",
    "How much would that be? I am on leave until Tuesday.",
    "Sieht wirklich gut aus. Ich bin bis Montag im Urlaub, danach gern.",
    "Kein Interesse. Wir haben bis 5. Mai geschlossen.",
    "Combien ça coûte ? Je suis en congés jusqu'au 5 mai.",
    "Nos interesa mucho. Estoy de vacaciones hasta el lunes.",
    "Quanto costa? Sono in ferie fino al 5 maggio.",
    "Gostei do rascunho. Estou de férias até segunda.",
    "Geen interesse. Ik ben met vakantie tot maandag.",
    "Vad kostar det? Jag är på semester till måndag.",
]
SOMEBODY_ELSE = [
    "Ask my sister about the site. She is on holiday until Monday.",
    "Det är min kollega som bestämmer, hon är på semester till måndag.",
    "C'est ma fille qui s'en occupe, elle est en vacances jusqu'au 5 mai.",
]
QUESTIONS = [
    "Is this an automated message?",
    "Ist das eine automatische Nachricht? Dann bitte nicht mehr schreiben.",
    "C'est un message automatique, ou quelqu'un lit ?",
    "¿Es un mensaje automático?",
]
#: Machines that quote what they answer, or have thanks and a number.
MACHINES = [
    "Your request has been received (#4711). An agent will look into it." + QUOTED,
    "This is an automatic reply, nobody reads this mailbox." + QUOTED,
    "Hi! The team usually replies within a day.\n\nPowered by Intercom",
    "You are not on my list of known senders. Click here to get through.",
    "Ditt ärende har nummer 5512 och besvaras inom två dagar.",
    "Abbiamo ricevuto il tuo messaggio e ti risponderemo al più presto.",
    "Uw vraag wordt beantwoord binnen 2 werkdagen.",
]
SUBJECTS = [
    "Auto-acknowledgement: your mail",
    "Tack för ditt mejl",
    "Bedankt voor uw bericht",
    "Merci pour votre message",
    "Gracias por su consulta",
    "Dziękujemy za wiadomość",
]


def kind_of(text, subject="Re: A new site for Rosie's"):
    return classify(letter(text, subject=subject)).kind


@pytest.mark.parametrize("text", ABSENCES)
def test_who_quotes_us_is_a_person_even_when_absent(text):
    assert kind_of(text) == Kind.AUTO_REPLY
    assert kind_of(text + QUOTED) == Kind.REPLY


@pytest.mark.parametrize("text", REACTIONS + SOMEBODY_ELSE + QUESTIONS)
def test_who_takes_up_the_offer_asks_or_tells_of_others_is_a_person(text):
    assert kind_of(text) == Kind.REPLY


def test_an_answer_to_an_automatic_reply_is_a_persons():
    subject = "Re: Automatic reply: A new site for Rosie's"

    assert kind_of("I'm back.", subject) == Kind.AUTO_REPLY
    assert kind_of("I'm back." + QUOTED, subject) == Kind.REPLY


def test_a_subject_that_asks_for_a_machine_is_a_persons():
    assert kind_of("I am here.", "Automatic reply? Re: your mail") == Kind.REPLY
    assert kind_of("I am here.", "Automatic reply: your mail") == Kind.AUTO_REPLY


@pytest.mark.parametrize("text", MACHINES)
def test_a_machine_that_quotes_or_chats_is_one(text):
    assert kind_of(text) == Kind.AUTO_REPLY


@pytest.mark.parametrize("subject", SUBJECTS)
def test_thanks_for_a_mail_in_a_subject_of_their_own_are_a_machines(subject):
    assert kind_of("We will see.", subject) == Kind.AUTO_REPLY


def test_a_mark_of_a_machine_outweighs_what_people_do():
    text = "No thanks." + QUOTED

    assert classify(letter(text, auto_submitted="auto-replied")).kind == Kind.AUTO_REPLY
