"""Which of a campaign's accounts writes to whom.

A person stays with the account that wrote to them first, as long as it takes turns here;
everybody else goes to the account that is furthest behind its share, so that shares are
exact for twenty recipients as well as for a hundred thousand.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from django.db.models import Count

from campaigns.models import Account, Campaign, CampaignAccount, Email
from campaigns.states import REACHED
from fliptech_site.errors import InvalidInput


class Seat(NamedTuple):
    """An account that takes turns."""

    account_id: int
    #: Its share among the weights of all.
    weight: int
    #: Recipients that it has already.
    taken: int = 0


class Rota:
    """Assigns recipients to accounts, and remembers how many each has."""

    def __init__(self, seats: Sequence[Seat]) -> None:
        if not seats:
            raise ValueError("A rota needs an account.")
        self._weights = {seat.account_id: seat.weight for seat in seats}
        self._taken = {seat.account_id: seat.taken for seat in seats}

    @property
    def account_ids(self) -> list[int]:
        """The accounts that take turns."""
        return list(self._weights)

    def assign(
        self, addresses: Iterable[str], earlier: Mapping[str, int]
    ) -> dict[str, int]:
        """Give each address its account's id.

        `earlier` holds the account that wrote to an address first. Pure but for the
        counts: the same calls give the same answers.
        """
        assigned: dict[str, int] = {}
        for address in addresses:
            account_id = earlier.get(address, 0)
            if account_id not in self._weights:
                account_id = min(self._weights, key=self._lag)
            self._taken[account_id] += 1
            assigned[address] = account_id
        return assigned

    def _lag(self, account_id: int) -> float:
        # Webster's method: no account is favoured for being small or large.
        return (self._taken[account_id] + 0.5) / self._weights[account_id]


def rota_of(campaign: Campaign) -> Rota:
    """Give the rota of a campaign, with what its accounts have by now.

    Accounts that are switched off are left out. Raises InvalidInput when all are.
    """
    weights = _weights(campaign)
    counted = (
        Email.objects.filter(campaign=campaign, step=1, account__in=list(weights))
        .order_by()
        .values_list("account_id")
        .annotate(count=Count("id"))
    )
    taken = dict(counted) if len(weights) > 1 else {}
    return Rota([Seat(pk, weight, taken.get(pk, 0)) for pk, weight in weights.items()])


def accounts_for(rota: Rota, addresses: Sequence[str]) -> dict[str, int]:
    """Assign a chunk of addresses; one query for all of them, none for one account."""
    if len(rota.account_ids) == 1:
        return rota.assign(addresses, {})
    first = (
        Email.objects.filter(
            address__in=addresses,
            account__in=rota.account_ids,
            kind__in=[Email.Kind.CAMPAIGN, Email.Kind.SINGLE],
            state__in=REACHED,
        )
        .order_by("address", "claimed_at")
        .distinct("address")
        .values_list("address", "account_id")
    )
    return rota.assign(addresses, dict(first))


def accounts_of(campaign: Campaign) -> list[Account]:
    """Give the accounts through which a campaign writes; at least one.

    Raises InvalidInput when all that take turns are switched off.
    """
    found = Account.objects.in_bulk(list(_weights(campaign)))
    return list(found.values())


def _weights(campaign: Campaign) -> dict[int, int]:
    rows = list(
        CampaignAccount.objects.filter(campaign=campaign)
        .order_by("id")
        .values_list("account_id", "weight", "account__is_enabled")
    )
    if not rows:
        return {campaign.account_id: 1}
    weights = {pk: weight for pk, weight, is_enabled in rows if is_enabled}
    if not weights:
        raise InvalidInput(
            f"All accounts that take turns in {campaign.name!r} are switched off: switch"
            " one on."
        )
    return weights
