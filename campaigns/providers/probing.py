"""Ask a provider's web service whether it knows an account, without sending anything."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import urljoin

import requests
import urllib3

from campaigns.fates import Ended, Fate, Outcome
from campaigns.providers.asking import Session
from campaigns.providers.backends import Provider, backend_of, ses_account
from campaigns.providers.judging import judge, parse
from fliptech_site.addresses import AddressRefused
from fliptech_site.connecting import Watchdog


class _Question(NamedTuple):
    """What tells whether a key is known, at little cost; nothing is changed by it."""

    path: str
    headers: dict[str, str] = {}
    auth: tuple[str, str] | None = None
    method: str = "GET"
    json: dict[str, str] | None = None


def _bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


_QUESTIONS: dict[str, Callable[[Provider], _Question]] = {
    "brevo": lambda p: _Question("account", {"api-key": p.key}),
    "mailersend": lambda p: _Question("api-quota", _bearer(p.key)),
    "mailgun": lambda p: _Question(f"domains/{p.domain}", auth=("api", p.key)),
    "mailjet": lambda p: _Question("/v3/REST/sender", auth=(p.key, p.secret)),
    "mandrill": lambda p: _Question(
        "users/ping2.json", method="POST", json={"key": p.key}
    ),
    "postmark": lambda p: _Question("server", {"X-Postmark-Server-Token": p.key}),
    "resend": lambda p: _Question("domains", _bearer(p.key)),
    "sendgrid": lambda p: _Question("scopes", _bearer(p.key)),
    "sparkpost": lambda p: _Question("account", {"Authorization": p.key}),
}


def probe(provider: Provider) -> Outcome:
    """Ask once, and say what a mail would meet; network errors don't raise."""
    from django.core.exceptions import ImproperlyConfigured

    session = Session(
        loopback_only=provider.loopback_only,
        seconds=provider.seconds,
        before_request=lambda: None,
    )
    try:
        with Watchdog(provider.seconds * 2), session:
            return _ask(provider, session)
    except Ended as ended:
        return ended.outcome
    except AddressRefused as error:
        return Outcome(Fate.ACCOUNT_TROUBLE, str(error))
    except ImproperlyConfigured:
        return Outcome(
            Fate.ACCOUNT_TROUBLE,
            f"The account lacks something that {provider.name} needs: give it its keys"
            " and its API address.",
        )
    except (requests.RequestException, urllib3.exceptions.HTTPError, OSError):
        return Outcome(
            Fate.TRY_LATER,
            f"{provider.name} could not be reached: check the network and the API"
            " address.",
        )


def _ask(provider: Provider, session: Session) -> Outcome:
    if provider.kind == "amazon_ses":
        return _ask_amazon(provider, session)
    base: str = backend_of(provider, session).api_url
    make = _QUESTIONS.get(provider.kind)
    if make is None:
        session.request("GET", base)
        return Outcome(
            Fate.ACCEPTED,
            f"{provider.name} answers. Whether it knows the key shows with a test mail:"
            " it can't be asked without one.",
        )
    question = make(provider)
    session.request(
        question.method,
        urljoin(base if base.endswith("/") else f"{base}/", question.path),
        headers=question.headers,
        auth=question.auth,
        json=question.json,
    )
    return _read(provider, session)


def _read(provider: Provider, session: Session) -> Outcome:
    assert session.answer is not None
    status, text = session.answer
    if parse(text).get("name") == "restricted_api_key":
        return Outcome(
            Fate.ACCEPTED, f"{provider.name} knows the key, which may only send."
        )
    if 200 <= status < 300:
        return Outcome(Fate.ACCEPTED, f"{provider.name} answers and knows the key.")
    outcome = judge(provider.name, status, provider.without_keys(text))
    if outcome.fate is Fate.IN_DOUBT:
        return Outcome(
            Fate.TRY_LATER, f"{provider.name} fails (HTTP {status}): try again later."
        )
    return outcome


def _ask_amazon(provider: Provider, session: Session) -> Outcome:
    state = ses_account(provider, session)
    if state is None:
        return _read(provider, session)
    if not state.get("SendingEnabled", True):
        return Outcome(
            Fate.ACCOUNT_TROUBLE,
            "Amazon SES has switched sending off for this account: read why there.",
        )
    if not state.get("ProductionAccessEnabled", True):
        return Outcome(
            Fate.ACCOUNT_TROUBLE,
            "Amazon SES still keeps this account in its sandbox, which writes to"
            " verified addresses only: ask there for production access.",
        )
    return Outcome(Fate.ACCEPTED, "Amazon SES answers and knows the key.")
