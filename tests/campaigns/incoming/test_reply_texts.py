"""The new text of a reply, without quotes and signature."""

from __future__ import annotations

import pytest

from campaigns.incoming.replies import new_text_of_mail
from campaigns.incoming.reply_texts import new_text_of
from tests.campaigns.incoming.letters import letter

QUOTE = "\n> Shall we talk?\n> Anna\n"
HEADS = [
    "On Mon, 2 Nov 2026 at 09:15, Anna Berg <anna@studio.example> wrote:",
    "On Mon, 2 Nov 2026 at 09:15, Anna Berg the Third of the Studio\n<anna@studio.example> wrote:",
    "On Nov 2, 2026, at 9:15 AM, Anna Berg <\nanna@studio.example> wrote:",
    "Am 02.11.2026 um 09:15 schrieb Anna Berg:",
    "Am Mo., 2. Nov. 2026 um 09:15 Uhr schrieb Anna <anna@studio.example>:",
    "Le lun. 2 nov. 2026 à 09:15, Anna <anna@studio.example> a écrit :",
    "El lun, 2 nov 2026 a las 9:15, Anna (<anna@studio.example>) escribió:",
    "Em seg., 2 de nov. de 2026 às 09:15, Anna <anna@studio.example> escreveu:",
    "Il giorno lun 2 nov 2026 alle ore 09:15 Anna <anna@studio.example> ha scritto:",
    "Op ma 2 nov. 2026 om 09:15 schreef Anna <anna@studio.example>:",
    "Den mån 2 nov. 2026 kl 09:15 skrev Anna <anna@studio.example>:",
    "man. 2. nov. 2026 kl. 09:15 skrev Anna <anna@studio.example>:",
    "ma 2. marrask. 2026 klo 9.15 Anna (anna@studio.example) kirjoitti:",
    "pon., 2 lis 2026 o 09:15 Anna <anna@studio.example> napisał(a):",
    "po 2. 11. 2026 v 9:15 odesílatel Anna <anna@studio.example> napsal:",
    "пн, 2 нояб. 2026 г. в 09:15, Anna <anna@studio.example>:",
    "2 нояб. 2026 г., в 09:15, Anna <anna@studio.example> написал(а):",
    "2 Kas 2026 Pzt 09:15 tarihinde Anna <anna@studio.example> şunu yazdı:",
    "2026年11月2日(月) 9:15 Anna <anna@studio.example>:",
    "在 2026年11月2日，09:15，Anna <anna@studio.example> 写道：",
    "Anna Berg <anna@studio.example> schrieb am Mo., 2. Nov. 2026, 09:15:",
    "2026년 11월 2일 (월) 오전 9:15, Anna <anna@studio.example>님이 작성:",
]


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize(
    "quote", [QUOTE, "\n\nShall we talk?\nAnna\n"], ids=["marked", "bare"]
)
def test_the_answer_above_a_quote_is_kept_alone(head, quote):
    assert (
        new_text_of(f"Yes, tomorrow.\n\nBob\n\n{head}\n{quote}")
        == "Yes, tomorrow.\n\nBob"
    )


BLOCKS = [
    "-----Original Message-----\nFrom: Anna\n",
    "________________________________\nFrom: Anna <anna@studio.example>\nSent: Monday, 2 November 2026 09:15\nTo: Bob\nSubject: Your website\n",
    "From: Anna <anna@studio.example>\nSent: Monday\nTo: Bob\nSubject: Hi\n",
    "*From:* Anna <anna@studio.example>\n*Sent:* Monday\n*To:* Bob\n*Subject:* Hi\n",
    "Von: Anna <anna@studio.example>\nGesendet: Montag, 2. November 2026 09:15\nAn: Bob\nBetreff: Hallo\n",
    "De : Anna <anna@studio.example>\nEnvoyé : lundi 2 novembre 2026\nÀ : Bob\nObjet : Site\n",
    "De: Anna <anna@studio.example>\nEnviado el: lunes\nPara: Bob\nAsunto: Web\n",
    "Da: Anna <anna@studio.example>\nInviato: lunedì\nA: Bob\nOggetto: Sito\n",
    "Van: Anna <anna@studio.example>\nVerzonden: maandag\nAan: Bob\nOnderwerp: Site\n",
    "Från: Anna <anna@studio.example>\nSkickat: måndag\nTill: Bob\nÄmne: Hej\n",
    "От: Anna <anna@studio.example>\nОтправлено: понедельник\nКому: Bob\nТема: Сайт\n",
    "差出人: Anna <anna@studio.example>\n送信日時: 2026年11月2日\n宛先: Bob\n件名: サイト\n",
    "-------- Ursprüngliche Nachricht --------\nBetreff: Hallo\n",
    "---------- Forwarded message ---------\nFrom: Anna <anna@studio.example>\nDate: Mon\n",
]


@pytest.mark.parametrize("block", BLOCKS)
def test_the_answer_above_an_original_mail_is_kept_alone(block):
    assert (
        new_text_of(f"Yes, tomorrow.\n\n{block}\nShall we talk?\n") == "Yes, tomorrow."
    )


