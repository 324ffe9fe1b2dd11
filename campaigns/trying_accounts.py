"""Test an account: connect, log in, and say in one sentence what is wrong."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from campaigns import smtp
from campaigns.fates import AccountTrouble, Fate, Outcome
from campaigns.models import Account
from campaigns.servers import Timeouts
from campaigns.transports import server_of
from fliptech_site.errors import PermanentError

#: Somebody is waiting for the answer.
_PATIENCE = Timeouts(connect=5.0, command=10.0, content=10.0, total=20.0)
_SECONDS = 10.0


class Verdict(NamedTuple):
    """Whether a mail would get through to the server, and the sentence about it."""

    is_fine: bool
    sentence: str


def try_account(account: Account) -> Verdict:
    """Do all that a mail needs, but sending one; takes at most 20 seconds.

    Works for accounts that are switched off and for rows that aren't saved.
    """
    try:
        outcome = _probe(account)
    except AccountTrouble as trouble:
        return Verdict(False, str(trouble))
    except PermanentError as error:
        return Verdict(False, f"The account {account}: {error}")
    is_fine = outcome.fate is Fate.ACCEPTED
    if is_fine and not account.is_enabled:
        return Verdict(True, f"{outcome.detail} The account is switched off.")
    return Verdict(is_fine, outcome.detail)


def _probe(account: Account) -> Outcome:
    if account.kind == Account.Kind.SMTP:
        return smtp.probe(replace(server_of(account), timeouts=_PATIENCE))
    # Where it is needed: who sends by SMTP needs no HTTP client.
    from campaigns.providers.delivering import provider_of
    from campaigns.providers.probing import probe

    return probe(replace(provider_of(account), seconds=_SECONDS))
