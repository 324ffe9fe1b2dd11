"""Replies that come as HTML alone: each program marks in its own way what it quotes.

QUOTE stands for what is quoted.
"""

from __future__ import annotations

import pytest

from campaigns.incoming.replies import new_text_of_mail
from tests.campaigns.incoming.letters import letter

QUOTE = "<p>Shall we talk?</p><p>Anna</p>"
PROGRAMS = {
    "gmail sig": '<div dir="ltr"><div>Yes, tomorrow.</div><div><br></div><span class="gmail_signature_prefix">-- </span><br><div dir="ltr" class="gmail_signature" data-smartmail="gmail_signature"><div>Bob</div></div></div><br><div class="gmail_quote"><div class="gmail_attr">On Mon wrote:</div><blockquote class="gmail_quote">QUOTE</blockquote></div>',
    "outlook mac": '<div>Yes, tomorrow.</div><div><br></div><span id="OLK_SRC_BODY_SECTION"><div style="border-top: #b5c4df 1pt solid"><span style="font-weight:bold">From: </span> Anna &lt;a@b.example&gt;<br><span>Date: </span> Monday<br><span>To: </span> Bob<br><span>Subject: </span> Hi<br></div>QUOTE</span>',
    "outlook mobile": '<div dir="auto">Yes, tomorrow.</div><div id="ms-outlook-mobile-signature"><div>Get <a href="https://aka.ms/x">Outlook for iOS</a></div></div><hr style="display:inline-block;width:98%" tabindex="-1"><div id="divRplyFwdMsg" dir="ltr"><font><b>From:</b> Anna &lt;a@b.example&gt;<br><b>Sent:</b> Monday<br><b>To:</b> Bob<br><b>Subject:</b> Hi</font></div>QUOTE',
    "outlook mobile 2": '<div>Yes, tomorrow.</div><div id="ms-outlook-mobile-body-separator-line"><br></div><div id="mail-editor-reference-message-container"><div>From: Anna</div>QUOTE</div>',
    "outlook de": '<div class="WordSection1"><p class="MsoNormal">Yes, tomorrow.</p><p class="MsoNormal">&nbsp;</p><div><div style="border:none;border-top:solid #E1E1E1 1.0pt;padding:3.0pt 0cm 0cm 0cm"><p class="MsoNormal"><b>Von:</b> Anna &lt;a@b.example&gt;<br><b>Gesendet:</b> Montag<br><b>An:</b> Bob<br><b>Betreff:</b> Hallo</p></div></div>QUOTE</div>',
    "outlook border none": '<div class="WordSection1"><p class="MsoNormal">Yes, tomorrow.</p><div><p class="MsoNormal"><b><span>Von:</span></b><span> Anna &lt;a@b.example&gt;<br><b>Gesendet:</b> Montag<br><b>An:</b> Bob<br><b>Betreff:</b> Hallo</span></p></div>QUOTE</div>',
    "hotmail old": '<div>Yes, tomorrow.<br><hr id="stopSpelling">Date: Mon, 2 Nov 2026<br>From: a@b.example<br>To: Bob<br>Subject: Hi<br><br>QUOTE</div>',
    "windows mail": '<div>Yes, tomorrow.</div><div><br></div><div data-signatureblock="true"><div>Sent from Mail for Windows</div></div><div style="border-top-color: rgb(229, 229, 229); border-top-width: 2px; border-top-style: solid;"><strong>From:</strong> Anna<br><strong>Sent:</strong> Monday<br><strong>To:</strong> Bob<br><strong>Subject:</strong> x</div>QUOTE',
    "iphone": '<div dir="ltr">Yes, tomorrow.</div><div dir="ltr"><br>Sent from my iPhone</div><div dir="ltr"><br><blockquote type="cite">On 2 Nov 2026, at 09:15, Anna &lt;a@b.example&gt; wrote:<br><br></blockquote></div><blockquote type="cite">QUOTE</blockquote>',
    "apple sig": '<div>Yes, tomorrow.</div><div><br id="lineBreakAtBeginningOfSignature"><div>Sent from my iPad</div></div><blockquote type="cite">On x wrote:QUOTE</blockquote>',
    "yahoo": '<div class="yahoo-style-wrap"><div>Yes, tomorrow.</div><div><br></div></div><div id="yahoo_quoted_1" class="yahoo_quoted"><div><div>On Monday, November 2, 2026 at 09:15:00 AM GMT+1, Anna &lt;a@b.example&gt; wrote:</div><div><br></div>QUOTE</div></div>',
    "yahoo android": '<div>Yes, tomorrow.</div> <br> <div id="ymail_android_signature"><a href="https://x">Sent from Yahoo Mail on Android</a></div> <br> <blockquote> <div>On Mon, Anna wrote:</div>QUOTE</blockquote>',
    "proton": '<div>Yes, tomorrow.<br></div><div class="protonmail_signature_block"><div class="protonmail_signature_block-proton">Sent with Proton Mail secure email.</div></div><div class="protonmail_quote">On Monday, Anna wrote:<br><blockquote class="protonmail_quote" type="cite">QUOTE</blockquote></div>',
    "thunderbird": '<p>Yes, tomorrow.</p><div class="moz-cite-prefix">On 11/2/26 09:15, Anna wrote:<br></div><blockquote type="cite" cite="mid:x">QUOTE</blockquote><div class="moz-signature">-- <br>Bob</div>',
    "zoho": '<div>Yes, tomorrow.<br></div><div class="zmail_extra"><div id="Zm-_Id_-Sgn1">---- On Mon, 02 Nov 2026 09:15:00 +0100 <b>a@b.example</b> wrote ----</div><blockquote>QUOTE</blockquote></div>',
    "zoho2": '<div>Yes, tomorrow.</div><div class="zmail_extra_hr" style="border-top:1px solid"></div><div class="x_1_zmail_extra" data-zbluepencil-ignore="true"><div>---- On Mon wrote ---</div>QUOTE</div>',
    "gmx": '<div>Yes, tomorrow.</div><div>&nbsp;<div name="quote" style="margin:10px 5px;border-left:2px solid #C3D9E5;"><div style="margin:0"><b>Gesendet:</b>&nbsp;Montag, 02. November 2026 um 09:15 Uhr<br/><b>Von:</b>&nbsp;"Anna" &lt;a@b.example&gt;<br/><b>An:</b>&nbsp;Bob<br/><b>Betreff:</b>&nbsp;Hi</div><div name="quoted-content">QUOTE</div></div></div>',
    "mail.ru": '<p>Yes, tomorrow.</p><br><blockquote style="border-left:1px solid #0857A6"><span>Понедельник, 2 ноября 2026, 9:15 +03:00 от Anna &lt;a@b.example&gt;:</span><br>QUOTE</blockquote>',
    "yandex": '<div>Yes, tomorrow.</div><div> </div><div>02.11.2026, 09:15, "Anna" &lt;a@b.example&gt;:</div><blockquote>QUOTE</blockquote>',
    "qq": '<div>Yes, tomorrow.</div><div><br></div><div style="font-size:12px;padding:2px 0;">------------------&nbsp;原始邮件&nbsp;------------------</div><div style="background:#efefef"><div><b>发件人:</b>&nbsp;"Anna" &lt;a@b.example&gt;;</div><div><b>发送时间:</b>&nbsp;2026年11月2日</div></div>QUOTE',
    "foxmail": '<div>Yes, tomorrow.</div><blockquote style="margin-Top: 0px;"><div style="border-top:solid #B5C4DF 1.0pt"><div>From: a@b.example</div><div>Date: 2026-11-02</div></div>QUOTE</blockquote>',
    "163": '<div>Yes, tomorrow.</div><br><br><div id="isReplyContent" style="margin:0"><p>在 2026-11-02 09:15:00，"Anna" &lt;a@b.example&gt; 写道：</p><blockquote id="isReplyContent">QUOTE</blockquote></div>',
    "airmail": '<div>Yes, tomorrow.</div><div class="bloop_sign"><div>Bob</div></div><p class="airmail_on">On 2 November 2026 at 09:15:00, Anna (<a href="mailto:a@b.example">a@b.example</a>) wrote:</p><blockquote class="clean_bq">QUOTE</blockquote>',
    "fastmail": '<div>Yes, tomorrow.</div><div><br></div><div>On Mon, 2 Nov 2026, at 9:15 AM, Anna wrote:<br></div><blockquote type="cite" id="qt">QUOTE</blockquote>',
    "front": '<div>Yes, tomorrow.</div><br><div class="front-signature">Bob</div><blockquote type="cite" class="front-blockquote">On November 2, 2026, Anna wrote:QUOTE</blockquote>',
    "tutanota": '<div>Yes, tomorrow.</div><br>2. Nov. 2026, 09:15 von a@b.example:<br><blockquote class="tutanota_quote">QUOTE</blockquote>',
    "superhuman": '<div>Yes, tomorrow.</div><div class="sh-signature"><div>Sent via Superhuman</div></div><div class="gmail_quote">On Mon, Anna wrote:QUOTE</div>',
    "mailbird": '<div>Yes, tomorrow.</div><div class="mb_sig"></div><blockquote class="history_container" type="cite"><p>On 02/11/2026 09:15:00, Anna &lt;a@b.example&gt; wrote:</p>QUOTE</blockquote>',
    "em client": '<div>Yes, tomorrow.</div><div>------ Original Message ------</div><div>From "Anna" &lt;a@b.example&gt;</div><div>To Bob</div><div>Date 02/11/2026 09:15:00</div><div>Subject Hi</div>QUOTE',
    "em client2": '<div>Yes, tomorrow.</div><div>------ Originalnachricht ------</div><div>Von: "Anna" &lt;a@b.example&gt;</div><div>An: Bob</div>QUOTE',
    "notes": "<font>Yes, tomorrow.</font><br><br><font>From: &nbsp; &nbsp; &nbsp; &nbsp;</font><font>Anna/STUDIO</font><br><font>To: &nbsp; &nbsp; </font><font>bob@shop.example</font><br><font>Date: &nbsp; &nbsp; </font><font>02.11.2026 09:15</font><br><font>Subject: &nbsp;</font><font>Hi</font><br><hr noshade>QUOTE",
    "samsung": '<div>Yes, tomorrow.</div><div><br></div><div id="composer_signature"><div>Sent from my Galaxy</div></div><div><br></div><div>-------- Original message --------</div><div>From: Anna</div><div>Date: Monday</div>QUOTE',
    "kmail": "<p>Yes, tomorrow.</p><p>Am Montag, 2. November 2026, 09:15:00 CET schrieb Anna:</p><p>&gt; Shall we talk?</p>",
    "evolution": '<div>Yes, tomorrow.</div><div><br></div><div>On Mon, 2026-11-02 at 09:15 +0100, Anna wrote:</div><blockquote type="cite">QUOTE</blockquote>',
    "aol": '<div>Yes, tomorrow.</div><div id="yiv_aol"><br></div><div>-----Original Message-----<br>From: Anna &lt;a@b.example&gt;<br>To: Bob<br>Sent: Mon<br>Subject: Hi<br></div>QUOTE',
    "roundcube": '<p>Yes, tomorrow.</p><p id="reply-intro">On 2026-11-02 09:15, Anna wrote:</p><blockquote>QUOTE</blockquote>',
    "horde": '<p>Yes, tomorrow.</p><p>Quoting Anna &lt;a@b.example&gt;:</p><blockquote type="cite">QUOTE</blockquote>',
    "hubspot": '<div>Yes, tomorrow.</div><div class="hs_reply"><div>On Mon, Anna wrote:</div><blockquote>QUOTE</blockquote></div>',
    "owa fr": '<div>Yes, tomorrow.</div><div id="appendonsend"></div><hr tabindex="-1"><div id="divRplyFwdMsg"><b>De :</b> Anna &lt;a@b.example&gt;<br><b>Envoyé :</b> lundi<br><b>À :</b> Bob<br><b>Objet :</b> Hi</div>QUOTE',
    "owa signature": '<div>Yes, tomorrow.</div><div class="elementToProof" id="Signature"><div>Bob</div><div>Owner</div></div><div id="appendonsend"></div><hr><div id="divRplyFwdMsg"><b>From:</b> Anna<br><b>Sent:</b> x<br><b>To:</b> Bob<br><b>Subject:</b> Hi</div>QUOTE',
    "new outlook ref": '<div class="elementToProof">Yes, tomorrow.</div><div id="mail-editor-reference-message-container" class="ms-outlook-mobile-reference-message"><hr><div id="divRplyFwdMsg"><b>From:</b> Anna</div>QUOTE</div>',
    "x_ prefixed": '<div>Yes, tomorrow.</div><div class="x_gmail_quote">On Mon wrote:QUOTE</div>',
}


@pytest.mark.parametrize("program", PROGRAMS)
def test_only_the_answer_of_an_html_mail_is_kept(program):
    body = PROGRAMS[program].replace("QUOTE", QUOTE)
    raw = letter(
        f"<html><head><style>p{{color:red}}</style></head><body>{body}</body></html>",
        content_type="text/html; charset=utf-8",
    )
    assert new_text_of_mail(raw) == "Yes, tomorrow."


@pytest.mark.parametrize(
    ("html", "text"),
    [
        (
            "<p>Two:</p><ul><li>first</li><li>second</li></ul>",
            "Two:\n\n- first\n- second",
        ),
        ("<ol><li>one</li><li>two</li></ol>", "1. one\n2. two"),
        ("<ul><li>a<ol><li>b</li></ol></li><li>c</li></ul>", "- a\n\n1. b\n\n- c"),
        ('<div style="display: none">Preview</div><div>Yes.</div>', "Yes."),
        ('<p>See <a href="https://x.example">our page</a>.</p>', "See our page."),
    ],
)
def test_what_people_see_is_what_is_read(html, text):
    assert new_text_of_mail(letter(html, content_type="text/html")) == text
