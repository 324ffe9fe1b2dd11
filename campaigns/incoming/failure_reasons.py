"""Tell from a server's words and codes why a mail was not delivered. Pure.

Codes are RFC 3463's, replies RFC 5321's. Servers use both loosely, so words go first.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from campaigns.incoming.phrases import read_phrases

#: Characters of a diagnosis that are looked at.
MAX_DIAGNOSIS = 4_000
#: With these the address will never work; all others may pass, or are about our mail.
DEAD = {"user_unknown", "host_unknown", "moved", "not_accepting"}

#: A subject above 7 is no status but a version number.
_ENHANCED = re.compile(r"(?<![\d./v])([245])\.([0-7])\.(\d{1,3})(?![\d.]*\d)")
_REPLY = re.compile(
    r"(?<![\d.:/@\-])(4(?:2[12]|3[12]|5[0-9]|7[01])|5(?:0[0-4]|1[0-3]|2[0-35]|3[0-9]|4[0-9]|5[0-9]|7[0-9]))"
    r"(?=[ \-:,#>\n]|$)"
)

#: Reasons in the order in which their words are looked for.
_PHRASES = read_phrases("failure_reasons")
_REASONS = [
    (reason, re.compile(phrases, re.IGNORECASE)) for reason, phrases in _PHRASES.items()
]

#: Some words are looked for earlier than others of the same reason.
_SAME = {
    "filtered": "policy",
    "sender": "policy",
    "nowhere": "host_unknown",
    "name_servers": "network",
    "put_away": "disabled",
    "moved_surely": "moved",
    "user_gone_surely": "user_unknown",
    "loop_surely": "loop",
}
#: These words are plainer than any code.
_SURE = {"put_away", "filtered"}
#: What a code says where no words were understood.
_BY_STATUS = {
    "1.0": "user_unknown", "1.1": "user_unknown", "1.2": "host_unknown",
    "1.3": "user_unknown", "1.6": "moved", "1.10": "not_accepting",
    "2.0": "policy", "2.1": "disabled", "2.2": "mailbox_full", "2.3": "too_large",
    "2.4": "policy", "3.2": "not_accepting", "3.4": "too_large", "4.1": "network", "4.2": "network", "4.3": "network",
    "4.4": "host_unknown", "4.6": "loop", "4.7": "expired", "4.14": "loop",
    "4.310": "host_unknown", "4.312": "network", "4.316": "expired",
}  # fmt: skip
_BY_SUBJECT = {
    "1": "policy",
    "3": "system",
    "4": "network",
    "5": "system",
    "6": "content",
    "7": "policy",
}
_BY_REPLY = {
    "552": "mailbox_full",
    "551": "moved",
    "421": "network",
    "452": "mailbox_full",
    "556": "not_accepting",
    "521": "not_accepting",
}
#: The code of a reason where the server gave none; a class is put before it.
_STATUS_OF = {
    "user_unknown": "1.1", "host_unknown": "1.2", "moved": "1.6", "not_accepting": "1.10",
    "mailbox_full": "2.2", "disabled": "2.1", "too_large": "3.4", "spam": "7.1",
    "policy": "7.1", "loop": "4.6", "expired": "4.7", "network": "4.1", "system": "3.0",
    "content": "6.0",
}  # fmt: skip
#: What phones' networks and filters refuse after the text, they took by its address.
_AFTER_DATA = re.compile(
    r"in reply to (?:end of )?data|(?:in|for|on) (?:end of )?(?:data|text) command|after (?:end of |pipelined )?data|after i sent the"
    r" message|in end of data|smtp command data\b|following data command|\(state 1[578]\)",
    re.IGNORECASE,
)
#: Behind these stands what the other server said; before them our own speaks.
_SAID = re.compile(
    r"(?:server|host) (?:said|replied|returned)\W|returned was:|response (?:from the"
    r" remote server )?was:|responded as follows:|returned an error:|failed with:",
    re.IGNORECASE,
)
#: Words of a server that is not sure yet.
_PROVISIONAL = re.compile(
    r"unverified|verif|gr[ae]y-?list|in progress|lookup (?:error|fail)|temporar",
    re.IGNORECASE,
)
#: Names of people and hosts may hold any word: dormant.example is not dormant.
_NAMED = re.compile(
    r"[\w!#$%&'*+/=?^`{|}~.\-]{1,64}@(\w[\w\-]*(?:\.[\w\-]+)+)", re.IGNORECASE
)
_MAX_DOMAINS = 20
#: These pass by themselves.
_PASSING = {"expired", "network"}


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Why a mail to one address failed, or is late."""

    #: Enhanced status code such as 5.1.1, from the server or after the reason.
    status: str
    reason: str
    #: Whether the address will never work.
    is_hard: bool


