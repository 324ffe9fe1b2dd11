"""What is wrong with a template, or might be: findings in sentences. Pure.

Errors make every mail fail or be refused; warnings cost readers, or lead to the spam
folder. Nothing here asks the network: links are judged by how they are written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple
from urllib.parse import urlsplit

from lxml.html import HtmlElement

from campaigns.field_uses import bare_fields
from campaigns.file_types import check_name, check_total, kind_of
from campaigns.finishing import parse
from campaigns.spam_words import found_spam_words
from campaigns.spintax import rewrite
from campaigns.templating import Source, check, parts
from fliptech_site.errors import InvalidInput

#: Gmail cuts the HTML of a mail off behind so many bytes, with the link to unsubscribe.
CLIPPED_BYTES = 102 * 1024
#: What phones and Gmail's list show of a subject.
LONG_SUBJECT = 60
#: Words below which pictures are most of a mail.
_FEW_WORDS = 30
_SHORTENERS = frozenset(
    "bit.ly tinyurl.com t.co goo.gl ow.ly is.gd buff.ly rebrand.ly cutt.ly".split()
)


class Level(StrEnum):
    """How bad a finding is."""

    #: No mail can be sent like this.
    ERROR = "error"
    WARNING = "warning"


class Finding(NamedTuple):
    """One thing that is wrong, or may be."""

    level: Level
    #: Stable name of the kind of finding, for programs.
    code: str
    sentence: str


@dataclass(frozen=True)
class Sample:
    """The template filled in for one lead, complete as it would go out."""

    subject: str
    html: str
    text: str
    size_bytes: int
    postal_address: str
    unsubscribe_url: str


class NamedFile(NamedTuple):
    """A file of the template."""

    name: str
    content: bytes
    is_inline: bool


@dataclass(frozen=True)
class Draft:
    """All that is judged; `sample` is None when no mail can be made."""

    source: Source
    sample: Sample | None = None
    #: Why the mail couldn't be made, for one lead or, without a sample, for all.
    problem: str = ""
    #: Fields that are blank for some leads of the audience: how many of them.
    blank: Mapping[str, int] = field(default_factory=dict)
    audience: int = 0
    files: tuple[NamedFile, ...] = ()


def lint(draft: Draft) -> list[Finding]:
    """Give everything that is wrong with a template, the worst first."""
    found = list(_of_source(draft))
    if not any(finding.level is Level.ERROR for finding in found):
        if draft.problem:
            level = Level.WARNING if draft.sample else Level.ERROR
            found.append(Finding(level, "mail", draft.problem))
        found += _of_blank_fields(draft)
        if draft.sample is not None:
            found += _of_subject(draft.sample)
            found += _of_content(draft.sample)
    found += _of_files(draft)
    return sorted(found, key=lambda finding: finding.level is not Level.ERROR)


def _of_source(draft: Draft) -> Iterator[Finding]:
    try:
        check(draft.source)
    except InvalidInput as error:
        yield Finding(Level.ERROR, "template", str(error))
        return
    for part in parts(draft.source):
        for line in rewrite(part.source, is_html=part.is_html).lonely:
            yield _warning(
                "brace",
                f"Line {line} of the {part.name} has a brace without its other one: a"
                " reader sees it as it stands.",
            )


def _of_blank_fields(draft: Draft) -> Iterator[Finding]:
    """Tell fields that leave a hole: no fallback, no default, not asked for before."""
    bare = bare_fields(draft.source) - set(draft.source.fallbacks)
    for path, count in sorted(draft.blank.items(), key=lambda item: -item[1]):
        if count and path in bare:
            yield _warning(
                "blank",
                f"{path} is blank for {count:,} of {draft.audience:,} leads: give it a"
                f" fallback, or write {{{{ {path} | default: '…' }}}}.",
            )


def _of_subject(sample: Sample) -> Iterator[Finding]:
    subject = sample.subject
    letters = [letter for letter in subject if letter.isalpha()]
    if not subject:
        yield Finding(Level.ERROR, "subject", "The subject is blank once filled in.")
    if len(subject) > LONG_SUBJECT:
        yield _warning(
            "subject-length",
            f"The subject has {len(subject)} characters; phones show about"
            f" {LONG_SUBJECT}.",
        )
    loud = sum(letter.isupper() for letter in letters)
    if (len(letters) > 8 and loud > len(letters) / 2) or subject.count("!") > 1:
        yield _warning(
            "subject-shouts",
            "The subject shouts: use small letters and one '!' at most.",
        )
    if re.match(r"\s*(?:re|fwd?|aw|wg)\s*:", subject, re.IGNORECASE):
        yield _warning(
            "subject-reply",
            "The subject looks like an answer to a mail that nobody wrote; the law asks"
            " for honest subjects (CAN-SPAM).",
        )


def _of_content(sample: Sample) -> Iterator[Finding]:
    body = parse(sample.html)
    if sample.size_bytes > CLIPPED_BYTES:
        yield _warning(
            "size",
            f"The HTML has {sample.size_bytes / 1024:.0f} kB; Gmail cuts mails off"
            f" behind {CLIPPED_BYTES // 1024} kB, with the link to unsubscribe.",
        )
    if not sample.postal_address.strip():
        yield Finding(
            Level.ERROR,
            "postal-address",
            "The account has no postal address, which the law asks for (CAN-SPAM).",
        )
    if sample.unsubscribe_url not in body.xpath("//a/@href"):
        yield Finding(
            Level.ERROR, "unsubscribe", "No link lets the reader stop these mails."
        )
    words = found_spam_words(f"{sample.subject}\n{sample.text}")
    if words:
        yield _warning(
            "spam-words",
            f"Filters and readers know these words from spam: {', '.join(words)}.",
        )
    yield from _of_links(body, sample)
    yield from _of_images(body, sample)


def _of_links(body: HtmlElement, sample: Sample) -> Iterator[Finding]:
    web = [link for link in map(str.strip, body.xpath("//a/@href")) if link]
    if not [link for link in web if link != sample.unsubscribe_url]:
        yield _warning("no-link", "Nothing can be clicked besides unsubscribing.")
    for link in dict.fromkeys(web):
        if link != sample.unsubscribe_url and (problem := _problem_of(link)):
            yield _warning("link", f"The link {link[:100]!r} {problem}")


def _problem_of(link: str) -> str:
    try:
        url = urlsplit(link)
    except ValueError:
        return "can't be read: correct it."
    if url.scheme in ("mailto", "tel", "sms"):
        return "" if url.path else "leads nowhere: complete it."
    if link.startswith("#"):
        return "leads to a place inside the mail, which few programs can jump to."
    if not url.scheme or not url.netloc:
        return "is relative; a mail has no page it could belong to: write https://…"
    if url.scheme not in ("http", "https"):
        return f"begins with {url.scheme}:, which mail programs block."
    host = url.hostname or ""
    if host in _SHORTENERS:
        return "hides where it leads; filters distrust shortened links."
    if url.scheme == "http" and not host.endswith("localhost"):
        return "is not encrypted: use https."
    return ""


def _of_images(body: HtmlElement, sample: Sample) -> Iterator[Finding]:
    images = body.xpath("//img[not(@width='1' and @height='1')]")
    silent = sum(image.get("alt") is None for image in images)
    if silent:
        yield _warning(
            "alt",
            f"{silent} of {len(images)} pictures have no ALT text, which stands there"
            ' while pictures are blocked; write alt="" for mere ornaments.',
        )
    for image in images:
        source = (image.get("src") or "").strip()
        if not source.lower().startswith(("https://", "http://", "cid:", "data:")):
            yield _warning(
                "image", f"The picture {source[:100]!r} has no full address."
            )
        if source.lower().startswith("data:"):
            yield _warning(
                "image",
                "Gmail and Outlook show no pictures written as data: store them.",
            )
    if images and len(sample.text.split()) < _FEW_WORDS:
        yield _warning(
            "image-ratio",
            "The mail is pictures with hardly a word; filters take such mails for spam.",
        )


def _of_files(draft: Draft) -> Iterator[Finding]:
    try:
        check_total([len(file.content) for file in draft.files])
        for file in draft.files:
            check_name(file.name)
            kind_of(file.name, file.content)
    except InvalidInput as error:
        yield Finding(Level.ERROR, "file", str(error))
    for file in draft.files:
        if file.is_inline and f"cid:{file.name}" not in draft.source.html:
            yield _warning(
                "file-unused",
                f"The image {file.name!r} is stored, but the HTML doesn't show it:"
                f' write src="cid:{file.name}".',
            )


def _warning(code: str, sentence: str) -> Finding:
    return Finding(Level.WARNING, code, sentence)
