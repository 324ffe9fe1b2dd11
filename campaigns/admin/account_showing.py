"""What an account's page shows: its day, its ramp-up, its domain, its record."""

from __future__ import annotations

from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from campaigns.account_days import ramp_days, today_of
from campaigns.consenting import redirect_uri
from campaigns.dkim_signing import public_record, record_name, zone_line
from campaigns.models import Account
from fliptech_site.errors import PermanentError

#: State of a record -> its colour and how it is told in a word.
_STATES = {
    "good": ("#16a34a", "good"),
    "warning": ("#d97706", "weak"),
    "bad": ("#dc2626", "wrong"),
    "unknown": ("#6b7280", "not known"),
}
_RECORDS = ("spf", "dkim", "dmarc")


def day_card(account: Account) -> SafeString:
    """Show what went today, and whether the account works now."""
    return render_to_string(
        "admin/campaigns/account_day.html",
        {"account": account, "today": today_of(account, timezone.now())},
    )


def ramp_chart(account: Account) -> SafeString | str:
    """Show the ramp-up day by day."""
    ramp_up = account.ramp_up
    if ramp_up is None:
        return "None: the account sends as much as its daily cap allows."
    today = account.day_of(timezone.now())
    return render_to_string(
        "admin/campaigns/account_ramp_up.html",
        {
            "days": ramp_days(ramp_up, today),
            "ramp_up": ramp_up,
            "allowed": ramp_up.allowed_on(today),
            "has_begun": ramp_up.began <= today,
        },
    )


def connection_card(account: Account) -> SafeString:
    """Show whether the mailbox's owner has consented, and where the provider returns to."""
    if account.oauth_refresh_token_sealed:
        state = "Connected. Connect again when the provider refuses the grant."
    else:
        state = "Not connected yet: save this page, then press Connect above."
    return format_html(
        '<div style="display:flex;flex-direction:column;gap:4px;line-height:1.5;'
        "max-width:720px\"><span>{}</span><span>Redirect address for the provider's"
        ' console:</span><code style="overflow-wrap:anywhere">{}</code></div>',
        state,
        redirect_uri(),
    )


def domain_card(account: Account) -> SafeString:
    """Show what was found for each record, with a sentence."""
    rows = []
    for name in _RECORDS:
        found = account.domain_checks.get(name, {})
        colour, word = _STATES.get(found.get("state", ""), _STATES["unknown"])
        rows.append(
            {
                "name": name.upper(), "colour": colour, "word": word,
                "sentence": found.get("sentence", ""), "record": found.get("record", ""),
            }
        )  # fmt: skip
    return render_to_string(
        "admin/campaigns/account_domain.html", {"account": account, "rows": rows}
    )


def domain_summary(account: Account) -> SafeString:
    """Show the three records, and the first sentence that asks for something."""
    order = ("bad", "warning", "unknown")
    found = [account.domain_checks.get(name, {}) for name in _RECORDS]
    wanting = [each for each in found if each.get("state") in order]
    wanting.sort(key=lambda each: order.index(each["state"]))
    sentence = wanting[0]["sentence"] if wanting else ""
    if account.domain_checked_at is None:
        sentence = 'Not asked yet: press "Check the domain".'
    return format_html(
        '<div style="display:flex;flex-direction:column;gap:4px;line-height:1.5;'
        'max-width:720px">{}<span>{}</span></div>',
        domain_dots(account),
        sentence,
    )


def domain_dots(account: Account) -> SafeString:
    """Show the three records in a list's cell."""
    return format_html(
        '<span style="display:inline-flex;gap:10px;white-space:nowrap">{}</span>',
        format_html_join(
            "",
            '<span title="{}" style="display:inline-flex;align-items:center;gap:4px">'
            '<span style="width:8px;height:8px;border-radius:50%;background:{}"></span>{}'
            "</span>",
            (
                (found["word"], found["colour"], found["name"])
                for found in _dots(account)
            ),
        ),
    )


def _dots(account: Account) -> list[dict[str, str]]:
    found = []
    for name in _RECORDS:
        state = account.domain_checks.get(name, {}).get("state", "unknown")
        colour, word = _STATES.get(state, _STATES["unknown"])
        found.append({"name": name.upper(), "colour": colour, "word": word})
    return found


def dkim_record(account: Account) -> SafeString | str:
    """Show the record to publish, ready to be copied."""
    if not account.dkim_key_sealed:
        return "None: mails are not signed here."
    try:
        value, line = public_record(account.dkim_key), zone_line(account)
    except PermanentError as error:
        return str(error)
    return render_to_string(
        "admin/campaigns/account_record.html",
        {"name": record_name(account), "value": value, "line": line},
    )
