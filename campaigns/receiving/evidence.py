"""What is known about mails whose fate was in doubt, and what each piece settles.

Evidence is kept for mails in doubt only: the others' fate needs none.
"""

from __future__ import annotations

from datetime import datetime

from campaigns.claiming import settle_doubt
from campaigns.models import Email, Evidence
from campaigns.states import EmailState


def settle_by(
    email_id: int, kind: str, sentence: str, *, at: datetime, arrived: bool = True
) -> bool:
    """Settle a mail in doubt by a piece of evidence and keep that; False for all others.

    `sentence` begins small and ends with a full stop.
    """
    if not Email.objects.filter(pk=email_id, state=EmailState.IN_DOUBT).exists():
        return False
    if not settle_doubt(email_id, arrived=arrived, evidence=sentence):
        return False
    Evidence.objects.create(
        email_id=email_id, kind=kind, arrived=arrived, detail=sentence, happened_at=at
    )
    return True
