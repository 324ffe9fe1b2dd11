"""On what a follow-up depends. Pure: what a recipient did, in; yes or no, out."""

from __future__ import annotations

from typing import NamedTuple

from django.db.models import TextChoices


class Condition(TextChoices):
    """What must be true of a recipient for a step to be sent."""

    #: Says nothing more than the law that a reply ends the sequence.
    NO_REPLY = "no_reply", "no reply so far"
    OPENED = "opened", "opened a mail"
    NOT_OPENED = "not_opened", "opened none"
    CLICKED = "clicked", "clicked a link"
    NOT_CLICKED = "not_clicked", "clicked none"
    DEMO_WATCHED = "demo_watched", "looked at the demo"
    DEMO_NOT_WATCHED = "demo_not_watched", "did not look at the demo"


class Behaviour(NamedTuple):
    """What a recipient did since the campaign first wrote to it; machines left out."""

    opened: bool = False
    clicked: bool = False
    demo_watched: bool = False


def holds(condition: Condition, behaviour: Behaviour) -> bool:
    """Say whether a step with this condition is to be sent.

    A click proves that the mail was opened, also where pictures were never loaded.
    """
    opened = behaviour.opened or behaviour.clicked
    return {
        Condition.NO_REPLY: True,
        Condition.OPENED: opened,
        Condition.NOT_OPENED: not opened,
        Condition.CLICKED: behaviour.clicked,
        Condition.NOT_CLICKED: not behaviour.clicked,
        Condition.DEMO_WATCHED: behaviour.demo_watched,
        Condition.DEMO_NOT_WATCHED: not behaviour.demo_watched,
    }[condition]


_SENTENCES = {
    Condition.OPENED: "Only for those who opened a mail; this one had opened none.",
    Condition.NOT_OPENED: "Only for those who opened no mail; this one had opened one.",
    Condition.CLICKED: "Only for those who clicked a link; this one had clicked none.",
    Condition.NOT_CLICKED: (
        "Only for those who clicked no link; this one had clicked one."
    ),
    Condition.DEMO_WATCHED: (
        "Only for those who looked at their demo site; this one had not."
    ),
    Condition.DEMO_NOT_WATCHED: (
        "Only for those who did not look at their demo site; this one had."
    ),
}


def why_passed_over(condition: Condition) -> str:
    """Say in one sentence why a step was passed over."""
    return _SENTENCES[condition]
