"""One delivery through a provider's web service, with the fates that SMTP has.

What fails before the request goes out is tried again. Afterwards only the provider's
answer says what became of the mail. Where the provider takes an idempotency key the very
request is repeated at once when no clear answer came; such keys are forgotten after 15
minutes (Brevo) or a day (Resend), so no later attempt may rest on them.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from typing import NamedTuple

import requests
import urllib3
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from campaigns.fates import Ended, Envelope, Fate, Outcome
from campaigns.models import Account
from campaigns.providers.asking import Session
from campaigns.providers.backends import Provider, backend_of
from campaigns.providers.judging import judge, judge_unread, parse
from campaigns.providers.letters import message_id_of, message_of
from fliptech_site.addresses import AddressRefused
from fliptech_site.connecting import Watchdog

#: Seconds before each repetition of a request whose answer was lost.
PAUSES = (0.5, 2.0)
#: Errors by which a provider says that it has had this key before.
_HAD_BEFORE = {"duplicate_parameter", "invalid_idempotent_request"}
_IN_PROGRESS = "concurrent_idempotent_requests"
_IDEMPOTENT = {Account.Kind.RESEND, Account.Kind.BREVO}
_WITHOUT_METADATA = {Account.Kind.MAILERSEND, Account.Kind.POSTAL}
#: What anymail calls recipients whom the provider won't write to.
_REFUSALS = {"invalid", "rejected", "failed"}


def provider_of(account: Account) -> Provider:
    """Give an account's provider. Raises PermanentError when its keys can't be read."""
    return Provider(
        kind=account.kind,
        key=account.api_key,
        secret=account.api_secret,
        url=account.api_url,
        region=account.api_region,
        domain=account.domain,
        loopback_only=settings.TEST_MODE,
    )


class ProviderTransport(NamedTuple):
    """Hands mails over to a provider's web service."""

    provider: Provider

    def deliver(
        self, envelope: Envelope, *, before_data: Callable[[], None] | None
    ) -> Outcome:
        """Try once, as `deliver` does."""
        return deliver(self.provider, envelope, before_data=before_data)


def deliver(
    provider: Provider, envelope: Envelope, *, before_data: Callable[[], None] | None
) -> Outcome:
    """Try to hand over one mail, and say what became of it; network errors don't raise.

    `before_data` is called once, right before the first request goes out, to commit
    that from now on the fate may be unknown; whatever it raises ends the attempt. None
    says that this was committed before.
    """
    key = idempotency_key(message_id_of(envelope))
    is_idempotent = provider.kind in _IDEMPOTENT
    headers = {"Idempotency-Key": key} if provider.kind == Account.Kind.RESEND else {}
    session = Session(
        loopback_only=provider.loopback_only,
        seconds=provider.seconds,
        before_request=before_data or (lambda: None),
        headers=headers,
    )
    try:
        with Watchdog(provider.total_seconds) as watchdog, session:
            outcome = _ask(provider, envelope, session, key)
            for pause in PAUSES if is_idempotent else ():
                if outcome.fate is not Fate.IN_DOUBT or _had_before(session):
                    break
                if watchdog.remaining < pause + 1:
                    break
                time.sleep(pause)
                outcome = _again(
                    _ask(provider, envelope, session, key), outcome, session
                )
            return outcome
    except Ended as ended:
        return ended.outcome


