"""Actors of the family `campaign`: launch, batches, pause, figures.

Each imports its room when it first runs: an idle worker holds none of their parts.
"""

from __future__ import annotations

from typing import Any

from tasks.declaring import actor


@actor(queue="default", time_limit_minutes=15)
def launch_campaign_async(campaign_id: int) -> dict[str, Any]:
    """Freeze a campaign's audience and set its sending going."""
    from campaigns import launching

    return launching.launch(campaign_id)


@actor(queue="default", time_limit_minutes=15)
def send_campaign_emails(campaign_id: int) -> dict[str, int]:
    """Enqueue all waiting e-mails of a campaign, in batches."""
    from campaigns import batches

    return batches.send_all(campaign_id)


@actor(queue="default", time_limit_minutes=15)
def process_campaign_batch(campaign_id: int, email_ids: list[int]) -> dict[str, Any]:
    """Give each e-mail of one batch its task, at the account's pace."""
    from campaigns import batches

    return {"campaign_id": campaign_id, **batches.plan(email_ids)}


@actor(queue="default", time_limit_minutes=15)
def pause_campaign_async(campaign_id: int, reason: str = "") -> dict[str, Any]:
    """Hold back every e-mail of a campaign that has not been claimed."""
    from campaigns import launching

    launching.pause(campaign_id, reason=reason)
    return {"campaign_id": campaign_id, "state": "paused"}


@actor(queue="default", time_limit_minutes=15)
def resume_campaign_async(campaign_id: int) -> dict[str, Any]:
    """Go on with a paused campaign."""
    from campaigns import launching

    launching.resume(campaign_id)
    return {"campaign_id": campaign_id, "state": "running"}


@actor(queue="default", time_limit_minutes=15, periodic="* * * * *")
def process_scheduled_campaigns() -> dict[str, int]:
    """Launch the campaigns whose time has come, and plan the follow-ups that are due."""
    from campaigns import scheduling, sequences

    return {**scheduling.launch_due(), **sequences.plan_follow_ups()}


@actor(queue="default", time_limit_minutes=15)
def choose_campaign_winner(campaign_id: int) -> dict[str, Any]:
    """Settle the split tests of a campaign that are decided."""
    from campaigns import split_tests

    return split_tests.choose_winners(campaign_id)


@actor(queue="default", time_limit_minutes=15, periodic="*/5 * * * *")
def update_campaign_metrics() -> dict[str, int]:
    """Bring the figures of recent campaigns up to date, and look at split tests."""
    from campaigns import measuring, split_tests

    asked = split_tests.enqueue_open_tests()
    return {**measuring.update_figures(), "split_tests": asked}


@actor(queue="default", time_limit_minutes=15, periodic="0 1 * * *")
def generate_daily_analytics() -> dict[str, int]:
    """Write the figures of the whole days that changed, and send yesterday's by mail."""
    from campaigns import daily_report

    return daily_report.write_and_send()


@actor(queue="default", time_limit_minutes=15, periodic="*/5 * * * *")
def read_mailboxes() -> dict[str, int]:
    """Let each mailbox that is switched on be read."""
    from campaigns.receiving import reading

    return reading.request_reading()


@actor(queue="default", time_limit_minutes=15)
def read_mailbox(mailbox_id: int) -> dict[str, Any]:
    """Read one mailbox over IMAP and act on what came."""
    from campaigns.receiving import reading

    return reading.read_mailbox(mailbox_id)


@actor(queue="default", time_limit_minutes=15, periodic="7-59/15 * * * *")
def settle_doubtful_emails() -> dict[str, int]:
    """Look for evidence about mails in doubt; none is ever sent again by itself."""
    from campaigns.receiving import settling

    return settling.settle_doubtful()


@actor(queue="default", time_limit_minutes=15, periodic="30 4 * * *")
def check_sender_domains() -> dict[str, int]:
    """Let the domain of each account that is switched on be checked."""
    from campaigns import domain_checks

    return domain_checks.request_checks()


@actor(queue="default", time_limit_minutes=15, max_attempts=2)
def check_sender_domain(account_id: int) -> dict[str, str]:
    """Ask the name server about SPF, DKIM and DMARC of one account's domain."""
    from campaigns import domain_checks

    return domain_checks.states(domain_checks.check_domain(account_id))


@actor(queue="default", time_limit_minutes=15, periodic="15 4 * * *")
def clear_old_messages() -> dict[str, int]:
    """Empty messages that came in long ago."""
    from campaigns.receiving import clearing

    return clearing.clear_old_messages()
