"""Tell from a server's words and codes why a mail was not delivered. Pure.

Codes are RFC 3463's, replies RFC 5321's. Servers use both loosely, so words go first.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

#: Characters of a diagnosis that are looked at.
MAX_DIAGNOSIS = 4_000
#: With these the address will never work; all others may pass, or are about our mail.
DEAD = {"user_unknown", "host_unknown", "moved", "not_accepting"}

#: A subject above 7 is no status but a version number.
_ENHANCED = re.compile(r"(?<![\d.\-/v])([245])\.([0-7])\.(\d{1,3})(?![\d.]*\d)")
_REPLY = re.compile(
    r"(?<![\d.:/@\-])(4(?:2[12]|3[12]|5[0-9]|7[01])|5(?:0[0-4]|1[0-3]|2[0-35]|3[0-9]|4[0-9]|5[0-9]|7[0-9]))"
    r"(?=[ \-:,#>\n]|$)"
)

#: Reasons in the order in which their words are looked for.
_WORDS = {
    # About our side: "domain not found" in it must not kill the recipient's address.
    "sender": r"""
        sender(?:'s)? (?:e-?mail )?(?:address |domain |id )?(?:\S+ )?(?:reject|verif|not|unknown|invalid|refus|denied|domain|must|address|does|is)|(?:mail from|return.path|envelope.sender|from address|from domain|sending domain|helo|ehlo)\b[^.\n]{0,60}?(?:reject|verif|not|unknown|invalid|refus|denied|exist|resolv)
        |rcpthosts|(?:not|n't|unable to|cannot|no) (?:\w+ ){0,2}relay|relay\w* (?:\w+ ){0,2}(?:denied|not|prohibited|rejected|access)""",
    "mailbox_full": r"""
        (?:mail ?box|mail ?folder|inbox|account|storage|quota|user)\W[^.\n]{0,40}?\b(?:is|was|are)?\s?(?:full|over ?(?:its |the |their )?(?:limit|quota)|exceed\w*|out of space)
        |over ?quota|quota (?:exceed|violat|full|is full|limit)\w*|exceed\w* (?:\w+ ){0,4}(?:quota|storage|mailbox size|disk|space)
        |(?:insufficient|not enough|no|out of) (?:\w+ )?(?:disk |storage |mailbox |mail ?box |system )?(?:space|storage)\b|space not enough
        |mailbox (?:size )?limit|mailfull|too many messages in|disk full|full mailbox|maildir over
        |postfach (?:\w+ ){0,3}(?:voll|überfüllt)|speicherplatz|bo[iî]te (?:\S+ ){0,4}pleine|quota d[ée]pass[ée]
        |buz[oó]n (?:\S+ ){0,3}lleno|caixa (?:\S+ ){0,4}cheia|casella (?:\S+ ){0,4}piena|skrzynk\w+ (?:\S+ ){0,3}(?:pełna|przepełniona)
        |ящик\w* (?:\S+ ){0,3}(?:переполнен|полон)|容量|いっぱい|邮箱(?:已|空间)?满|信箱已滿|552[ -](?:5\.2\.2|1 )""",
    "nowhere": r"""
        nxdomain|host or domain name not found|could(?:n't| not) find any host|name service error|(?:the )?domain (?:name )?\S+ (?:could(?:n't| not) be found|(?:does not|doesn't|did not) (?:exist|resolve)|(?:is )?not found)|domain (?:is )?(?:not found|unknown)|unrouteable (?:mail )?domain""",
    "user_unknown": r"""
        (?:user|recipient|account|address|addressee|mail ?box|mailbox name|alias|username|userid|destinat\w+|inbox|person|member|entry)s?\W
            [^.\n]{0,70}?\b(?:unknown|not known|(?:do|does|did|could|can|was|is)(?: ?n[o']t| not|n't) (?:\w+ )?(?:exist|found|be found|recogni[sz]ed|listed|valid|known|a valid|a known|match|on (?:this|our)|have an?|here)\w*|doesn.t have an?|not (?:found|exist|valid|listed|recogni[sz]ed|in (?:our|the)|on (?:this|our))|invalid|no longer (?:exists?|valid|available|active|on|in|with|employed|works?)|nonexist\w*|non-exist\w*|unrouteable|undeliverable|discontinued|was deleted|has been (?:deleted|removed|closed|discontinued))
        |(?:unknown|invalid|no such|nonexistent|non-existent|illegal|bad|unroute?able|unrecogni[sz]ed|incorrect|unresolvable|undefined|wrong|inexistent)\W{1,3}(?:\w+\W){0,3}?(?:user|recipient|account|address(?:ee)?|mail ?box|userid|alias|destination|local part|local-part|username|name|person|final delivery)
        |no (?:such |valid |matching )?(?:recipient|mail ?box|user|account|person|address(?:ee)?)s?\b[^.\n]{0,30}?(?:here|by that|with that|at this|named|found|match|exist|listed|for|in|on|$)
        |does ?n[o']t exist|do not exist|not a (?:known|valid|registered|local) (?:user|account|recipient|address|mailbox|customer)|not our (?:user|customer)
        |(?:user|account|recipient|address)\W(?:\S+ ){0,2}(?:rejected|disabled or discontinued)\W{1,3}(?:access denied|\S+ user unknown|user unknown|no such)
        |recipient address rejected: (?:access denied|undeliverable|unverified|user|no such|address not)|recipient(?: address)? (?:not found|unknown)|recipnotfound|resolver\.adr\.\w*notfound
        |delivery to the following recipients? failed permanently[^:]*:[^:]*not found|isn't (?:in|listed|recogni|a valid)|couldn't be found|could not be found|wasn't found
        |this user doesn't have|sorry, no mailbox|address (?:you (?:typed|entered)|error)|not listed in (?:\w+ ){0,4}(?:directory|domino|address)|no longer (?:employed|works? (?:here|at|for)|with (?:us|the))
        |has left the (?:company|organi[sz]ation)|discontinued|unbekannt|nicht (?:gefunden|bekannt|vorhanden|existier\w+)|existiert nicht|gibt es nicht|keine? (?:mailbox|benutzer|empfänger)
        |inconnu|n'existe pas|introuvable|inexistant|non recens[ée]|desconocid[oa]|no existe|inexistente|n[aã]o existe|desconhecid[oa]|sconosciut[oa]|non esiste|inesistente|onbekend|bestaat niet
        |ok[äa]nd|finns inte|ukjent|ukendt|tuntematon|nieznany|nie istnieje|neexistuje|ismeretlen|не (?:найден|существует)|неизвест|bulunamad|存在しない|存在しません|見つかりません|不存在|不明な|없는|존재하지""",
    "moved": r"""
        (?:user|recipient|account|address|mailbox) (?:has |have )?(?:moved|changed)|new (?:e-?mail )?address is|has changed (?:his|her|their|its) (?:e-?mail|address)
        |please (?:forward|send|use) (?:\w+ ){0,5}(?:new address|instead)|no longer uses? this|adresse a chang|neue (?:e-?mail-?)?adresse""",
    "not_accepting": r"""
        null ?mx|does not accept (?:any )?(?:mail|e-?mail|messages)\b|domain (?:\S+ ){0,4}(?:never|doesn't|does not) (?:accept|receive)|no mail (?:is )?accepted|no mail service|not accept(?:ing)? (?:any )?mail\b""",
    "host_unknown": r"""
        (?:host|domain|mx|mail server|site|name server|hostname)\W[^.\n]{0,60}?\b(?:unknown|not (?:be )?found|does(?: ?n[o']t| not|n't) (?:exist|resolve)|non-?existent|invalid|unrouteable|lookup fail\w*)
        |(?:unknown|no such|illegal|invalid|bad|nonexistent|unrouteable|unroutable) (?:\w+ )?(?:host|domain|mail domain|destination)|name service error|nxdomain|couldn't find any host|could not find a (?:gateway|host|mail)
        |no (?:mx|dns|a record|valid mail servers?|relevant answers|route to domain|mail exchanger)|host or domain name not found|unable to (?:look ?up|resolve)|dns (?:error|lookup|server)|mail server for \S+ (?:could|was) not|all relevant mx records point""",
    "too_large": r"""
        (?:message|mail|e-?mail|attachment)s?\W[^.\n]{0,40}?(?:too (?:large|big|long)|exceed\w*)|(?:exceed\w*|larger than|over|maximum|max) (?:\w+ ){0,5}(?:message|mail|size)\W?(?:size|limit)?\b|size limit|message size|too big|oversized|nachricht\w* (?:\S+ ){0,4}groß|trop volumineu|demasiado grande""",
    "spam": r"""
        \bspam|unsolicited|junk ?mail|bulk (?:e-?)?mail|black ?-?list|block ?-?list|deny ?list|dnsbl|\brbls?\b|spamcop|reputation|listed (?:at|in|on|by) \S+|viru[sz]|malware|phish|suspicious|\bblocked\b|\bbanned\b|unwanted|senderscore|barracuda|poor (?:domain|ip)|complaint""",
    "policy": r"""
        \bspf\b|\bdmarc\b|\bdkim\b|polic(?:y|ies)|access (?:is )?denied|authenticat|(?:not|n't) (?:\w+ ){0,2}(?:permitted|allowed|authori[sz]ed)|prohibit|restrict|unauthori[sz]ed|forbidden|administrat\w+ (?:prohib|deni|reject)|content (?:reject|filter|not)|(?:sender|helo|client|server|ip)\W[^.\n]{0,30}?(?:reject|refus|denied|invalid)|reverse dns|\bptr\b|mail server is not|greylist|gr[ae]y-?list|rate ?limit|too many (?:messages|recipients|connections|errors|concurrent)|rejected (?:by|for|due)|delivery not auth|message (?:was |has been )?(?:rejected|refused)|refused by|throttl|verwei?gert|abgelehnt|refusé|rechazad[oa]""",
    "disabled": r"""
        disabled|suspended|inactive|deactivated|locked|expired account|account (?:has |is )?(?:been )?(?:expired|closed|frozen)|not active|dormant|gesperrt|deaktiviert|d[ée]sactiv|suspendid""",
    "loop": r"loop|too many hops|hop count|mail forwarding (?:loop|cycle)|received \d+ times|hops exceeded",
    "expired": r"""
        retry time ?(?:out|not)|time(?:d)? ?out|expired|in (?:the )?queue (?:too|for)|queue (?:lifetime|period|time)|(?:delay|undelivered (?:for|after)|not (?:been )?(?:yet )?deliver\w+ (?:yet|within|for|after)|still (?:trying|being|in the queue)|will (?:continue|keep) (?:to )?try\w*|has not yet|been too long|maximum delivery attempts|max(?:imum)? (?:number of )?(?:retries|attempts)|could not be delivered (?:for|after|within)|verz[öo]ger|retard|demora|ritard)""",
    "network": r"""
        connection (?:\w+ ){0,4}(?:refused|timed|reset|lost|closed|dropped|failed)|connect\w* to|not respond|no answer|unreachable|not reachable|network|unable to (?:connect|establish)|can't connect|could(?: not|n't) (?:connect|establish)|conversation with|temporar(?:y|ily) (?:failure|unavailable|rejected|deferred|local)|try again|deferred|service (?:not|un)available|server (?:busy|down)|bad connection|host is down""",
    "system": r"""
        (?:local|system|internal|configuration|config|server|software|protocol|i/o|mailer|application) (?:\w+ )?(?:error|problem|failure)|can't create (?:\w+ )?(?:output|file)|mail system|resources|pipe|died with|command (?:\w+ )?(?:rejected|failed|unrecognized|not)|syntax error""",
    "user_gone": r"""
        mailbox (?:\w+ )?unavailable|mailbox not available|recipient (?:\w+ )?(?:rejected|refused)|user unavailable|invalid recipients?|unable to deliver to (?:that|this) (?:user|address)|undeliverable address|not deliverable""",
}
_REASONS = [
    (reason, re.compile(re.sub(r"\n\s*", "", words), re.IGNORECASE))
    for reason, words in _WORDS.items()
]

#: Some words are looked for earlier than others of the same reason.
_SAME = {"sender": "policy", "nowhere": "host_unknown"}
#: What a code says where no words were understood.
_BY_STATUS = {
    "1.0": "user_unknown", "1.1": "user_unknown", "1.2": "host_unknown",
    "1.3": "user_unknown", "1.6": "moved", "1.10": "not_accepting",
    "2.1": "disabled", "2.2": "mailbox_full", "2.3": "too_large",
    "3.4": "too_large", "4.1": "network", "4.2": "network", "4.3": "network",
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
}
#: The code of a reason where the server gave none; a class is put before it.
_STATUS_OF = {
    "user_unknown": "1.1", "host_unknown": "1.2", "moved": "1.6", "not_accepting": "1.10",
    "mailbox_full": "2.2", "disabled": "2.1", "too_large": "3.4", "spam": "7.1",
    "policy": "7.1", "loop": "4.6", "expired": "4.7", "network": "4.1", "system": "3.0",
    "content": "6.0",
}  # fmt: skip
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


def diagnose(words: str, *, status: str = "", is_delayed: bool = False) -> Diagnosis:
    """Decide from what a server said and the code that a report states."""
    words = " ".join(words[:MAX_DIAGNOSIS].split())
    code = best_status([status, *statuses_in(words)], reply_in(words))
    reason = _SAME.get(_reason_of_words(words)) or _reason_of_words(words)
    if reason in ("", "user_gone") or _is_overruled(reason, code):
        by_code = _reason_of_status(code) or _BY_REPLY.get(reply_in(words), "")
        if reason == "user_gone":
            reason = (
                by_code if code[2:3] in ("7", "2", "3") and by_code else "user_unknown"
            )
        else:
            reason = by_code or reason
    if reason in DEAD and code[2:4] == "7." and _speaks_of_policy(words):
        # Some servers add "user unknown" to whatever they are told at RCPT.
        reason = "policy"
    reply_class = reply_in(words)[:1]
    is_temporary = is_delayed or (code[:1] or reply_class) == "4"
    if not reason:
        reason = "expired" if is_delayed else "unknown"
    return Diagnosis(
        status=code or _status_of(reason, is_temporary),
        reason=reason,
        is_hard=reason in DEAD and not is_temporary,
    )


def _speaks_of_policy(words: str) -> bool:
    return any(
        pattern.search(words)
        for reason, pattern in _REASONS
        if reason in ("policy", "spam")
    )


def _is_overruled(reason: str, code: str) -> bool:
    """Say whether a code is surer than words that are used for much else."""
    if code[2:] in ("1.7", "1.8", "1.9"):  # the sender's address
        return True
    loose = {"policy", "disabled", "expired", "network", "system", "loop"}
    return reason in loose and _reason_of_status(code) in DEAD and code[2:] != "1.0"


def _reason_of_words(words: str) -> str:
    for reason, pattern in _REASONS:
        if pattern.search(words):
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
    return 2 * (subject != "0") + (detail != "0")
