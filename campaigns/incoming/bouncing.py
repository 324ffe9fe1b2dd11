"""Read bounces: whom a mail did not reach, and why. Pure.

Reports (RFC 3464) are believed first, then headers that servers add, then the notice that
is written for people, then what remains of the mail that came back.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from campaigns.incoming.auto_replies import is_no_person, says_absent
from campaigns.incoming.bounce_texts import (
    Mentioned,
    bare_names,
    mentioned_in,
    notice_of,
    said_before,
)
from campaigns.incoming.delivery_reports import Reported, is_report, read_report
from campaigns.incoming.failure_reasons import diagnose
from campaigns.incoming.mime import Headers
from campaigns.incoming.phrases import read_phrases
from campaigns.incoming.reading import Incoming, first_address

#: Characters of a diagnosis that are kept.
MAX_WORDS = 300

_PHRASES = read_phrases("bounces")
_DAEMON = re.compile(_PHRASES["daemon"], re.IGNORECASE)
_SUBJECT = re.compile(_PHRASES["subject"], re.IGNORECASE)
_ANSWER = re.compile(r"^\s*(?:re|aw|sv|antw|fwd?)\s?:", re.IGNORECASE)
_FINAL = re.compile(_PHRASES["final"], re.IGNORECASE)
_FINAL_SUBJECT = re.compile(rf"fail|permanent|{_PHRASES['final']}", re.IGNORECASE)
_DELAYED = re.compile(_PHRASES["delayed"], re.IGNORECASE)
_DELAYED_SUBJECT = re.compile(_PHRASES["delayed_subject"], re.IGNORECASE)
_SUCCESS = re.compile(_PHRASES["success"], re.IGNORECASE)
_FAILED = re.compile(_PHRASES["failed"], re.IGNORECASE)
_NO_SENDER = ("<>", "<<>>", "<MAILER-DAEMON>")
_VERP = re.compile(
    r"^[^@]{0,60}?[+=\-]([\w.+\-]{1,64})[=]([\w\-]+(?:\.[\w\-]+)+)@", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Failed:
    """One recipient of a bounce or a complaint."""

    address: str
    #: Where it failed in the end, if that is another address.
    final_address: str
    #: Enhanced status code, "" for complaints.
    status: str
    reason: str
    hard: bool
    #: The server's own words, shortened.
    words: str
    #: The server goes on trying.
    delayed: bool = False


@dataclass(frozen=True, slots=True)
class Bounce:
    """A notice about delivery; success is one too, but no failure."""

    recipients: list[Failed]
    is_failure: bool
    why: str


def read_bounce(message: Incoming, *, own: Collection[str] = ()) -> Bounce | None:
    """Return what a mail server tells about delivery, None for all other mail."""
    reported = _reported(message)
    if reported:
        return _of_report(message, reported)
    failed = message.headers.all("x-failed-recipients")
    if not failed and not _looks_like_bounce(message):
        return None
    if _SUCCESS.search(message.subject):
        return Bounce([], False, "It tells that a mail was delivered.")
    return _of_notice(message, own)


def _reported(message: Incoming) -> list[Reported]:
    found = []
    for report in message.reports.get("message/delivery-status", []):
        found += read_report(report)
    if not found and message.enclosed_reports and _looks_like_bounce(message):
        for report in message.enclosed_reports:
            found += read_report(report)
    if not found and is_report(message.text) and not _ANSWER.search(message.subject):
        found = read_report(message.text)
    return found


def _of_report(message: Incoming, reported: list[Reported]) -> Bounce:
    failures = [each for each in reported if each.is_failure]
    notice, _ = notice_of(message.text)
    by_address: dict[str, Failed] = {}
    for each in failures or reported:
        by_address.setdefault(each.address, _failed(each, notice, len(reported) == 1))
    recipients = list(by_address.values())
    if not failures:
        return Bounce(recipients, False, "A report of success (RFC 3464).")
    return Bounce(recipients, True, "A delivery report (RFC 3464).")


def _failed(each: Reported, notice: str, is_alone: bool) -> Failed:
    if not each.is_failure:
        return Failed(
            each.address, each.final_address, each.status[:12], "delivered", False, ""
        )
    words = each.diagnosis
    if not words and each.action.startswith("expire"):
        words = "Delivery expired"
    found = diagnose(
        words,
        status=each.status,
        is_delayed=each.is_delayed,
        is_final=not each.is_delayed,
    )
    if (
        not words
        or found.reason in ("unknown", "system", "content")
        or not each.status
        or each.status.endswith(".0.0")
    ):
        # The notice for people often says more than the report.
        said = _said_of(each, notice)
        if is_alone and diagnose(said).reason == "unknown":
            said = notice
        if said:
            fuller = diagnose(
                f"{words} . {said}",
                status=each.status,
                is_delayed=each.is_delayed,
                is_final=not each.is_delayed,
            )
            is_better = found.reason == "unknown" or fuller.status != found.status
            if is_better or (not words and fuller.reason != "unknown"):
                found, words = fuller, words or said
    words = " ".join(words.split())[:MAX_WORDS]
    return Failed(
        each.address,
        each.final_address,
        found.status,
        found.reason,
        found.is_hard,
        words,
        each.is_delayed,
    )


def _said_of(each: Reported, notice: str) -> str:
    for mentioned in mentioned_in(notice, own=()):
        if mentioned.address in (each.address, each.final_address):
            return mentioned.words
    return ""


def _looks_like_bounce(message: Incoming) -> bool:
    if (
        message.report_type == "delivery-status"
        or "message/delivery-status" in message.reports
    ):
        return True
    headers = message.headers
    subject = message.subject[:300]
    is_daemon = is_mail_system(message)
    is_answer = bool(_ANSWER.search(subject)) or "in-reply-to" in headers
    if not is_daemon and headers.raw("return-path").strip() in _NO_SENDER:
        # Notices of absence have no sender either, and name who helps meanwhile.
        is_daemon = not is_answer and not says_absent(subject)
    if _SUBJECT.search(subject):
        if is_daemon or is_answer:
            return is_daemon or ("in-reply-to" not in headers and _is_notice(message))
        # People write of failed deliveries too, but name and enclose no mail that failed.
        return _is_notice(message) or _holds_a_mail(message)
    if is_daemon:
        return _is_notice(message)
    # No person has such an address; but shops and systems write of much else with it.
    return not is_answer and is_no_person(message.sender) and _is_plain_notice(message)


def is_mail_system(message: Incoming) -> bool:
    """Say whether From names a mail system: MAILER-DAEMON, postmaster and the like."""
    return bool(_DAEMON.search(message.headers.text("from")[:300]))


def _is_plain_notice(message: Incoming) -> bool:
    """Say whether a text both tells of a failed delivery and names whom it concerns."""
    notice, _ = notice_of(message.text)
    found = mentioned_in(notice, own={first_address(message.headers.text("to"))})
    return bool(found) and found[0].sureness >= 2 and bool(_FAILED.search(notice))


def _is_notice(message: Incoming) -> bool:
    """Say whether a daemon's text tells of a failure and whom it concerns."""
    notice, _ = notice_of(message.text)
    found = mentioned_in(notice, own={first_address(message.headers.text("to"))})
    if not found:
        return False
    return found[0].sureness >= 2 or bool(_FAILED.search(notice))


