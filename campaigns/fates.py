"""What becomes of a mail that was given to a server or a provider."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

from fliptech_site.errors import PermanentError


class Fate(Enum):
    """What is known of the mail after the attempt."""

    #: It was taken: 2xx to the final dot, or to the provider's request.
    ACCEPTED = "accepted"
    #: Not delivered; another time may be better (4xx, network).
    TRY_LATER = "try later"
    #: Not delivered, and the server says never (5xx about recipient or content).
    REFUSED = "refused"
    #: Not delivered, and no mail of this account would be: log-in, TLS, TEST_MODE.
    ACCOUNT_TROUBLE = "account trouble"
    #: It was on its way and no clear answer came.
    IN_DOUBT = "in doubt"


class Outcome(NamedTuple):
    """A fate and the sentence that explains it."""

    fate: Fate
    detail: str
    #: What the provider calls the mail in its events; blank for SMTP.
    provider_id: str = ""


class Envelope(NamedTuple):
    """From whom, to whom, and the mail as `messages.build` gives it."""

    sender: str
    recipient: str
    content: bytes


class Ended(Exception):
    """Raised inside an attempt to end it with its outcome."""

    def __init__(self, fate: Fate, detail: str) -> None:
        super().__init__(detail)
        self.outcome = Outcome(fate, detail)


class AccountTrouble(PermanentError):
    """Raised when no mail of the account could be sent as it is."""


def refusal_of_test_mode(place: str) -> str:
    """Say why nothing is sent to a server that isn't on this machine."""
    return (
        f"TEST_MODE is on and {place} is not on this machine: send to the local mail"
        " sink, or set TEST_MODE=false to send for real."
    )