@pytest.mark.parametrize(
    "line",
    [
        "-- \nBob Shop\n+1 202 555 0100",
        "--\nBob",
        "Sent from my iPhone",
        "Get Outlook for iOS<https://aka.ms/x>",
        "Von meinem iPhone gesendet",
        "Envoyé de mon iPhone",
        "Enviado desde mi iPhone",
        "Inviato da iPhone",
        "Verstuurd vanaf mijn iPhone",
        "Sendt fra min iPhone",
        "Отправлено с iPhone",
        "iPhoneから送信",
        "Sent from my phone. Please excuse typos.",
        "_____\nBob Shop\nOwner",
    ],
)
def test_a_signature_is_cut(line):
    assert new_text_of(f"Yes, tomorrow.\n\n{line}\n") == "Yes, tomorrow."


@pytest.mark.parametrize(
    "text",
    [
        "On the other hand, I wrote: never again.",
        "From: here to there is a long way.\nTo: be honest, yes.",
        "Our list:\n-- first\n-- second",
        "Sent from my desk, since the phone is broken.",
        "He wrote: I will come.",
        "Part one\n----\nPart two is longer, and it is no signature at all, as you can see.",
        "Times:\n2026-11-02 09:15\n02.11.2026 09:15",
    ],
)
def test_text_that_looks_like_a_mark_is_kept(text):
    assert new_text_of(text) == text


def test_an_answer_below_the_quote_is_kept_alone():
    text = f"{HEADS[0]}{QUOTE}\nYes, tomorrow.\n\n-- \nBob\n"
    assert new_text_of(text) == "Yes, tomorrow."


def test_answers_between_quotes_keep_what_they_answer():
    text = f"{HEADS[0]}\n> When?\n\nTomorrow.\n\n> Where?\n\nHere.\n\n> Anna\n"
    assert new_text_of(text) == "> When?\n\nTomorrow.\n\n> Where?\n\nHere."


def test_a_line_that_a_mailbox_escaped_is_text():
    assert (
        new_text_of("Yes.\n>From my side all is well.")
        == "Yes.\nFrom my side all is well."
    )


def test_a_mail_that_only_quotes_has_no_new_text():
    assert new_text_of(f"{HEADS[0]}{QUOTE}") == ""


HTML = {
    "gmail": '<div dir="ltr">Yes, tomorrow.</div><br><div class="gmail_quote"><div class="gmail_attr">On Mon, 2 Nov 2026 at 9:15, Anna &lt;<a href="mailto:a@b.example">a@b.example</a>&gt; wrote:<br></div><blockquote class="gmail_quote">Shall we talk?</blockquote></div>',
    "outlook": '<div class="WordSection1"><p class="MsoNormal">Yes, tomorrow.<o:p></o:p></p><div style="border:none;border-top:solid #E1E1E1 1.0pt"><p class="MsoNormal"><b>From:</b> Anna &lt;a@b.example&gt;<br><b>Sent:</b> Monday<br><b>To:</b> Bob<br><b>Subject:</b> Hi</p></div><p class="MsoNormal">Shall we talk?</p></div>',
    "outlook.com": '<div>Yes, tomorrow.</div><div id="appendonsend"></div><hr><div id="divRplyFwdMsg"><b>From:</b> Anna &lt;a@b.example&gt;<br><b>Sent:</b> Monday<br><b>To:</b> Bob<br><b>Subject:</b> Hi</div><div>Shall we talk?</div>',
    "apple": '<div>Yes, tomorrow.</div><div><br><blockquote type="cite"><div>On Nov 2, 2026, at 9:15 AM, Anna &lt;a@b.example&gt; wrote:</div><div>Shall we talk?</div></blockquote></div>',
    "yahoo": '<div>Yes, tomorrow.</div><div class="yahoo_quoted"><div>On Monday, November 2, 2026 at 09:15:00 AM GMT+1, Anna &lt;a@b.example&gt; wrote:</div><div>Shall we talk?</div></div>',
    "thunderbird": '<p>Yes, tomorrow.</p><div class="moz-cite-prefix">Am 02.11.26 um 09:15 schrieb Anna:<br></div><blockquote type="cite">Shall we talk?</blockquote><pre class="moz-signature">-- \nBob</pre>',
    "preformatted": "<pre>Yes, tomorrow.\n\n&gt; Shall we talk?\n&gt; Anna\n</pre>",
    "signature": '<div>Yes, tomorrow.</div><div class="gmail_signature" data-smartmail="gmail_signature">Bob<br>Owner</div>',
}


@pytest.mark.parametrize("program", HTML)
def test_an_html_reply_is_cut_like_a_plain_one(program):
    raw = letter(f"<html><body>{HTML[program]}</body></html>", content_type="text/html")
    assert new_text_of_mail(raw) == "Yes, tomorrow."


def test_the_plain_part_is_preferred_and_attachments_are_no_text():
    body = (
        "--b\nContent-Type: text/plain\n\nYes.\n"
        "--b\nContent-Type: text/html\n\n<p>Yes, in HTML.</p>\n"
        "--b\nContent-Type: text/plain\nContent-Disposition: attachment\n\nNotes\n--b--\n"
    )
    assert (
        new_text_of_mail(letter(body, content_type="multipart/mixed; boundary=b"))
        == "Yes."
    )


def test_lines_that_a_program_wrapped_are_joined():
    raw = letter(
        "This is one line that \nwas wrapped.\n\nNext.\n",
        content_type="text/plain; charset=utf-8; format=flowed",
    )
    assert new_text_of_mail(raw) == "This is one line that was wrapped.\n\nNext."


def test_a_file_that_is_no_mail_is_read_as_text():
    assert new_text_of_mail(f"Yes.\n\n{HEADS[0]}{QUOTE}".encode()) == "Yes."