def diagnose(
    words: str, *, status: str = "", is_delayed: bool = False, is_final: bool = False
) -> Diagnosis:
    """Decide from what a server said and the code that a report states.

    `is_final` is a notice that nobody tries any more: then "user unknown" is believed
    even of a server that said it with a code of class 4.
    """
    words = " ".join(words[:MAX_DIAGNOSIS].split())
    code = best_status([status, *statuses_in(words)], reply_in(words))
    words = _without_names(words)
    reason = _reason(words, code)
    is_temporary = is_delayed or (code[:1] or reply_in(words)[:1]) == "4"
    if not reason:
        reason = "expired" if is_delayed else "unknown"
    return Diagnosis(
        status=code or _status_of(reason, is_temporary),
        reason=reason,
        is_hard=reason in DEAD
        and (not is_temporary or (is_final and _is_certain(words, reason))),
    )


def _without_names(words: str) -> str:
    """Put stand-ins for addresses and the hosts of their domains; links stay."""
    domains = sorted({found[1].rstrip(".-") for found in _NAMED.finditer(words)})
    words = _NAMED.sub("a@b", words)
    for domain in domains[:_MAX_DOMAINS]:
        hosts = rf"(?<![\w/@.\-])(?:[\w\-]+\.){{0,4}}{re.escape(domain)}(?![\w\-])"
        words = re.sub(hosts, "b.c", words, flags=re.IGNORECASE)
    return words


def _is_certain(words: str, reason: str) -> bool:
    """Say whether a server that refused for now will not have another opinion later."""
    if reason == "not_accepting":
        return False  # servers under load say so as well
    section = _reason_of_words(words)
    return _SAME.get(section, section) == reason and not _PROVISIONAL.search(words)


def _reason(words: str, code: str) -> str:
    """Return the reason, "" where neither words nor code tell one."""
    by_code = _reason_of_status(code) or _BY_REPLY.get(reply_in(words), "")
    section = _reason_of_words(words)
    reason = _SAME.get(section, section)
    if section in _SURE and code[2:4] != "7.":
        return reason
    if reason == "user_gone":
        reason = by_code if code[2:3] in ("7", "2", "3") and by_code else "user_unknown"
    elif not reason or _is_overruled(reason, code):
        reason = by_code or reason
    if reason in _PASSING | {"system", "loop"} and code[2:4] == "7.":
        reason = "policy"
    if reason in DEAD and code[2:4] == "7." and _speaks_of_policy(words):
        # Some servers add "user unknown" to whatever they are told at RCPT.
        reason = "policy"
    if reason == "user_unknown" and code[2:4] != "1." and _AFTER_DATA.search(words):
        # The address was taken before; what is refused is this mail.
        reason = "policy"
    if reason == "user_unknown" and code[2:4] == "2." and by_code:
        reason = by_code  # such codes are about a mailbox that exists
    return reason


def _speaks_of_policy(words: str) -> bool:
    said = _SAID.split(words)[-1]
    return any(
        pattern.search(said)
        for reason, pattern in _REASONS
        if reason in ("policy", "spam")
    )


def _is_overruled(reason: str, code: str) -> bool:
    """Say whether a code is surer than words that are used for much else."""
    if code[2:] in ("1.7", "1.8", "1.9"):  # the sender's address
        return True
    if code[2:] in ("1.2", "4.4") and reason in _PASSING | {"loop"}:
        return False  # the host is there, and does not answer
    loose = {"policy", "disabled", "expired", "network", "system", "loop"}
    return reason in loose and _reason_of_status(code) in DEAD and code[2:] != "1.0"


def _reason_of_words(words: str) -> str:
    """Return the section whose phrase is found first; the other server's words go first."""
    for text in dict.fromkeys((_SAID.split(words)[-1], words)):
        for reason, pattern in _REASONS:
            if pattern.search(text):
                return reason
    return ""


def _reason_of_status(code: str) -> str:
    if not code:
        return ""
    return _BY_STATUS.get(code[2:]) or _BY_SUBJECT.get(code[2:3], "")


def _status_of(reason: str, is_temporary: bool) -> str:
    digit = "4" if is_temporary or reason in _PASSING else "5"
    return f"{digit}.{_STATUS_OF.get(reason, '0.0')}"


def statuses_in(words: str) -> list[str]:
    """Return the enhanced status codes in a text, in their order."""
    return [".".join(found.groups()) for found in _ENHANCED.finditer(words)]


def reply_in(words: str) -> str:
    """Return the first SMTP reply code that refuses, else ""."""
    found = _REPLY.search(words)
    return found[1] if found else ""


def best_status(codes: list[str], reply: str = "") -> str:
    """Return the code that says most; a reply's class decides between classes.

    Reports often state 5.0.0 beside the server's own 5.1.1, or a class that the server
    contradicts.
    """
    known = [
        f"{found[1]}.{found[2]}.{int(found[3])}"
        for code in codes
        if (found := _ENHANCED.search(code))
    ]
    # 2.0.12 in a text is a version; only a report's own field tells of success.
    failing = [code for code in known if code[0] != "2"]
    if reply and any(code[0] == reply[0] for code in failing):
        failing = [code for code in failing if code[0] == reply[0]]
    return max(failing, key=_says_how_much, default="")


def _says_how_much(code: str) -> int:
    _, subject, detail = code.split(".")
    # That time is over is said of every failure in the end.
    if (subject, detail) == ("4", "7"):
        return 2
    return 2 * (subject != "0") + (detail != "0")
