"""Recognise e-mail addresses in text: spelled out, too, and none that only look so. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

import idna

from leads.character_references import unescape

#: Letters of scripts without blanks between words: an address stands right among them.
_CJK = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3"
_LABEL = r"[^\W_](?:[\w-]{0,61}[^\W_])?"
#: Local and domain part, tight on purpose: it runs over whole pages. Domains may be
#: written in any script.
ADDRESS = re.compile(
    rf"(?<![^\W{_CJK}])(?<![.+%@-])(?<!://)[a-z0-9_][a-z0-9._%+'&-]{{0,63}}(?<![.'&])"
    rf"@(?:{_LABEL}\.)+(?:xn--[a-z0-9-]{{2,59}}|[a-z]{{2,24}}|[^\W\d_a-z]{{2,24}})"
    rf"(?![^\W{_CJK}]|-|\.\w|@)",
    re.IGNORECASE,
)
#: A word before a sign, from its beginning on and of bounded length: an expression that
#: begins at each letter of a long word takes the square of the time.
_MAILBOX = r"(?<![\w.+-])([\w.+-]{1,64})"
#: Some signs that people use instead of "@" and ".", in brackets of any kind.
_OPEN, _CLOSE = r"[(\[{<«|\uff08\uff3b\uff5b]", r"[)\]}>»|\uff09\uff3d\uff5d]"
_SPELLED_AT = re.compile(
    rf"\s{{0,3}}(?:{_OPEN}\s?(?:at|ät|@|a|arroba|arobase|chez|æt|klammeraffe)\s?{_CLOSE}"
    r"|(?<=\w)(?:\s{1,3}[-_*~/#='\"]{1,9}|[_*~#]{1,9})at(?:[-_*~/#='\"]{1,9}\s{1,3}|[_*~#]{1,9})(?=\w))"
    r"\s{0,3}",
    re.IGNORECASE,
)
_SPELLED_DOT = re.compile(
    rf"\s{{0,3}}(?:{_OPEN}\s?(?:dot|punkt|punto|point|d0t|\.)\s?{_CLOSE}"
    r"|(?<=\w)(?:\s{1,3}[-_*~]{1,9}|[_*~]{1,9})dot(?:[-_*~]{1,9}\s{1,3}|[_*~]{1,9})(?=\w))"
    r"\s{0,3}",
    re.IGNORECASE,
)
#: `info AT shop.example`: capitals, or a whole address in words, are no accident.
_SHOUTED_AT = re.compile(
    rf"{_MAILBOX}\s{{1,3}}AT\s{{1,3}}(?=[\w-]{{1,63}}(?:\.[\w-]|\s{{1,3}}(?:DOT|dot)\s))"
)
_IN_WORDS = re.compile(
    r"\b([a-z0-9][a-z0-9._+-]{0,63})\s{1,3}(?:at|@)\s{1,3}"
    r"((?:[a-z0-9-]{1,63}\s{1,3}(?:dot|punkt)\s{1,3}){1,6})"
    r"([a-z]{2,24})\b",
    re.IGNORECASE,
)
_SHOUTED_DOT = re.compile(r"(?<=[\w-])\s{1,3}DOT\s{1,3}(?=[a-zA-Z]{2})")
_SPACED_AT = re.compile(
    rf"{_MAILBOX}\s{{0,3}}[@\uff20\ufe6b]\s{{1,3}}(?=[\w-]{{1,63}}\.[a-z])"
)
#: Of these also before "(at)"; a mailbox may be called shop or order.
_NEVER_MAILBOX = frozenset(
    """
    us me out it is now here look meet see find visit and or only open closed off
    arrive arrives located based hosted least today
    """.split()
)
#: Whoever or whatever is "at acme dot net", unless somebody says that it is a mailbox.
_AT_A_FIRM = frozenset(
    """
    job jobs career careers position positions opening openings role roles work
    working engineer engineers developer developers designer designers people folks
    team teams friends guys staff everyone everybody colleagues details info more
    products services demo demos docs blog
    """.split()
)
_SAYS_MAILBOX = re.compile(
    r"(?:mail|contact|write|reach|send|apply|ping|message|questions?|cv|resum[eé]|[:<(|])"
    r"\W*(?:\w+\W+){0,3}$",
    re.IGNORECASE,
)
#: Words before an "at" that is one: "Find us @ shop.example".
_NO_MAILBOX = frozenset(
    """
    us me out it is now here live online more look meet see find visit shop
    today work works and or only order book available open closed off arrive
    located based hosted least
    """.split()
)
#: `{info, sales}@shop.example`
_SEVERAL = re.compile(
    r"\{([\w.+-]{1,64}(?:\s?,\s?[\w.+-]{1,64}){1,9})\}\s?@\s?([\w-]+(?:\.[\w-]+){1,5})"
)
_LAST_WORD = re.compile(r"[\w.+-]+$")
#: `rosa @ shop . example`
_SPACED_DOT = re.compile(
    r"(?<![\w.+-])([\w.+-]{1,64}\s?@\s?[\w-]{1,63})\s\.\s(?=[a-z]{2,10}\b)",
    re.IGNORECASE,
)
#: "E-Mail: rosa at shop.example", "Mail: rosa @shop.example": the label says what it is.
_LABELLED_AT = re.compile(
    r"((?<![\w.])(?:(?:e-?)?mail(?:\s?address)?|e)\s{0,2}[:=]\s{0,3}[\w.+-]{1,64})\s{1,3}(?:at\s{1,3}|@\s{0,3})"
    r"(?=[\w-]{1,63}(?:\.[\w-]{1,63}){0,3}\.[a-z]{2,24}\b)",
    re.IGNORECASE,
)
#: What people put into an address for machines to stumble over.
_STUMBLING_BLOCK = re.compile(
    r"[._-]?(?:no-?spam|remove-?(?:me|this)|delete-?this|spam-?free|entfernen)[._-]?"
)
#: Escapes of markup in data: `\u003ejoe@shop.example` is no mailbox of "u003ejoe".
_ESCAPED_MARKUP = re.compile(
    r"\\?u00(?:3[cCeE]|2[267])|%(?:3[cCeE]|2[02])(?=\w{1,64}@)"
)
#: `rosa@shop.exampleTel`: the next word stands right behind it.
_RUN_ON = re.compile(r"(\.[a-z]{2,10})[A-Z][a-z]+$")
#: An address written backwards, which style sheets from elsewhere turn round.
_TURNED = re.compile(
    r"(?<![^\s<>(\"'])([a-z]{2,7})(?:\.[\w-]{1,63}){1,3}@[\w.+-]{1,64}(?![^\s<>)\"'])",
    re.IGNORECASE,
)
_COMMON_ENDINGS = frozenset(
    """
    com net org info biz edu gov eu us uk ca au nz ie za in sg de at ch fr be nl lu it
    es pt pl cz sk hu ro bg gr se no dk fi ee lv lt jp kr cn tw br mx ar cl co io ai
    app dev shop store online site tech agency studio example
    """.split()
)
_OTHER_HYPHENS = re.compile("[\u2010\u2011]")
_OTHER_ATS = re.compile("[\uff20\ufe6b]")
#: Without one of these a text has no address; most lines have none.
_HAS_SIGN = re.compile(
    rf"[@\uff20\ufe6b]|&#|&commat|(?<![a-z])at(?![a-z])"
    rf"|{_OPEN}\s?(?:ät|a|arroba|chez|æt|arobase|klammeraffe)\s?{_CLOSE}",
    re.IGNORECASE,
)
_BLANKS = re.compile(r"\s+")
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2060\ufeff]")
#: What an address expression also matches on real pages: files and code.
_FILE_ENDINGS = frozenset(
    """
    png jpg jpeg gif svg webp avif ico bmp tif tiff css scss less js mjs cjs
    jsx ts tsx json map woff woff2 ttf otf eot mp4 webm mp3 wav pdf zip php
    asp aspx jsp html htm xml yml yaml min vue local internal lan
    """.split()
)
_PLACEHOLDER_DOMAINS = frozenset(
    """
    example.com example.org example.net domain.com yourdomain.com
    yourcompany.com company.com email.com mysite.com yoursite.com website.com
    yourwebsite.com mydomain.com test.com acme.test address.com sentry.io
    wixpress.com provider.com yourbusiness.com yourdomain.tld domain.tld
    sample.com xxx.xxx
    """.split()
)
#: Error trackers, whose keys look like addresses, live on names below these.
_TRACKER_DOMAINS = (".sentry.io", ".wixpress.com", ".ingest.us.sentry.io")
_PLACEHOLDER_LOCALS = frozenset(
    """
    you your youremail your-email your.email yourname your-name your.name name
    user username someone git first.last firstname.lastname vorname.nachname
    """.split()
)
#: Keys of trackers: hex digits, or the form of a UUID.
_KEY = re.compile(r"[0-9a-f]{24,}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
#: jquery@3.7.1-beta.next and vue@3.next are versions, logo@2x.gallery is a picture.
_VERSION = re.compile(r"\d+\.\d|\d{1,2}\.[a-z]+$|[1-9]x\.")


def addresses_in(text: str) -> Iterator[str]:
    """Give the usable addresses in a text in lower case, the domain in ASCII."""
    if not _HAS_SIGN.search(text):
        return
    # Long runs of blanks would make the expressions below slow.
    text = _BLANKS.sub(" ", _INVISIBLE.sub("", text))
    if "&#" in text or "&commat" in text:
        # Encoded twice, so that the parser has left it.
        text = unescape(text)
    text = _ESCAPED_MARKUP.sub(" ", _OTHER_HYPHENS.sub("-", text))
    if "@" not in (plain := spell_out(text)):
        return
    for found in ADDRESS.finditer(plain):
        if is_usable(address := _normal(_RUN_ON.sub(r"\1", found[0]))):
            yield address
    for found in _TURNED.finditer(plain):
        is_turned = found[1][::-1].lower() in _COMMON_ENDINGS
        if is_turned and not ADDRESS.search(found[0]):
            yield _normal(found[0][::-1])


def spell_out(text: str) -> str:
    """Write `name (at) shop (dot) example` and its like as an address."""
    if "}" in text and "@" in text:
        text = _SEVERAL.sub(_one_by_one, text)
    text = _SPELLED_DOT.sub(".", _SPELLED_AT.sub(_sign, text))
    text = _LABELLED_AT.sub(r"\1@", _IN_WORDS.sub(_from_words, text))
    text = _SHOUTED_AT.sub(_after_mailbox, text)
    if "@" in text:
        text = _SHOUTED_DOT.sub(".", text)
    if " . " in text:
        text = _SPACED_DOT.sub(r"\1.", text)
    return _OTHER_ATS.sub("@", _SPACED_AT.sub(_after_mailbox, text))


def _one_by_one(found: re.Match[str]) -> str:
    names = [name.strip() for name in found[1].split(",")]
    return " ".join(f"{name}@{found[2]}" for name in names)


def _sign(found: re.Match[str]) -> str:
    before = _LAST_WORD.search(found.string, max(found.start() - 64, 0), found.start())
    is_word = before is not None and before[0].lower() in _NEVER_MAILBOX
    return found[0] if is_word else "@"


def _after_mailbox(found: re.Match[str]) -> str:
    return found[0] if found[1].lower() in _NO_MAILBOX else f"{found[1]}@"


def _from_words(found: re.Match[str]) -> str:
    word, before = (
        found[1].lower(),
        found.string[max(found.start() - 60, 0) : found.start()],
    )
    # "jobs at acme dot net" alone is written by somebody who hides an address.
    is_alone = not before.strip() and found[1].islower()
    if word in _AT_A_FIRM and not (is_alone or _SAYS_MAILBOX.search(before)):
        return found[0]
    if word in _NO_MAILBOX and word not in _AT_A_FIRM:
        return found[0]
    domain = re.sub(r"\s+(?:dot|punkt)\s+", ".", found[2], flags=re.IGNORECASE)
    return f"{found[1]}@{domain}{found[3]}"


def is_turned_domain(text: str) -> bool:
    """Say whether a domain makes sense from its end only: `elpmaxe.pohs`."""
    first, last = text.partition(".")[0], text.rpartition(".")[2]
    is_known = last.lower() in _COMMON_ENDINGS
    return "." in text and not is_known and first[::-1].lower() in _COMMON_ENDINGS


def _normal(address: str) -> str:
    local, _, domain = address.strip(".'").lower().rpartition("@")
    local = _STUMBLING_BLOCK.sub("", local) or local
    domain = _STUMBLING_BLOCK.sub("", domain) or domain
    if not domain.isascii():
        try:
            domain = idna.encode(domain, uts46=True).decode("ascii")
        except idna.IDNAError:
            return ""
    return f"{local}@{domain}"


def is_usable(address: str) -> bool:
    """Say whether an address may be a person's: no file, key, version or placeholder."""
    local, _, domain = address.lower().rpartition("@")
    labels = domain.split(".")
    if not local or labels[-1] in _FILE_ENDINGS or local in _PLACEHOLDER_LOCALS:
        return False
    if _VERSION.match(domain):
        return False
    if _KEY.fullmatch(local):
        return False
    return domain not in _PLACEHOLDER_DOMAINS and not domain.endswith(_TRACKER_DOMAINS)
