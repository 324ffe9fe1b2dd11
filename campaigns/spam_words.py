"""Words that filters and readers know from spam: a short list with its sources. Pure.

Kept to phrases that have next to no place in an honest mail to a business. After the
rules of SpamAssassin 4 for phrases and advance fees (20_phrases.cf, 20_advance_fee.cf)
and the FTC's advice on deceptive mail (consumer.ftc.gov, "How to recognize phishing").
Single words such as "free" are left out: they say nothing about a mail by themselves.
"""

from __future__ import annotations

import re

PHRASES = (
    "100% free",
    "act now",
    "additional income",
    "as seen on",
    "be your own boss",
    "cash bonus",
    "click below",
    "click here now",
    "congratulations, you",
    "double your",
    "earn extra cash",
    "eliminate debt",
    "extra income",
    "financial freedom",
    "for instant access",
    "free money",
    "get paid",
    "guaranteed income",
    "increase your sales",
    "limited time only",
    "lowest price",
    "make money",
    "million dollars",
    "money back guarantee",
    "no catch",
    "no cost, no obligation",
    "no hidden fees",
    "no obligation",
    "no risk",
    "not spam",
    "once in a lifetime",
    "order now",
    "risk free",
    "risk-free",
    "satisfaction guaranteed",
    "this isn't spam",
    "urgent response",
    "verify your account",
    "while supplies last",
    "why pay more",
    "work from home",
    "you have been selected",
    "you're a winner",
)
_ANY = re.compile(
    r"(?<!\w)(?:" + "|".join(map(re.escape, PHRASES)) + r")(?!\w)", re.IGNORECASE
)
_MONEY = re.compile(r"\${3,}|!{3,}")


def found_spam_words(text: str) -> list[str]:
    """Give the phrases that stand in a text, in lower case, each once."""
    plain = " ".join(text.replace("\u2019", "'").split())
    found = [match[0].lower() for match in _ANY.finditer(plain)]
    found += [match[0] for match in _MONEY.finditer(plain)]
    return list(dict.fromkeys(found))
