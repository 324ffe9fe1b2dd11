"""What the world can read of a sender's domain: SPF, DKIM and DMARC, each in a sentence.

checkdmarc reads SPF and DMARC. Whether the name server could be asked at all is asked
first, since "not there" and "no answer" need different hands.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any, NamedTuple

from django.utils import timezone

from campaigns.dkim_signing import public_record, record_name
from campaigns.models import Account
from fliptech_site.errors import InvalidInput
from tasks.enqueueing import enqueue_many

if TYPE_CHECKING:
    from dns.resolver import Resolver

#: Seconds for one question, with all repetitions.
LIFETIME = 4.0
GOOD, WARNING, BAD, UNKNOWN = "good", "warning", "bad", "unknown"


class Finding(NamedTuple):
    """What is the matter with one record, and what to do."""

    #: good, warning, bad or unknown.
    state: str
    sentence: str
    #: As it is published; blank when there is none.
    record: str = ""


class CouldNotAsk(Exception):
    """Raised when no name server answered."""


def request_checks() -> dict[str, int]:
    """Enqueue a check for each account that is switched on."""
    ids = list(Account.objects.filter(is_enabled=True).values_list("pk", flat=True))
    enqueue_many("check_sender_domain", [{"account_id": pk} for pk in ids])
    return {"accounts": len(ids)}


def states(findings: dict[str, Finding]) -> dict[str, str]:
    """Give the state of each record, as JSON values."""
    return {name: each.state for name, each in findings.items()}


def check_domain(
    account_id: int, resolver: Resolver | None = None
) -> dict[str, Finding]:
    """Check the domain of an account, and write into its row what was found.

    Takes up to a few seconds. `resolver` stands for the machine's own. Raises
    InvalidInput for an unknown id.
    """
    account = Account.objects.filter(pk=account_id).first()
    if account is None:
        raise InvalidInput(f"There is no account {account_id}.")
    findings = find(account, resolver)
    Account.objects.filter(pk=account_id).update(
        domain_checks={name: each._asdict() for name, each in findings.items()},
        domain_checked_at=timezone.now(),
    )
    return findings


def find(account: Account, resolver: Resolver | None = None) -> dict[str, Finding]:
    """Give what is found for an account's domain; writes nothing."""
    try:
        ready = resolver or _own_resolver()
        return {
            "spf": _spf(account.domain, ready),
            "dkim": _dkim(account, ready),
            "dmarc": _dmarc(account.domain, ready),
        }
    except CouldNotAsk as error:
        unknown = Finding(UNKNOWN, str(error))
        return {"spf": unknown, "dkim": unknown, "dmarc": unknown}


def _spf(domain: str, resolver: Resolver) -> Finding:
    if not any(text.lower().startswith("v=spf1") for text in _texts(domain, resolver)):
        return Finding(
            BAD,
            f"{domain} has no SPF record: publish a TXT record such as"
            ' "v=spf1 include:… -all" that names the servers you send through.',
        )
    from checkdmarc.spf import check_spf

    found = _fresh(check_spf, domain, resolver)
    record = str(found.get("record") or "")
    if not found.get("valid"):
        return _invalid("SPF", found, record)
    if found["parsed"].get("all") in ("pass", "neutral"):
        return Finding(
            WARNING,
            "The SPF record lets anybody send in this name: end it with -all or ~all.",
            record,
        )
    return Finding(GOOD, "SPF says who may send in this name.", record)


def _dmarc(domain: str, resolver: Resolver) -> Finding:
    _texts(f"_dmarc.{domain}", resolver)
    from checkdmarc.dmarc import check_dmarc

    found = _fresh(check_dmarc, domain, resolver)
    record = str(found.get("record") or "")
    if not record and "does not exist" in str(found.get("error", "")):
        return Finding(
            BAD,
            f"{domain} has no DMARC record, which large providers ask for: publish the"
            f' TXT record "v=DMARC1; p=none; rua=mailto:you@{domain}" at'
            f" _dmarc.{domain}.",
        )
    if not found.get("valid"):
        return _invalid("DMARC", found, record)
    policy = str(found["tags"]["p"]["value"])
    if policy == "none":
        return Finding(
            GOOD,
            "DMARC is there; its policy none only watches, which is enough to begin.",
            record,
        )
    return Finding(GOOD, f"DMARC is there; forged mail meets {policy}.", record)


