"""Who is away, has left or will answer later says so in many words; so do people who answer."""

from __future__ import annotations

import pytest

from campaigns.incoming.classifying import Kind, classify
from tests.campaigns.incoming.letters import letter

#: Texts without any header or subject of a machine.
MACHINES = [
    "Hi, I'm enjoying some time off and will be back at my desk on the 7th. I'll answer your mail then.",
    "Thanks for your message. I'm on annual leave this week. If it's urgent, text me.",
    "I no longer work at Acme. Please contact Jane Doe (jane@acme.example) instead.",
    "Our office will be closed from December 24th through January 2nd. We will respond to your email upon our return.",
    "Thank you for contacting Bella Salon! This inbox is checked once a day. We aim to reply within 24 hours.",
    "I am attending a conference and will have intermittent access to email through Friday.",
    "This email address is no longer in use. Please update your records: new@addr.example",
    "Your email has been received. A member of our team will be in touch shortly. Reference: 00012345",
    "I check email twice daily at 12 noon and 4 pm. If you require urgent assistance, please call me.",
    "Greetings! I am out on maternity leave returning in April.",
    "Guten Tag, ich bin derzeit nicht erreichbar. Ab dem 7.12. lese ich meine E-Mails wieder.",
    "Hallo, unser Betrieb macht Betriebsferien vom 23.12. bis 6.1. Danach sind wir wieder für Sie da.",
    "Frau Müller ist nicht mehr in unserem Unternehmen tätig. Bitte wenden Sie sich an info@x.example.",
    "Ich bin in Elternzeit. Meine Vertretung ist Herr Schulz.",
    "Vielen Dank für Ihre Mail! Wir bearbeiten Ihr Anliegen und antworten in der Regel innerhalb von 48 Stunden.",
    "Diese E-Mail-Adresse wird nicht mehr verwendet. Bitte benutzen Sie künftig neu@x.example.",
    "Ich bin zurzeit krank und kann Ihre Nachricht nicht beantworten.",
    "Bonjour, je ne suis pas au bureau actuellement. Je prendrai connaissance de votre message à mon retour le 7 décembre.",
    "Madame Durand ne fait plus partie de la société. Merci d'adresser vos messages à contact@x.example.",
    "Je suis en congé maternité jusqu'en avril.",
    "Notre établissement est fermé du 24 décembre au 3 janvier. Nous répondrons à votre message dès la réouverture.",
    "Hola, estoy de vacaciones hasta el día 7. Contestaré a mi vuelta.",
    "Le informamos que Juan Pérez ya no trabaja en esta empresa. Diríjase a info@x.example.",
    "Hemos recibido tu mensaje. Te responderemos lo antes posible.",
    "Buongiorno, sarò assente dall'ufficio fino al 7 dicembre.",
    "Gli uffici resteranno chiusi dal 24 dicembre al 6 gennaio.",
    "Sono in maternità. Per urgenze scrivere a info@x.example.",
    "Olá, estou de férias e volto no dia 7. Em caso de urgência, ligue para o escritório.",
    "Recebemos seu e-mail e responderemos em breve.",
    "Ik ben tot 7 december niet op kantoor. Voor dringende zaken kunt u bellen met de receptie.",
    "Wij hebben uw bericht ontvangen en nemen binnen twee werkdagen contact met u op.",
    "Jan werkt niet meer bij ons. Mail naar info@x.example.",
    "Hej! Jag har semester och är tillbaka den 7 december.",
    "Tack för ditt meddelande! Vi svarar så fort vi kan, vanligtvis inom 24 timmar.",
    "Jeg er ikke på kontoret før den 7. december. Ved akutte henvendelser kontakt receptionen.",
    "Vi har modtaget din henvendelse og svarer hurtigst muligt.",
    "Jeg har permisjon og er tilbake 7. desember.",
    "Jeg er ute av kontoret i dag. Svarer på e-post i morgen.",
    "En ole toimistolla tällä viikolla. Palaan maanantaina.",
    "Olemme vastaanottaneet viestisi.",
    "Jestem nieobecna w biurze do 7 grudnia.",
    "Potwierdzamy otrzymanie Państwa wiadomości. Odpowiemy w ciągu 2 dni roboczych.",
    "Do 7. 12. jsem mimo kancelář.",
    "Vaši zprávu jsme přijali a budeme se jí věnovat co nejdříve.",
    "Momentálne som na dovolenke, vrátim sa 7. decembra.",
    "Levelét megkaptuk, hamarosan válaszolunk.",
    "Momentan nu sunt la birou. Revin pe 7 decembrie.",
    "Am primit mesajul dumneavoastră și vă vom răspunde în cel mai scurt timp.",
    "Şu anda ofiste değilim, 7 Aralık'ta döneceğim.",
    "Yıllık izindeyim.",
    "Απουσιάζω από το γραφείο μέχρι τις 7 Δεκεμβρίου.",
    "Είμαι σε άδεια έως τις 7/12.",
    "Добрый день! Меня не будет в офисе до 7 декабря.",
    "Ваше письмо получено. Мы ответим вам в ближайшее время.",
    "Мария больше не работает в компании. Пишите на info@x.example.",
    "Добрий день! Я у відпустці до 7 грудня.",
    "В момента съм в отпуск до 7 декември.",
    "Na godišnjem sam odmoru do 7. prosinca.",
    "ただいま出張中のため、返信が遅れる場合がございます。",
    "この度はお問い合わせいただき誠にありがとうございます。内容を確認の上、担当者よりご連絡いたします。",
    "本日は終日外出しております。明日以降にご返信いたします。",
    "田中は退職いたしました。今後は info@x.example までご連絡ください。",
    "誠に勝手ながら、12月29日から1月4日まで冬季休業とさせていただきます。",
    "我正在出差,可能无法及时回复您的邮件。",
    "您好!来信已收到,我会尽快给您回复。谢谢!",
    "我已离职,请联系 info@x.example",
    "현재 출장 중이라 답변이 늦어질 수 있습니다.",
    "메일 잘 받았습니다. 확인 후 회신 드리겠습니다. 본 메일은 자동으로 발송되었습니다.",
    "Tôi đang đi công tác và sẽ trả lời sau ngày 7/12.",
    "Saya sedang cuti hingga 7 Desember.",
    "أنا خارج المكتب حالياً وسأعود في 7 ديسمبر.",
    "אני נמצא בחופשה עד 7 בדצמבר.",
    "ขณะนี้ดิฉันลาพักร้อน จะกลับมาวันที่ 7 ธันวาคม",
]
#: What people write who speak of the same things.
PEOPLE = [
    "I'm in urgent need of a website, can you help?",
    "I'm back in the office now, let's talk.",
    "I will return to you next week after talking to my partner.",
    "I'll be back in touch after Christmas.",
    "Please send your questions to my colleague Bob, bob@x.example.",
    "I was travelling last week. Yes, I want the film.",
    "It's not urgent, but please send me a price list.",
    "Our opening hours are 9 to 5, we are closed on Sundays.",
    "I am on my way, will call you in 2 hours.",
    "Got your email. What does it cost?",
    "Is it possible to get it within 5 days?",
    "Thank you for your message, sounds good! Call me in 2 days.",
    "He recibido tu correo y me interesa mucho.",
    "Estuve de viaje la semana pasada, mándeme la oferta.",
    "Es urgente, llámeme hoy.",
    "No me interesa, gracias.",
    "Tornerò a scrivervi a gennaio.",
    "Ho ricevuto il suo messaggio, mi piace molto.",
    "È urgente, chiamatemi oggi.",
    "Volto a falar consigo na próxima semana.",
    "Recebi o seu e-mail, gostei do vídeo. Quanto custa?",
    "We nemen graag contact met u op voor een offerte, bel maar.",
    "Ik heb je mail ontvangen, ziet er leuk uit. Wat kost dat?",
    "Jag återkommer när jag pratat med chefen.",
    "Jag har fått ditt mejl och är intresserad.",
    "Tack för ditt mejl, vi vill gärna veta mer.",
    "Jeg har modtaget din mail, det lyder spændende. Ring i morgen.",
    "Jeg svarer når jeg har snakket med sjefen.",
    "Tak for din mail. Hvad koster det?",
    "Olen saanut viestisi, kiinnostaa. Paljonko maksaa?",
    "Wracam do tematu: ile to kosztuje?",
    "Otrzymałem Pana wiadomość, jestem zainteresowany.",
    "Vrátím se k tomu zítra, zavolejte mi.",
    "Děkuji za zprávu, video se mi líbí.",
    "Levelét köszönöm, érdekel az ajánlat.",
    "Am primit mesajul, ne interesează. Cât costă?",
    "Mesajınızı aldım, ilgileniyorum. Fiyatı nedir?",
    "Έλαβα το μήνυμά σας, με ενδιαφέρει. Πόσο κοστίζει;",
    "Я был в отпуске, отвечаю только сейчас. Сколько стоит?",
    "Получил ваше письмо, интересно, перезвоните.",
    "После отпуска обсудим, позвоните в январе.",
    "返信が遅くなり申し訳ありません。ぜひお願いします。",
    "外出していたためお返事が遅れました。料金を教えてください。",
    "出張中でしたので今拝見しました。興味があります。",
    "明日ご連絡いたします。よろしくお願いいたします。",
    "我上周出差，今天才看到，请报价。",
    "收到，谢谢。多少钱？",
    "답변이 늦어 죄송합니다. 관심 있습니다.",
    "메일 잘 받았습니다. 가격이 어떻게 되나요?",
    "Ich war krank und antworte erst jetzt. Das Video ist toll!",
    "Ich bin gerade unterwegs, rufen Sie bitte morgen an.",
    "Wir haben am Samstag geschlossen, kommen Sie am Montag vorbei.",
    "Können Sie uns das Angebot innerhalb von 3 Tagen schicken?",
    "Vielen Dank für Ihre Nachricht. Bitte schicken Sie ein Angebot innerhalb von einer Woche.",
    "Ich bin ab 14 Uhr im Laden erreichbar, rufen Sie an.",
    "Unser Hotel ist sehr schön, aber das Video zeigt das falsche Haus.",
    "Die Adresse stimmt nicht mehr, wir sind umgezogen. Film ist gut.",
    "Bonjour, notre magasin est fermé le lundi, appelez mardi.",
    "J'étais en vacances. Oui, envoyez-moi un devis.",
    "Je ne suis pas disponible demain, plutôt jeudi ?",
    "C'est urgent, rappelez-moi.",
    "Merci pour votre message, mais nous travaillons déjà avec une agence.",
    "Vi har ikke brug for det, tak.",
    "Nein danke, bitte keine weiteren Mails.",
    "Who are you and where did you get my address?",
    "Could you make an automatic slideshow for our reception desk?",
    "We reply to every guest ourselves, so a film about that would be great.",
    "My husband is out at the moment, try him at 555-0100.",
    "I check prices first. Send me yours.",
    "The office manager is Tina, ask her. tina@x.example",
]
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
ABOVE = "Hello,\n\nyour mail is number 4711 with us.\n\nYour team\n"


@pytest.mark.parametrize("text", MACHINES)
def test_a_machine_is_known_by_its_words_alone(text):
    assert classify(letter(text)).kind == Kind.AUTO_REPLY


@pytest.mark.parametrize("text", PEOPLE)
def test_a_person_who_speaks_of_absence_or_of_answers_is_one(text):
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
