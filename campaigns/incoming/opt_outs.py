"""Recognise an answer that says nothing but: write no more. Pure.

Only where it is the whole of the answer: "stop by on Monday" is an invitation.
"""

from __future__ import annotations

import re

from campaigns.incoming.phrases import read_phrases

#: Longer answers say more than that, and a person should read them.
_MAX_LENGTH = 120
_AROUND = re.compile(r"^[\W_]+|[\W_]+$")
_GREETING = re.compile(
    r"^(?:hi|hello|dear \w+|hallo|guten tag|bonjour|hola|ciao)\b[\s,!.]*",
    re.IGNORECASE,
)
_THANKS = re.compile(
    r"[\s,!.]*(?:thanks?|thank you|danke|merci|gracias|grazie|regards|best)[\s,!.]*$",
    re.IGNORECASE,
)
_WHOLE = re.compile(
    rf"(?:{read_phrases('opt_outs')['whole']})", re.IGNORECASE | re.UNICODE
)


def is_opt_out(text: str) -> bool:
    """Say whether the new text of an answer asks for no more mail, and for nothing else."""
    if len(text) > _MAX_LENGTH:
        return False
    words = " ".join(text.replace("’", "'").split())
    words = _THANKS.sub("", _GREETING.sub("", words))
    return bool(_WHOLE.fullmatch(_AROUND.sub("", words)))
