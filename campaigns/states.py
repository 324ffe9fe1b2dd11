"""The states of campaigns and e-mails, and the moves between them.

An e-mail:

    waiting ──► sending ──► sent
       │         ▲  ├─────► failed ──► waiting   (a person says: try again)
       │         │  ├─────► in_doubt ──► sent | failed   (settled by evidence)
       ▼         │  ▼
    skipped ◄── deferred ──► failed              (given up)

Both tables are enforced by triggers in the database (migration `first_tables`);
a test compares them.
"""

from __future__ import annotations

from django.db.models import TextChoices


class EmailState(TextChoices):
    """Where one message to one recipient is in its life."""

    #: To be sent; no attempt has been made.
    WAITING = "waiting", "waiting"
    #: Claimed: one SMTP attempt is under way, or its worker died.
    SENDING = "sending", "sending"
    #: The server answered the final dot with 2xx, or evidence said so later.
    SENT = "sent", "sent"
    #: Not delivered for certain, and will be tried again.
    DEFERRED = "deferred", "deferred"
    #: Not delivered for certain, and not tried again by itself.
    FAILED = "failed", "failed"
    #: Nobody knows: the connection or the worker died after DATA began (RFC 1047).
    IN_DOUBT = "in_doubt", "in doubt"
    #: Not to be sent; the reason says why.
    SKIPPED = "skipped", "skipped"


#: Every move of an e-mail that is allowed; the database refuses anything else.
EMAIL_TRANSITIONS: dict[EmailState, frozenset[EmailState]] = {
    EmailState.WAITING: frozenset({EmailState.SENDING, EmailState.SKIPPED}),
    EmailState.DEFERRED: frozenset(
        {EmailState.SENDING, EmailState.SKIPPED, EmailState.FAILED}
    ),
    EmailState.SENDING: frozenset(
        {
            EmailState.SENT,
            EmailState.DEFERRED,
            EmailState.FAILED,
            EmailState.IN_DOUBT,
        }
    ),
    EmailState.IN_DOUBT: frozenset({EmailState.SENT, EmailState.FAILED}),
    EmailState.FAILED: frozenset({EmailState.WAITING}),
    EmailState.SENT: frozenset(),
    EmailState.SKIPPED: frozenset(),
}

#: Mails that a campaign still has to deal with.
OPEN = (EmailState.WAITING, EmailState.SENDING, EmailState.DEFERRED)
#: Mails from which an attempt may start.
SENDABLE = (EmailState.WAITING, EmailState.DEFERRED)
#: Mails that reached their recipient, as far as anyone will ever know.
ARRIVED = (EmailState.SENT, EmailState.IN_DOUBT)
#: Mails that have reached their recipient, or may have.
REACHED = (EmailState.SENDING, EmailState.SENT, EmailState.IN_DOUBT)


class CampaignState(TextChoices):
    """Where a campaign is in its life."""

    DRAFT = "draft", "draft"
    #: Will be launched at `scheduled_at`.
    SCHEDULED = "scheduled", "scheduled"
    #: Its time passed while nothing ran here: a person says whether it is still wanted.
    OVERDUE = "overdue", "overdue"
    #: Its audience is being frozen; nothing is sent yet.
    LAUNCHING = "launching", "launching"
    RUNNING = "running", "running"
    #: Sends nothing until it is resumed.
    PAUSED = "paused", "paused"
    #: No mail is open any more; a new launch may add new leads.
    FINISHED = "finished", "finished"
    #: Stopped for good.
    CANCELLED = "cancelled", "cancelled"


#: Every move of a campaign that is allowed; the database refuses anything else.
CAMPAIGN_TRANSITIONS: dict[CampaignState, frozenset[CampaignState]] = {
    CampaignState.DRAFT: frozenset(
        {CampaignState.SCHEDULED, CampaignState.LAUNCHING, CampaignState.CANCELLED}
    ),
    CampaignState.SCHEDULED: frozenset(
        {
            CampaignState.DRAFT,
            CampaignState.OVERDUE,
            CampaignState.LAUNCHING,
            CampaignState.CANCELLED,
        }
    ),
    CampaignState.OVERDUE: frozenset(
        {CampaignState.DRAFT, CampaignState.LAUNCHING, CampaignState.CANCELLED}
    ),
    CampaignState.LAUNCHING: frozenset(
        {CampaignState.RUNNING, CampaignState.PAUSED, CampaignState.CANCELLED}
    ),
    CampaignState.RUNNING: frozenset(
        {CampaignState.PAUSED, CampaignState.FINISHED, CampaignState.CANCELLED}
    ),
    CampaignState.PAUSED: frozenset(
        {CampaignState.RUNNING, CampaignState.LAUNCHING, CampaignState.CANCELLED}
    ),
    CampaignState.FINISHED: frozenset({CampaignState.LAUNCHING}),
    CampaignState.CANCELLED: frozenset(),
}


class ConsentRule(TextChoices):
    """Whose consent a campaign asks for."""

    WHERE_LAW_ASKS = "where_asked", "where the law asks for it"
    ALWAYS = "always", "everybody's"
    #: The owner answers for it, with a legal reason that we don't know of.
    NEVER = "never", "nobody's"


class SplitMetric(TextChoices):
    """By what the variants of a step are compared."""

    REPLY = "reply", "replies"
    CLICK = "click", "clicks"
    DEMO_VIEW = "demo_view", "views of the demo"
    #: What did not bounce: tells accounts apart, hardly ever words.
    NO_BOUNCE = "no_bounce", "mails that did not bounce"


class SkipReason(TextChoices):
    """Why a lead gets no mail from a campaign."""

    BELOW_THRESHOLD = "below_threshold", "score below the threshold"
    NO_ADDRESS = "no_address", "no e-mail address known"
    INVALID_ADDRESS = "invalid_address", "the e-mail address is not valid"
    SUPPRESSED = "suppressed", "asked not to be written to"
    NO_DEMO = "no_demo", "no published demo site"
    NO_CONSENT = "no_consent", "needs a consent that is not on file"
    ALREADY_MAILED = "already_mailed", "already written to"
    CAMPAIGN_CANCELLED = "campaign_cancelled", "the campaign was cancelled"
    REPLIED = "replied", "answered an earlier mail"
    CONDITION = "condition", "the step's condition did not hold"
    STOPPED = "stopped", "the sequence had ended"


class StopReason(TextChoices):
    """Why a recipient gets no further step of a campaign."""

    REPLIED = "replied", "replied"
    BOUNCED = "bounced", "the address does not work"
    COMPLAINED = "complained", "complained"
    UNSUBSCRIBED = "unsubscribed", "asked not to be written to"
    BY_HAND = "by_hand", "stopped by a person"


def sources_of(target: EmailState) -> list[EmailState]:
    """Give the states from which an e-mail may move to `target`."""
    return [state for state, targets in EMAIL_TRANSITIONS.items() if target in targets]


def campaign_sources_of(target: CampaignState) -> list[CampaignState]:
    """Give the states from which a campaign may move to `target`."""
    return [
        state for state, targets in CAMPAIGN_TRANSITIONS.items() if target in targets
    ]
