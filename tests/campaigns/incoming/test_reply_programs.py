"""What mail programs put around what they quote, program by program and language by language."""

from __future__ import annotations

import pytest

from campaigns.incoming.replies import new_text_of_mail

ANSWER = "Yes, tomorrow at ten is fine.\n\nBest\nBob"
MARKED = "\n> Hi Bob,\n>\n> shall we talk?\n>\n> Anna\n"
BARE = "\nHi Bob,\n\nshall we talk?\n\nAnna\n"

#: Lines above a quote, as they are wrapped.
HEADS = [
    "Anna Berg <anna@studio.example>\n02.11.2026 09:15\n\nTo\nbob@shop.example\ncc\n\nSubject\nYour website",
    "Anna Berg/Studio\n02.11.2026 09:15\n\n        An:     bob@shop.example\n        Kopie:\n        Thema:  Ihre Website",
    "---- Anna Berg <anna@studio.example> wrote ----",
    "On Mon, Nov 2, 2026 at 9:15 AM Anna Berg\n<anna@studio.example> wrote:",
    "On Mon, Nov 2, 2026 at 9:15 AM, Anna Berg (Studio\nBerg & Partners, Hamburg) <\nanna@studio.example> wrote:",
    "On 2 Nov 2026, at 09:15, Anna Berg <anna@studio.example> wrote:",
    "On Nov 2, 2026, at 9:15 AM, Anna Berg via Shop <anna@studio.example>\nwrote:",
    "On 02/11/2026 09:15, Anna Berg wrote:",
    "On 2026-11-02 09:15, Anna Berg wrote:",
    "On 11/2/26 9:15 AM, Anna Berg wrote:",
    "On Monday, November 2nd, 2026 at 9:15 AM, Anna Berg <anna@studio.example> wrote:",
    "------- Original Message -------\nOn Monday, November 2nd, 2026 at 9:15 AM, Anna Berg <anna@studio.example> wrote:",
    "‐‐‐‐‐‐‐ Original Message ‐‐‐‐‐‐‐\nOn Monday, November 2, 2026 9:15 AM, Anna Berg <anna@studio.example> wrote:",
    "Sent with Proton Mail secure email.\n\n------- Original Message -------\nOn Monday, November 2nd, 2026 at 9:15 AM, Anna Berg <anna@studio.example> wrote:",
    " On Monday, November 2, 2026 at 09:15:00 AM GMT+1, Anna Berg <anna@studio.example> wrote:",
    "Am 02.11.2026 um 09:15 schrieb Anna Berg:",
    "Am Mo., 2. Nov. 2026 um 09:15 Uhr schrieb Anna Berg <\nanna@studio.example>:",
    "Am Montag, 2. November 2026, 09:15:00 CET schrieb Anna Berg:",
    'Gesendet: Montag, 02. November 2026 um 09:15 Uhr\nVon: "Anna Berg" <anna@studio.example>\nAn: bob@shop.example\nBetreff: Ihre Website',
    "Anna Berg <anna@studio.example> hat am 02.11.2026 09:15 geschrieben:",
    "Anna Berg <anna@studio.example> hat am 02.11.2026 um 09:15 Uhr geschrieben:",
    "Von meinem iPhone gesendet\n\n> Am 02.11.2026 um 09:15 schrieb Anna Berg <anna@studio.example>:",
    "Von: Anna Berg [mailto:anna@studio.example] \nGesendet: Montag, 2. November 2026 09:15\nAn: Bob\nBetreff: Ihre Website",
    "Von: Anna Berg <anna@studio.example>\nDatum: Montag, 2. November 2026 um 09:15\nAn: Bob <bob@shop.example>\nBetreff: Ihre Website",
    "-----Ursprüngliche Nachricht-----\nVon: Anna Berg\nGesendet: Montag, 2. November 2026 09:15",
    "Le 02/11/2026 à 09:15, Anna Berg a écrit :",
    "Le lun. 2 nov. 2026 à 09:15, Anna Berg <anna@studio.example> a\nécrit :",
    "Le 2 nov. 2026 à 09:15, Anna Berg <anna@studio.example> a écrit :",
    "De : Anna Berg <anna@studio.example>\nEnvoyé : lundi 2 novembre 2026 09:15\nÀ : Bob\nObjet : Votre site",
    "-----Message d'origine-----\nDe : Anna Berg [mailto:anna@studio.example]\nEnvoyé : lundi 2 novembre 2026 09:15",
    "El lun, 2 nov 2026 a las 9:15, Anna Berg (<anna@studio.example>)\nescribió:",
    "El 2/11/2026 a las 9:15, Anna Berg escribió:",
    "De: Anna Berg <anna@studio.example>\nEnviado: lunes, 2 de noviembre de 2026 9:15\nPara: Bob\nAsunto: Su web",
    "De: Anna Berg [mailto:anna@studio.example]\nEnviado el: lunes, 2 de noviembre de 2026 09:15\nPara: Bob\nCC: Carl\nAsunto: Su web",
    "Op ma 2 nov 2026 om 09:15 schreef Anna Berg <anna@studio.example>:",
    "Op 2-11-2026 om 09:15 schreef Anna Berg:",
    "Van: Anna Berg <anna@studio.example>\nVerzonden: maandag 2 november 2026 09:15\nAan: Bob\nOnderwerp: Uw site",
    "Il giorno lun 2 nov 2026 alle ore 09:15 Anna Berg <\nanna@studio.example> ha scritto:",
    "Il 02/11/2026 09:15, Anna Berg ha scritto:",
    "Da: Anna Berg <anna@studio.example>\nInviato: lunedì 2 novembre 2026 09:15\nA: Bob\nOggetto: Il sito",
    "Em seg., 2 de nov. de 2026 às 09:15, Anna Berg <anna@studio.example>\nescreveu:",
    "Em 02/11/2026 09:15, Anna Berg escreveu:",
    "De: Anna Berg <anna@studio.example>\nEnviada em: segunda-feira, 2 de novembro de 2026 09:15\nPara: Bob\nAssunto: Seu site",
    "Anna Berg <anna@studio.example> escreveu no dia segunda, 2/11/2026 à(s) 09:15:",
    "W dniu 2.11.2026 o 09:15, Anna Berg pisze:",
    "pon., 2 lis 2026, 09:15 użytkownik Anna Berg <anna@studio.example>\nnapisał:",
    "Od: Anna Berg <anna@studio.example>\nWysłano: poniedziałek, 2 listopada 2026 09:15\nDo: Bob\nTemat: Strona",
    "Dne 2. 11. 2026 v 9:15 Anna Berg napsal(a):",
    "Od: Anna Berg <anna@studio.example>\nOdesláno: pondělí 2. listopadu 2026 9:15\nKomu: Bob\nPředmět: Web",
    "Den 2026-11-02 kl. 09:15, skrev Anna Berg:",
    "Från: Anna Berg <anna@studio.example>\nSkickat: den 2 november 2026 09:15\nTill: Bob\nÄmne: Webb",
    "Fra: Anna Berg <anna@studio.example>\nSendt: 2. november 2026 09:15\nTil: Bob\nEmne: Hjemmeside",
    "Den 02.11.2026 09:15, skrev Anna Berg:",
    "Lähettäjä: Anna Berg <anna@studio.example>\nLähetetty: maanantai 2. marraskuuta 2026 9.15\nVastaanottaja: Bob\nAihe: Sivusto",
    "2.11.2026 9.15, Anna Berg kirjoitti:",
    "差出人: Anna Berg <anna@studio.example>\n送信日時: 2026年11月2日 月曜日 9:15\n宛先: Bob\n件名: サイト",
    "From: Anna Berg <anna@studio.example> \nSent: 2026年11月2日 9:15\nTo: Bob\nSubject: サイト",
    "On 2026/11/02 9:15, Anna Berg wrote:",
    "2026年11月2日(月) 9:15 Anna Berg <anna@studio.example>:",
    "2026年11月2日(月) 9:15、Anna Bergさん(anna@studio.example)のメッセージ:",
    "发件人: Anna Berg <anna@studio.example>\n发送时间: 2026年11月2日 9:15\n收件人: Bob\n主题: 网站",
    '------------------ 原始邮件 ------------------\n发件人: "Anna Berg" <anna@studio.example>;\n发送时间: 2026年11月2日(星期一) 上午9:15',
    'At 2026-11-02 09:15:00, "Anna Berg" <anna@studio.example> wrote:',
    "Anna Berg <anna@studio.example> 于2026年11月2日周一 09:15写道：",
    "Понедельник, 2 ноября 2026, 9:15 +03:00 от Anna Berg <anna@studio.example>:",
    '02.11.2026, 09:15, "Anna Berg" <anna@studio.example>:',
    "02.11.2026 9:15, Anna Berg пишет:",
    "От: Anna Berg <anna@studio.example>\nОтправлено: 2 ноября 2026 г. 9:15\nКому: Bob\nТема: Сайт",
    "Kimden: Anna Berg <anna@studio.example>\nGönderildi: 2 Kasım 2026 Pazartesi 09:15\nKime: Bob\nKonu: Site",
    "Anna Berg <anna@studio.example>, 2 Kas 2026 Pzt, 09:15 tarihinde şunu yazdı:",
    "Feladó: Anna Berg <anna@studio.example>\nElküldve: 2026. november 2., hétfő 9:15\nCímzett: Bob\nTárgy: Honlap",
    "Anna Berg <anna@studio.example> ezt írta (időpont: 2026. nov. 2., H, 9:15):",
    "În lun., 2 nov. 2026 la 09:15, Anna Berg <anna@studio.example> a scris:",
    "Στις Δευ 2 Νοε 2026 στις 9:15 π.μ., ο/η Anna Berg <anna@studio.example>\nέγραψε:",
    "\u202bבתאריך יום ב׳, 2 בנוב׳ 2026 ב-9:15 מאת \u202aAnna Berg\u202c\u200f <\u202aanna@studio.example\u202c\u200f>:\u202c",
    "في الاثنين، 2 نوفمبر 2026 في 9:15 ص تمت كتابة ما يلي بواسطة Anna Berg <anna@studio.example>:",
    "Vào Th 2, 2 thg 11, 2026 vào lúc 09:15 Anna Berg <anna@studio.example> đã viết:",
    "Pada tanggal Sen, 2 Nov 2026 pukul 09.15 Anna Berg <anna@studio.example> menulis:",
    "2026년 11월 2일 (월) 오전 9:15, Anna Berg <anna@studio.example>님이 작성:",
    "보낸 사람: Anna Berg <anna@studio.example>\n보낸 날짜: 2026년 11월 2일 월요일 오전 9:15\n받는 사람: Bob\n제목: 사이트",
    "________________________________\nFrom: Anna Berg <anna@studio.example>\nSent: Monday, November 2, 2026 9:15:00 AM\nTo: Bob <bob@shop.example>\nSubject: Your website",
    "________________________________________\nVon: Anna Berg <anna@studio.example>\nGesendet: Montag, 2. November 2026 09:15\nAn: Bob\nBetreff: Ihre Website",
    "From: Anna Berg [mailto:anna@studio.example]\nSent: Monday, November 02, 2026 9:15 AM\nTo: Bob\nCc: Carl; Dora\nSubject: Your website",
    'From: "Anna Berg" <anna@studio.example>\nTo: "Bob" <bob@shop.example>\nDate: 02/11/2026 09:15\nSubject: Your website',
    "From:   Anna Berg/STUDIO/DE\nTo:     bob@shop.example,\nDate:   02.11.2026 09:15\nSubject:        Your website",
    "Date: Mon, 2 Nov 2026 09:15:00 +0100\nFrom: anna@studio.example\nTo: bob@shop.example\nSubject: Your website",
    "Subject: Your website\nFrom: anna@studio.example\nTo: bob@shop.example\nDate: Mon, 2 Nov 2026 09:15:00 +0100",
    "-------- Original message --------\nFrom: Anna Berg <anna@studio.example>\nDate: 02/11/2026 09:15 (GMT+01:00)\nTo: bob@shop.example\nSubject: Your website",
    "Sent from my Verizon, Samsung Galaxy smartphone\n\n\n-------- Original message --------\nFrom: Anna Berg <anna@studio.example> \nDate: 11/2/26 09:15 (GMT-05:00) ",
    '----- Original Message -----\nFrom: "Anna Berg" <anna@studio.example>\nTo: <bob@shop.example>\nSent: Monday, November 02, 2026 9:15 AM\nSubject: Your website',
    "-----Original Message-----\nFrom: Anna Berg [mailto:anna@studio.example]",
    "---- On Mon, 02 Nov 2026 09:15:00 +0100 Anna Berg <anna@studio.example> wrote ----",
    " ---- On Mon, 02 Nov 2026 09:15:00 +0100  anna@studio.example  wrote ---",
    " ---- En lun, 02 nov 2026 09:15:00 +0100 Anna Berg <anna@studio.example> escribió ----",
    "Quoting Anna Berg <anna@studio.example>:",
    "Anna Berg wrote on 2026-11-02 09:15:",
    "Anna Berg <anna@studio.example> wrote:",
    "<anna@studio.example> wrote:",
    "Anna Berg <anna@studio.example> writes:",
    "On Mon, Nov 02, 2026 at 09:15:00AM +0100, Anna Berg wrote:",
    "* Anna Berg <anna@studio.example> [2026-11-02 09:15]:",
    "___________________________________________________\nFrom: Anna Berg\nSent: Monday\nTo: Bob\nSubject: Hi",
    "Begin forwarded message:\n\nFrom: Anna Berg <anna@studio.example>\nDate: 2 November 2026 at 09:15:00 CET",
    "---------- Forwarded message ---------\nFrom: Anna Berg <anna@studio.example>\nDate: Mon, Nov 2, 2026 at 9:15 AM\nSubject: Your website\nTo: Bob",
    "-- \nBob Shop\nShop & Co, 1 Main St\n+1 202 555 0100\n\nOn Mon, Nov 2, 2026 at 9:15 AM Anna <anna@studio.example> wrote:",
    "Sent from my iPhone\n\nOn Nov 2, 2026, at 9:15 AM, Anna Berg <anna@studio.example> wrote:",
    "Get Outlook for Android\n________________________________\nFrom: Anna Berg <anna@studio.example>\nSent: Monday, November 2, 2026 9:15:00 AM\nTo: Bob\nSubject: x",
]
#: What phones and programs add below an answer.
TAGS = [
    "Sent from Yahoo Mail for iPhone",
    "Sent from Yahoo Mail on Android",
    "Sent from Mail for Windows",
    "Sent from my Galaxy",
    "Sent from Outlook for iOS",
    "Yahoo Mail: Search, Organize, Conquer",
    "Gesendet mit der GMX Mail App",
    "Diese Nachricht wurde von meinem Android-Mobiltelefon mit GMX Mail gesendet.",
    "Gesendet von Mail für Windows",
    "Von Samsung-Tablet gesendet",
    "Envoyé depuis l'application Mail Orange",
    "Envoyé à partir de Outlook pour Android",
    "Envoyé de mon mobile",
    "Enviado do meu iPhone",
    "Enviado desde mi Huawei de Claro",
    "Enviado a partir do Outlook para Android",
    "Inviato dal mio iPhone",
    "Inviato da Libero Mail",
    "Verzonden vanuit Mail voor Windows",
    "Verstuurd met de Outlook-app",
    "Skickat från min iPad",
    "Sendt fra min iPad",
    "Lähetetty iPhonesta",
    "Wysłane z iPhone'a",
    "Wysłano z aplikacji Outlook",
    "Odesláno z iPhonu",
    "iPhone'umdan gönderildi",
    "Отправлено из мобильной Почты Mail.ru",
    "Отправлено с iPhone",
    "Надіслано з iPhone",
    "iPhoneから送信",
    "Outlook for iOS を入手",
    "发自我的iPhone",
    "从我的iPhone发送",
    "나의 iPhone에서 보냄",
    "Trimis de pe iPhone-ul meu",
    "Στάλθηκε από το iPhone μου",
    "נשלח מה-iPhone שלי",
    "Sent via the Samsung Galaxy S23, an AT&T 5G smartphone",
    "Sent with Spark",
    "Sent from BlueMail",
    "Sent from ProtonMail Mobile",
    "Sent from Proton Mail Android",
    "Sent using Zoho Mail",
    "Sent from my T-Mobile 5G Device",
    "Sent from AOL on Android",
    "Sent from Front",
]
#: What stands above an answer, and is none.
ABOVE = [
    "##- Please type your reply above this line -##",
    "CAUTION: This email originated from outside of the organization. Do not\nclick links or open attachments.",
    "[EXTERNAL EMAIL] Please be careful.\n--------------------------------",
    "ACHTUNG: Diese E-Mail kommt von außerhalb der Organisation.",
    "You don't often get email from bob@shop.example. Learn why this is important",
    "[cid:image001.png@01DA]",
]
#: What companies and scanners of viruses add.
DISCLAIMERS = [
    "CONFIDENTIALITY NOTICE: The contents of this email are for the addressee only.",
    "This e-mail and any attachments are confidential and intended solely for Anna.",
    "Disclaimer: we are not liable.",
    "Please consider the environment before printing this e-mail.",
    "Virus-free. www.avast.example",
    "Diese E-Mail enthält vertrauliche Informationen.",
    "Ce message et ses pièces jointes sont confidentiels.",
    "Este mensaje y sus anexos son confidenciales.",
    "Questo messaggio è riservato al destinatario.",
    "This email has been checked for viruses by Avast antivirus software.",
]
#: What people write that looks like one of these.
KEPT = [
    'We tried it on 2 May 2026 and it failed. Here is what they wrote:\n\n"We are closed."',
    "Please send it to bob@shop.example on 5/5/2026 at 10:00:\nthat is my private address.",
    "See https://shop.example/on-2026-11-02-bob@x.example-wrote:\n\nand tell me.",
    "On Tuesday, May 5, 2026 at 10:00 works for me.",
    "Best regards to your team! We will call on Monday.\n\nOne more thing: the price.",
    "Our opening hours:\nMon: 09:00 - 17:00\nTue: 09:00 - 17:00",
    "Date: 5 May\nTime: 10:00\nPlace: our office",
    "the original message was lost. Please send it again.\n\nBob",
    "Le prix est de 500 euros, comme je vous l'ai écrit :\n\nc'est trop cher.",
    "External help is welcome, please send me a mail with the price.",
    "Is this message confidential? I would like to show it to my partner.",
    "Sent from my office phone, call me back",
    "Sent from my desk, since the phone is broken; I will write more tomorrow.",
]


