"""Looks at a mail as a stranger's program does: nothing of the product is imported."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.policy import default

import lxml.html

ONCE = """
    From To Subject Date Message-ID MIME-Version Content-Type List-Unsubscribe
    List-Unsubscribe-Post
""".split()
_URL = re.compile(r"https?://[^\s<>]+")


def faults_of(raw, *, base_url):
    """Give in words what is wrong with a mail; `base_url` is where its links lead."""
    mail = message_from_bytes(raw, policy=default)
    text = mail.get_body(("plain",)).get_content()
    html = mail.get_body(("html",)).get_content()
    return [
        *_of_wire(raw),
        *_of_headers(mail, base_url),
        *_of_parts(mail),
        *_of_html(html, base_url),
        *_of_agreement(text, html, mail["List-Unsubscribe"].strip("<>")),
    ]


def shown_links(html):
    """Give the addresses of all links that a person can see."""
    return [
        anchor.get("href")
        for anchor in lxml.html.fromstring(html).iter("a")
        if "display:none" not in (anchor.get("style") or "").replace(" ", "")
    ]


def _of_wire(raw):
    if re.search(rb"(?<!\r)\n|\r(?!\n)", raw):
        yield "a line that doesn't end in CR LF"
    if not raw.isascii():
        yield "bytes beyond ASCII, though no server was asked for 8BITMIME"
    head, _, body = raw.partition(b"\r\n\r\n")
    for line in head.split(b"\r\n"):
        if len(line) > 78 and not line.startswith(b"List-Unsubscribe: <"):
            yield f"a header line of {len(line)} characters: {line[:40]!r}"
    if max(map(len, raw.split(b"\r\n"))) > 998:
        yield "a line of more than 998 characters"
    if max(map(len, body.split(b"\r\n"))) > 78:
        yield "a line of more than 78 characters in the body"


def _of_headers(mail, base_url):
    for name in ONCE:
        if len(mail.get_all(name, [])) != 1:
            yield f"{name} stands there {len(mail.get_all(name, []))} times"
    for name, value in mail.items():
        if value.defects:
            yield f"{name}: {value.defects}"
    (sender,), (recipient,) = mail["From"].addresses, mail["To"].addresses
    if not (sender.domain and recipient.domain and sender.display_name):
        yield "an address that is not complete"
    if not re.fullmatch(rf"<[^@<>\s]+@{re.escape(sender.domain)}>", mail["Message-ID"]):
        yield f"Message-ID {mail['Message-ID']} is not of {sender.domain}"
    if mail["Reply-To"] and sender.domain != mail["Reply-To"].addresses[0].domain:
        yield "answers go to another domain"
    date = mail["Date"].datetime
    if date.tzinfo is None or abs(datetime.now(UTC) - date) > timedelta(hours=1):
        yield f"the date is {date}"
    if not 0 < len(mail["Subject"]) <= 78:
        yield f"a subject of {len(mail['Subject'])} characters"
    stop = mail["List-Unsubscribe"]
    if not re.fullmatch(
        rf"<(?:https://[^<>\s]+|{re.escape(base_url)}/[^<>\s]+)>", stop
    ):
        yield f"List-Unsubscribe is {stop}"
    if mail["List-Unsubscribe-Post"] != "List-Unsubscribe=One-Click":
        yield "List-Unsubscribe-Post is not what RFC 8058 says"


def _of_parts(mail):
    kinds = [part.get_content_type() for part in mail.walk()]
    if kinds != ["multipart/alternative", "text/plain", "text/html"]:
        yield f"the parts are {kinds}"
    for part in mail.walk():
        if part.defects:
            yield f"{part.get_content_type()} has defects: {part.defects}"
        if not part.is_multipart() and part.get_content_charset() != "utf-8":
            yield f"{part.get_content_type()} has no charset"


def _of_html(html, base_url):
    page = lxml.html.fromstring(html)
    wanted = {
        "a doctype": html.lower().startswith("<!doctype html>"),
        "a language": bool(page.get("lang")),
        "a title": bool((page.findtext("head/title") or "").strip()),
        "a viewport": bool(page.xpath("head/meta[@name='viewport']/@content")),
        "a charset": page.xpath("head/meta/@charset") == ["utf-8"],
        "words for each picture": not page.xpath("//img[not(@alt)]"),
        "words for each link": all(
            anchor.text_content().strip() or anchor.xpath(".//img/@alt")
            for anchor in page.iter("a")
            if anchor.get("aria-hidden") != "true"
        ),
    }
    yield from (
        f"there is no {name}" for name, is_there in wanted.items() if not is_there
    )
    if active := page.xpath("//script|//iframe|//form|//object|//embed|//link|//base"):
        yield f"there are {[element.tag for element in active]}"
    if handlers := page.xpath("//@*[starts-with(name(), 'on')]"):
        yield f"there are handlers: {handlers}"
    if "url(" in html or "@import" in html:
        yield "the styles load something"
    loaded = page.xpath("//@src | //@background | //@poster | //@srcset")
    if [source for source in loaded if not source.startswith(f"{base_url}/")]:
        yield f"something is loaded from elsewhere: {loaded}"
    if len(loaded) != len(page.xpath("//img[@width='1' and @height='1']")):
        yield "more than the pixel is loaded"
    if len(html.encode()) > 102 * 1024:
        yield "Gmail clips it"


def _of_agreement(text, html, stop_url):
    page = lxml.html.fromstring(html)
    # Words alone: where one block ends is a matter of layout.
    said = page.find("body").text_content().split()
    written = re.sub(r"^-- \r?$", "", text, flags=re.MULTILINE)
    written = written.replace(f"Stop these mails: {stop_url}", "Stop these mails")
    written = re.sub(r" <https?://[^>]+>", "", written).split()
    if said != written:
        yield f"HTML and text differ: {set(said) ^ set(written)}"
    if len(shown_links(html)) != len(_URL.findall(text)):
        yield "HTML and text have different numbers of links"
    for part in (html, text):
        if stop_url not in part:
            yield "a part doesn't say how to unsubscribe"
