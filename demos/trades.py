"""The trades that demo sites know: their words, services and looks."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).with_name("trades")
GENERAL = "general"
#: A word of the category says more about the trade than one of the description.
_WEIGHTS = (5, 4, 1)


@dataclass(frozen=True, kw_only=True)
class Service:
    """One thing that businesses of a trade do; `icon` names a file in `icons/`."""

    icon: str
    title: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Question:
    """One frequent question of a trade and its answer."""

    question: str
    answer: str


@dataclass(frozen=True, kw_only=True)
class Trade:
    """Copy that is true of a trade in general and claims nothing about one business.

    `family` chooses the design; `schema` is the most specific schema.org type;
    `hue` is the brand colour used when the business has none, as #rrggbb.
    """

    key: str
    family: str
    schema: str
    trade: str
    headline: str
    lead: str
    hue: str
    words: tuple[str, ...]
    services: tuple[Service, ...]
    faq: tuple[Question, ...]


@cache
def all_trades() -> dict[str, Trade]:
    """Return the trades by key, in the order of the files."""
    return {
        key: _read(path.stem, key, row)
        for path in sorted(_FOLDER.glob("*.toml"))
        for key, row in tomllib.loads(path.read_text(encoding="utf-8")).items()
    }


def choose_trade(name: str, category: str, description: str) -> Trade:
    """Return the trade that the words of a business point at; `general` for none.

    Each of a trade's words counts once for each text it occurs in: alone, in the
    plural, or, with a star in the file, as a beginning. The first trade of the highest
    sum wins, so the same texts always give the same trade.
    """
    texts = [text.casefold()[:2000] for text in (name, category, description)]
    trades = all_trades()
    best = max(trades.values(), key=lambda trade: _points(trade, texts))
    return best if _points(best, texts) > 0 else trades[GENERAL]


def _points(trade: Trade, texts: list[str]) -> int:
    pattern = _pattern(trade.words)
    if pattern is None:
        return 0
    return sum(
        weight * len(set(pattern.findall(text)))
        for weight, text in zip(_WEIGHTS, texts, strict=True)
    )


@cache
def _pattern(words: tuple[str, ...]) -> re.Pattern[str] | None:
    if not words:
        return None
    choices = (
        re.escape(word[:-1]) if word.endswith("*") else rf"{re.escape(word)}s?\b"
        for word in sorted(words, key=len, reverse=True)
    )
    return re.compile(rf"\b(?:{'|'.join(choices)})")


def _read(family: str, key: str, row: dict[str, Any]) -> Trade:
    services = tuple(
        Service(icon=icon, title=title, text=text)
        for icon, title, text in row.pop("services")
    )
    faq = tuple(Question(question=q, answer=a) for q, a in row.pop("faq"))
    words = tuple(row.pop("words"))
    return Trade(key=key, family=family, services=services, faq=faq, words=words, **row)