def idempotency_key(message_id: str) -> str:
    """Give a mail's key: a UUID that is the same for the same Message-ID."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"mid:{message_id}"))


def _ask(provider: Provider, envelope: Envelope, session: Session, key: str) -> Outcome:
    """Make the request once."""
    from anymail.exceptions import (
        AnymailError,
        AnymailRecipientsRefused,
        AnymailUnsupportedFeature,
    )

    message = message_of(envelope)
    if provider.kind not in _WITHOUT_METADATA:
        # So an event about the mail finds it, though the answer was lost.
        message.metadata = {"message_id": message_id_of(envelope)}
    if provider.kind == Account.Kind.BREVO:
        message.extra_headers["idempotencyKey"] = key
    session.forget()
    try:
        backend_of(provider, session).send_messages([message])
    except AddressRefused as error:
        return Outcome(Fate.ACCOUNT_TROUBLE, str(error))
    except AnymailRecipientsRefused:
        return _refused_recipient(provider)
    except AnymailUnsupportedFeature as error:
        return Outcome(
            Fate.ACCOUNT_TROUBLE,
            f"{provider.name} can't send such mails ({error}): change the template or"
            " choose another account.",
        )
    except ImproperlyConfigured:
        return Outcome(
            Fate.ACCOUNT_TROUBLE,
            f"The account lacks something that {provider.name} needs: give it its keys"
            " and its API address.",
        )
    except (
        AnymailError, requests.RequestException, urllib3.exceptions.HTTPError, OSError,
        ValueError,
    ) as error:  # fmt: skip
        return _explain(provider, session, error)
    if session.answer is None or not 200 <= session.answer.status < 300:
        # Anymail takes some refusals that it can't read for successes.
        return _of_answer(provider, session)
    status = message.anymail_status
    if status.status and status.status <= _REFUSALS:
        return _refused_recipient(provider)
    provider_id = (
        str(status.message_id) if isinstance(status.message_id, str | int) else ""
    )
    return Outcome(Fate.ACCEPTED, f"{provider.name} took it.", provider_id[:200])


def _refused_recipient(provider: Provider) -> Outcome:
    return Outcome(
        Fate.REFUSED, f"{provider.name} refused the recipient, without saying why."
    )


def _explain(provider: Provider, session: Session, error: Exception) -> Outcome:
    if session.answer is not None:
        return _of_answer(provider, session)
    said = _said(provider, error)
    if session.has_begun:
        return Outcome(
            Fate.IN_DOUBT,
            f"{provider.name} gave no answer after the request went out ({said}): the"
            " mail may or may not have been taken. It is not sent again by itself;"
            " settle it when you know.",
        )
    if _is_network(error):
        return Outcome(
            Fate.TRY_LATER,
            f"{provider.name} could not be reached ({said}); it is tried again.",
        )
    return Outcome(Fate.REFUSED, f"{provider.name} can't send this mail: {said}.")


def _of_answer(provider: Provider, session: Session) -> Outcome:
    assert session.answer is not None, "no request was made"
    status, text = session.answer
    text = provider.without_keys(text)
    if 200 <= status < 300:
        return judge_unread(provider.name, text)
    code = _code(text)
    if code in _HAD_BEFORE or code == _IN_PROGRESS:
        return Outcome(
            Fate.IN_DOUBT,
            f"{provider.name} had a request with this mail's key before ({code}): it is"
            " not sent again by itself; settle it when you know.",
        )
    return judge(provider.name, status, text)


def _again(outcome: Outcome, first: Outcome, session: Session) -> Outcome:
    """Judge the answer to a repeated request, of which the first may have been done."""
    if _had_before(session):
        return Outcome(
            Fate.ACCEPTED, "Its answer was lost; asked again, it had the mail."
        )
    if outcome.fate in (Fate.TRY_LATER, Fate.ACCOUNT_TROUBLE):
        return first
    return outcome


def _had_before(session: Session) -> bool:
    return session.answer is not None and _code(session.answer.text) in _HAD_BEFORE


def _code(text: str) -> object:
    value = parse(text)
    return value.get("code") or value.get("name")


def _is_network(error: BaseException) -> bool:
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, OSError | urllib3.exceptions.HTTPError):
            return True
        seen = seen.__cause__ or seen.__context__
    return False


def _said(provider: Provider, error: Exception) -> str:
    cause = error.__cause__ or error
    if isinstance(cause, requests.Timeout):
        return "no answer in time"
    if isinstance(cause, requests.exceptions.SSLError):
        return "its certificate is not valid"
    if isinstance(cause, requests.ConnectionError):
        return "the connection broke or was refused"
    text = " ".join(provider.without_keys(str(error)).split())[:200]
    return text.rstrip(".") or type(error).__name__
