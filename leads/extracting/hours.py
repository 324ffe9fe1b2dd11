"""Find opening hours in text and write them as schema.org does ("Mo-Fr 09:00-17:00"). Pure."""

from __future__ import annotations

import re

from leads.extracting.spans import Found, distinct

_DAYS = {
    "Mo": "monday|montags?|mon|mo",
    "Tu": "tuesday|dienstags?|tues|tue|tu|di",
    "We": "wednesday|mittwochs?|wed|we|mi",
    "Th": "thursday|donnerstags?|thurs|thur|thu|th|do",
    "Fr": "friday|freitags?|fri|fr",
    "Sa": "saturday|samstags?|sonnabends?|sat|sa",
    "Su": "sunday|sonntags?|sun|su|so",
}
_DAY = rf"(?:{'|'.join(_DAYS.values())})s?\b\.?"
_TO = r"\s*(?:-|–|—|to|through|thru|until|till|bis)\s*"
_LIST = r"\s*(?:,|&|and|und|/)\s*"
_RANGE = rf"(?:{_DAY}(?:{_TO}{_DAY})?(?:{_LIST}{_DAY})*|daily|every ?day|täglich|weekdays|werktags|weekends)"
_TIME = r"(?:\d{1,2}(?:[:.]\d{2})?\s*(?:a\.?m\.?|p\.?m\.?|uhr|h)?(?!\w)|noon|midnight)"
_SPAN = rf"{_TIME}{_TO}{_TIME}"
_HOURS = re.compile(
    rf"(?<![\w-])(?P<days>{_RANGE})\s*[:,]?\s*(?:from|von)?\s*"
    rf"(?P<times>{_SPAN}(?:{_LIST}{_SPAN})?|closed|geschlossen|ruhetag)",
    re.IGNORECASE,
)
_BEFORE_DAYS = re.compile(
    rf"(?:open|geöffnet|hours)\W{{1,3}}(?:from\s+)?(?P<times>{_SPAN})\W{{1,3}}(?:on\s+)?(?P<days>{_RANGE})",
    re.IGNORECASE,
)
_CLOSED_DAYS = re.compile(
    rf"(?P<times>closed|geschlossen)\s+(?:on\s+|am\s+)?(?P<days>{_RANGE})",
    re.IGNORECASE,
)
_ALWAYS = re.compile(r"\b24\s*/\s*7\b|\b24 hours(?: a day)?\b", re.IGNORECASE)
_ONE_TIME = re.compile(
    r"(?P<hour>\d{1,2})(?:[:.](?P<minute>\d{2}))?\s*(?P<half>[ap])?|(?P<word>noon|midnight)",
    re.IGNORECASE,
)
_CLOSED = re.compile(r"closed|geschlossen|ruhetag", re.IGNORECASE)


def find_hours(text: str) -> list[Found]:
    """Find opening hours, one value for each statement; closed days say "off"."""
    found = [
        Found("Mo-Su 00:00-24:00", match.start(), match.end())
        for match in _ALWAYS.finditer(text)
    ]
    for form in (_HOURS, _BEFORE_DAYS, _CLOSED_DAYS):
        for match in form.finditer(text):
            times = _times(match["times"])
            if times:
                value = f"{_days(match['days'])} {times}"
                found.append(Found(value, match.start(), match.end()))
    return distinct(found)


def _days(text: str) -> str:
    words = text.lower()
    if re.match(r"daily|every|täglich", words):
        return "Mo-Su"
    if re.match(r"weekday|werktag", words):
        return "Mo-Fr"
    if words.startswith("weekend"):
        return "Sa-Su"
    written = re.sub(_DAY, lambda found: _day(found[0]), text, flags=re.IGNORECASE)
    written = re.sub(_TO, "-", written, flags=re.IGNORECASE)
    return re.sub(_LIST, ",", written, flags=re.IGNORECASE)


def _day(text: str) -> str:
    word = text.lower().rstrip(".")
    for short, names in _DAYS.items():
        if re.fullmatch(rf"(?:{names})s?", word):
            return short
    return text


def _times(text: str) -> str:
    if _CLOSED.match(text):
        return "off"
    spans = []
    for span in re.findall(_SPAN, text, re.IGNORECASE):
        opens, closes = re.split(_TO, span, maxsplit=1, flags=re.IGNORECASE)
        if not (pair := _pair(opens, closes)):
            return ""
        spans.append(pair)
    return ",".join(spans)


def _pair(opens: str, closes: str) -> str:
    first, last = _ONE_TIME.search(opens), _ONE_TIME.search(closes)
    if first is None or last is None:
        return ""
    end, end_half = _minutes(last, "")
    # "9-5pm" and "9 to 5": the morning belongs to the first, the afternoon to the last.
    start, half = _minutes(first, "")
    if end_half == "p" and not half and start >= 12 * 60:
        half = ""
    if not end_half and not half and end <= start and end < 12 * 60:
        end += 12 * 60
    if end_half == "p" and not half and start < 12 * 60 and start + 12 * 60 < end:
        # "1-5 pm" begins in the afternoon, "9-5 pm" in the morning.
        start = start + 12 * 60 if start < 7 * 60 else start
    if not (0 <= start <= 24 * 60 and 0 <= end <= 24 * 60):
        return ""
    return f"{start // 60:02}:{start % 60:02}-{end // 60:02}:{end % 60:02}"


def _minutes(time: re.Match[str], half: str) -> tuple[int, str]:
    if time["word"]:
        return (12 * 60 if time["word"].lower() == "noon" else 24 * 60), "p"
    hour, minute = int(time["hour"]), int(time["minute"] or 0)
    half = (time["half"] or half).lower()
    if half == "p" and hour < 12:
        hour += 12
    if half == "a" and hour == 12:
        hour = 0
    return hour * 60 + minute, half
