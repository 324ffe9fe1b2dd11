"""Tell from a business's name whether its data are a person's. Pure.

Data protection law protects people: the data of a company are not personal, those of a
sole trader are. What can't be told is treated as a person's.
"""

from __future__ import annotations

import re
from enum import StrEnum

from leads.linking.words import plain


class LegalForm(StrEnum):
    """Who stands behind a lead."""

    COMPANY = "company"
    SOLE_TRADER = "sole_trader"
    UNKNOWN = "unknown"


_SOLE = re.compile(
    r"\be\.?\s?k(?:fm|fr)?\.?(?=\W|$)|\beinzelunternehmen\b|\bsole (?:trader|proprietor)\b"
    r"|\binh(?:\.|aber(?:in)?\b)|\bauto-?entrepreneur\b|\bautonomo\b|\bfreelance"
)
_COMPANY = re.compile(
    r"\b(?:g?gmbh|mbh|ag|kg|kgaa|ohg|gbr|ug|se|inc|incorporated|llc|corp|corporation|ltd"
    r"|limited|plc|llp|pllc|lp|sarl|sas|sasu|sa|srl|spa|sl|bv|nv|oy|ab|aps|as|kft|doo"
    r"|sro|pty|eg|ev)\b"
)
_DOTS = re.compile(r"\b((?:\w\.\s?){1,4}\w\.?)(?=\W|$)")


def legal_form_of(name: str) -> LegalForm:
    """Tell the legal form that a name carries."""
    text = plain(name)
    if _SOLE.search(text):
        return LegalForm.SOLE_TRADER
    # "L.L.C.", "S. A. S.", "e.V." are written with dots as often as without.
    joined = _DOTS.sub(lambda found: re.sub(r"[.\s]", "", found[1]), text)
    return LegalForm.COMPANY if _COMPANY.search(joined) else LegalForm.UNKNOWN