def _dkim(account: Account, resolver: Resolver) -> Finding:
    if not account.dkim_selector:
        return Finding(
            UNKNOWN,
            "No selector is known: type the one under which your server or provider"
            " signs, and its key is looked up.",
        )
    name = record_name(account)
    texts = [text for text in _texts(name, resolver) if "p=" in text]
    if not texts:
        return Finding(
            BAD, f"There is no DKIM key at {name}: publish the record shown below there."
            if account.dkim_key_sealed
            else f"There is no DKIM key at {name}: publish the one that your server or"
            " provider gives you, or correct the selector.",
        )  # fmt: skip
    record = texts[0]
    if len(texts) > 1:
        return Finding(
            BAD, f"There are {len(texts)} keys at {name}: leave one.", record
        )
    return _judge_key(account, name, record)


def _judge_key(account: Account, name: str, record: str) -> Finding:
    published = _tag(record, "p")
    if not published:
        return Finding(
            BAD, f"The key at {name} was taken back: publish a new one.", record
        )
    if account.dkim_key_sealed:
        ours = _tag(public_record(account.dkim_key), "p")
        if published != ours:
            return Finding(
                BAD,
                f"The key at {name} is not the one that signs here: publish the record"
                " shown below instead.",
                record,
            )
    if _tag(record, "k") in ("", "rsa") and _size(published) < 200:
        return Finding(
            WARNING,
            f"The key at {name} has less than 2048 bits: exchange it for a longer one.",
            record,
        )
    return Finding(GOOD, f"The key at {name} is published.", record)


def _tag(record: str, name: str) -> str:
    for part in record.split(";"):
        key, _, value = part.partition("=")
        if key.strip() == name:
            return "".join(value.split())
    return ""


def _size(published: str) -> int:
    try:
        return len(base64.b64decode(published))
    except ValueError:
        return 0


def _invalid(kind: str, found: dict[str, Any], record: str) -> Finding:
    told = " ".join(str(found.get("error", "")).split()).rstrip(".")[:300]
    if "timed out" in told.lower() or "nameservers failed" in told.lower():
        raise CouldNotAsk(_could_not_ask(told))
    return Finding(
        BAD, f"The {kind} record can't be used ({told}): correct it.", record
    )


def _fresh(check: Any, domain: str, resolver: Resolver) -> dict[str, Any]:
    from checkdmarc.utils import DNS_CACHE

    # A person who has corrected a record presses the button to see it.
    DNS_CACHE.clear()
    found: dict[str, Any] = check(
        domain, resolver=resolver, timeout=resolver.lifetime, retries=0
    )
    return found


def _texts(name: str, resolver: Resolver) -> list[str]:
    """Give the TXT records of a name; none when there are none. Raises CouldNotAsk."""
    import dns.exception
    import dns.resolver

    try:
        answer = resolver.resolve(name, "TXT", lifetime=resolver.lifetime)
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return []
    except (dns.exception.DNSException, OSError) as error:
        raise CouldNotAsk(_could_not_ask(type(error).__name__)) from None
    return [b"".join(row.strings).decode("utf-8", "replace") for row in answer]


def _could_not_ask(why: str) -> str:
    return (
        f"The name server could not be asked ({why}): see that this machine has one,"
        " then check again."
    )


def _own_resolver() -> Resolver:
    import dns.resolver

    try:
        resolver = dns.resolver.Resolver()
    except (dns.resolver.NoResolverConfiguration, OSError) as error:
        raise CouldNotAsk(_could_not_ask(type(error).__name__)) from None
    resolver.lifetime = LIFETIME
    return resolver
