"""A campaign with very many recipients: what its pages cost."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping

import django
from django.core.management import call_command
from django.db import connection, models

django.setup()

from campaigns import counting, figures, metrics  # noqa: E402
from campaigns.models import (  # noqa: E402
    Account,
    Campaign,
    Email,
    Evidence,
    Recipient,
    Step,
    Template,
    TrackingEvent,
)
from leads.models import Lead  # noqa: E402
from tests.bench.filling import insert_from  # noqa: E402
from tests.bench.pages import Site  # noqa: E402

#: Of 100 mails: 60 sent, 36 waiting, 2 skipped, 1 failed; of 10,000 one in doubt.
_STATE = (
    "CASE WHEN n % 10000 = 0 THEN 'in_doubt' WHEN n % 100 < 60 THEN 'sent'"
    " WHEN n % 100 < 62 THEN 'skipped' WHEN n % 100 = 62 THEN 'failed' ELSE 'waiting' END"
)
_HAS_GONE = "n % 10000 = 0 OR n % 100 < 60"
_WENT_AT = (
    f"CASE WHEN {_HAS_GONE} THEN now() - make_interval(secs => n::float8 * 5 + 60) END"
)
#: A third of all write to one of the big providers, the others to domains of their own.
_ADDRESS = (
    "'owner' || n || '@' || CASE WHEN n % 3 = 0 THEN (ARRAY['gmail.com','outlook.com',"
    "'yahoo.com'])[1 + n / 3 % 3] ELSE 'bakery' || n / 4 || '.example' END"
)
#: Every 20th lead of the campaign is left out.
_IS_SKIPPED = "n % 20 = 19"


class Driver:
    """Ours."""

    def __init__(self) -> None:
        call_command("migrate", verbosity=0)

    def fill(self, count: int) -> dict[str, float]:
        """Make a campaign of `count` recipients; return the seconds that parts took."""
        campaign = _campaign()
        numbers = f"(SELECT n FROM generate_series(1, {count}) AS n) AS row"
        lead = {"name": "'Bakery ' || n", "email": _ADDRESS, "score": "n % 101"}
        recipient = {
            "campaign_id": str(campaign.pk),
            "lead_id": "lead.id",
            "address": "lead.email",
            "state": f"CASE WHEN {_IS_SKIPPED} THEN 'skipped' ELSE 'included' END",
            "reason": f"CASE WHEN {_IS_SKIPPED} THEN 'no_demo' ELSE '' END",
        }
        email = {
            "campaign_id": str(campaign.pk),
            "recipient_id": "recipient.id",
            "lead_id": "recipient.lead_id",
            "account_id": str(campaign.account_id),
            "template_id": str(campaign.template.pk),
            "address": "recipient.address",
            "state": _STATE,
            "reason": f"CASE WHEN {_STATE} = 'skipped' THEN 'suppressed' ELSE '' END",
            "message_id": f"CASE WHEN {_HAS_GONE} THEN '<' || n || '@bench.example>' END",
            "claimed_at": _WENT_AT,
            "data_started_at": _WENT_AT,
            "sent_at": _WENT_AT,
        }
        took = {
            "leads": _insert(Lead, lead, numbers),
            "recipients": _insert(
                Recipient,
                recipient,
                "(SELECT row_number() OVER (ORDER BY id) AS n, id, email FROM leads_lead)"
                " AS lead",
            ),
            "mails": _insert(
                Email,
                email,
                "(SELECT row_number() OVER (ORDER BY id) AS n, * FROM campaigns_recipient"
                " WHERE state = 'included') AS recipient",
            ),
            "events": _react(),
            "evidence": _doubt(),
        }
        began = time.perf_counter()
        counting.fold()
        took["fold"] = time.perf_counter() - began
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
        return took

    def read(self, calls: int) -> dict[str, float]:
        """Measure the pages over HTTP and what is kept; medians in milliseconds."""
        campaign = Campaign.objects.get()
        path = f"/admin/campaigns/campaign/{campaign.pk}"
        email = Email.objects.filter(state="waiting").order_by("pk")[500]
        listed = f"?campaign__id__exact={campaign.pk}"
        with Site() as site:
            pages = {
                "campaign": f"{path}/change/",
                "campaign, by day": f"{path}/change/?by=day",
                "its live part": f"{path}/live/",
                "why not sent, an address": f"{path}/why/?who={email.address}",
                "why not sent, a beginning": f"{path}/why/?who=owner12",
                "campaigns": "/admin/campaigns/campaign/",
                "recipients": "/admin/campaigns/recipient/",
                "recipients of the campaign": f"/admin/campaigns/recipient/{listed}",
                "recipients skipped": f"/admin/campaigns/recipient/{listed}"
                "&state__exact=skipped",
                "recipients by address": f"/admin/campaigns/recipient/?q={email.address}",
                "mails": "/admin/campaigns/email/",
                "mails of the campaign": f"/admin/campaigns/email/{listed}",
                "mails in doubt": f"/admin/campaigns/email/{listed}"
                "&state__exact=in_doubt",
                "mails failed": f"/admin/campaigns/email/{listed}&state__exact=failed",
                "mails, further back": f"/admin/campaigns/email/{listed}&before={email.pk}",
                "mails by address": f"/admin/campaigns/email/?q={email.address}",
                "first page of admin": "/admin/",
            }
            measured = {
                name: _median(site.page(address), calls)
                for name, address in pages.items()
            }
        measured["metrics"] = _median(lambda: list(metrics.collect()), calls)
        measured["figures"] = _median(lambda: list(figures.figures()), calls)
        return measured


def _campaign() -> Campaign:
    account = Account.objects.create(
        name="bench",
        from_name="Ada",
        from_address="ada@bench.example",
        postal_address="1 Main Street",
        smtp_host="127.0.0.1",
        daily_cap=50,
    )
    template = Template.objects.create(name="bench", subject="Hello", body_html="Hi")
    campaign = Campaign.objects.create(
        name="A million", account=account, state="running"
    )
    Step.objects.create(campaign=campaign, template=template)
    return campaign


def _react() -> float:
    """Let every fourth mail be opened and every 20th be clicked."""
    seconds = 0.0
    for kind, every in (("open", 4), ("click", 20)):
        event = {
            "email_id": "mail.id",
            "kind": f"'{kind}'",
            "created_at": "mail.sent_at + interval '1 hour'",
        }
        seconds += _insert(
            TrackingEvent,
            event,
            f"(SELECT * FROM campaigns_email WHERE state = 'sent' AND id % {every} = 0)"
            " AS mail",
        )
    return seconds


def _doubt() -> float:
    row = {
        "email_id": "mail.id",
        "kind": "'sent_folder'",
        "detail": "'It does not lie among the sent mail.'",
        "happened_at": "now()",
    }
    source = "(SELECT id FROM campaigns_email WHERE state = 'in_doubt') AS mail"
    return _insert(Evidence, row, source)


def _insert(model: type[models.Model], row: Mapping[str, str], source: str) -> float:
    # Django sets these when it saves, not as a default.
    times = {
        field.attname: "now()"
        for field in model._meta.concrete_fields
        if getattr(field, "auto_now", False) or getattr(field, "auto_now_add", False)
    }
    began = time.perf_counter()
    with connection.cursor() as cursor:
        cursor.execute(*insert_from(model, times | dict(row), source))
    return time.perf_counter() - began


def _median(call: Callable[[], object], calls: int) -> float:
    call()
    return statistics.median(_milliseconds(call) for _ in range(calls))


def _milliseconds(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return (time.perf_counter() - began) * 1000