def _holds_a_mail(message: Incoming) -> bool:
    _, copy = notice_of(message.text)
    return bool(message.original) or bool(_guessed(message, copy, ()))


def _of_notice(message: Incoming, own: Collection[str]) -> Bounce:
    notice, copy = notice_of(message.text)
    is_delayed = _is_delay(message, notice)
    headers = message.headers
    ours = {
        *own,
        *(first_address(headers.text(name)) for name in ("to", "delivered-to")),
    }
    chosen = _whom(message, notice, copy, ours)
    recipients = [
        _noticed(each, message, notice, is_alone=len(chosen) == 1, delayed=is_delayed)
        for each in chosen
    ]
    return Bounce(recipients, True, "A notice of a mail server.")


def _whom(
    message: Incoming, notice: str, copy: str, ours: Collection[str]
) -> list[Mentioned]:
    """Return whom the mail did not reach: as stated, else as said, else as guessed."""
    mentioned = mentioned_in(notice, own=ours)
    if stated := _stated(message.headers):
        said = {each.address: each.words for each in mentioned}
        return [Mentioned(a, 3, said.get(a, notice)) for a in stated]
    if mentioned and mentioned[0].sureness >= 2:
        return mentioned
    guessed = [Mentioned(a, 1, notice) for a in _guessed(message, copy, ours)]
    return guessed or mentioned or _last_resort(message, notice, ours)


def _last_resort(
    message: Incoming, notice: str, ours: Collection[str]
) -> list[Mentioned]:
    """Look into the subject, and for names that the daemon wrote without its domain."""
    named = mentioned_in(message.subject, own=ours)
    if named:
        return [Mentioned(each.address, 1, notice) for each in named]
    domain = message.sender.rpartition("@")[2]
    return [
        Mentioned(f"{name}@{domain}".lower(), 1, notice)
        for name in (bare_names(notice) if domain else [])
    ]


def _noticed(
    each: Mentioned, message: Incoming, notice: str, *, is_alone: bool, delayed: bool
) -> Failed:
    found = diagnose(each.words, is_delayed=delayed, is_final=not delayed)
    is_vague = found.reason == "expired" or found.status.endswith(".0.0")
    if found.reason == "unknown" or (is_vague and is_alone):
        found = diagnose(
            f"{each.words} . {notice} . {message.subject}",
            is_delayed=delayed,
            is_final=not delayed,
        )
    elif found.reason == "user_unknown" and is_alone:
        # "The account is disabled." above says more than "user unknown" below.
        above = diagnose(said_before(notice, each.address))
        if above.reason in ("disabled", "mailbox_full") and found.status[2:] == "1.1":
            found = above
    words = " ".join(each.words.split())[:MAX_WORDS]
    return Failed(
        each.address,
        each.address,
        found.status,
        found.reason,
        found.is_hard,
        words,
        delayed,
    )


def _is_delay(message: Incoming, notice: str) -> bool:
    if _FINAL.search(notice):
        return False
    if _DELAYED.search(notice):
        return True
    subject = message.subject
    return bool(_DELAYED_SUBJECT.search(subject)) and not _FINAL_SUBJECT.search(subject)


def _stated(headers: Headers) -> list[str]:
    found = []
    for value in headers.all("x-failed-recipients"):
        found += [
            address for one in value.split(",") if (address := first_address(one))
        ]
    return list(dict.fromkeys(found))


def _guessed(message: Incoming, copy: str, ours: Collection[str]) -> list[str]:
    """Guess from a coded envelope address, then from the mail that came back."""
    for name in ("to", "delivered-to", "x-original-to"):
        if coded := _VERP.match(first_address(message.headers.text(name))):
            return [f"{coded[1]}@{coded[2]}".lower()]
    for source in (message.original, Headers(copy[:20_000].encode("utf-8", "replace"))):
        for name in ("x-failed-recipients", "to", "delivered-to", "x-rcpt-to"):
            address = first_address(source.text(name))
            if address and address not in ours:
                return [address]
    return []
