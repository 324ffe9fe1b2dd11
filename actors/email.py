"""Actors of the family `email`: one mail, many mails, another try.

Each imports its room when it first runs: an idle worker holds none of their parts.
"""

from __future__ import annotations

from typing import Any

from tasks.declaring import actor


@actor(queue="email", time_limit_minutes=2, base_seconds=10.0)
def send_single_email(email_id: int) -> dict[str, Any]:
    """Send one e-mail that a person wrote to one lead."""
    from campaigns.sending import send_email

    return send_email(email_id)


@actor(queue="email", time_limit_minutes=2)
def send_batch_emails(email_ids: list[int]) -> dict[str, Any]:
    """Plan at most 50 e-mails of one account, at the rate that it allows."""
    from campaigns.batches import plan

    return plan(email_ids)


@actor(queue="email", time_limit_minutes=2, base_seconds=10.0)
def send_campaign_email(email_id: int) -> dict[str, Any]:
    """Send one campaign e-mail, with tracking."""
    from campaigns.sending import send_email

    return send_email(email_id)


@actor(queue="email", time_limit_minutes=2, base_seconds=10.0)
def send_campaign_emails_together(email_ids: list[int]) -> dict[str, int]:
    """Send some campaign e-mails of one account over one connection, with tracking."""
    from campaigns.sending import send_together

    return send_together(email_ids)


@actor(queue="email", time_limit_minutes=2, periodic="*/15 * * * *")
def retry_failed_emails() -> dict[str, int]:
    """Try again what may be tried again, and settle what got stuck."""
    from campaigns.retrying import retry_failed

    return retry_failed()


@actor(queue="email", time_limit_minutes=2, max_attempts=2)
def send_test_email(
    campaign_id: int,
    address: str,
    test_mode: bool = True,
    lead_id: int | None = None,
) -> dict[str, Any]:
    """Send a campaign's mail to oneself; with `test_mode` to the local mail sink."""
    from campaigns.writing import send_test

    return send_test(campaign_id, address, test_mode=test_mode, lead_id=lead_id)