@pytest.mark.parametrize("quote", [MARKED, BARE], ids=["marked", "bare"])
@pytest.mark.parametrize("head", HEADS)
def test_only_the_answer_above_a_quote_is_kept(head, quote):
    assert new_text_of_mail(f"{ANSWER}\n\n{head}\n{quote}".encode()) == ANSWER


@pytest.mark.parametrize("tag", TAGS)
def test_the_line_that_a_program_adds_is_cut(tag):
    assert new_text_of_mail(f"{ANSWER}\n\n{tag}\n".encode()) == ANSWER


@pytest.mark.parametrize("words", ABOVE)
def test_what_systems_put_above_an_answer_is_cut(words):
    assert new_text_of_mail(f"{words}\n\n{ANSWER}\n".encode()) == ANSWER


@pytest.mark.parametrize("mark", ["[cid:image001.png@01DA]", "[image: image.png]"])
def test_a_pictures_mark_is_no_text(mark):
    text = f"{ANSWER}\n\n{mark}\n\n{HEADS[0]}\n{MARKED}"
    assert new_text_of_mail(text.encode()) == ANSWER


@pytest.mark.parametrize("words", DISCLAIMERS)
def test_what_a_company_adds_is_cut(words):
    text = f"{ANSWER}\n\n{words}\n\nIf you are not the addressee, delete it.\n"
    assert new_text_of_mail(text.encode()) == ANSWER


@pytest.mark.parametrize("text", KEPT)
def test_what_a_person_wrote_is_kept_whole(text):
    assert new_text_of_mail(text.encode()) == text
