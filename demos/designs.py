"""The looks of demo sites: one design for each family of trades."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

_FOLDER = Path(__file__).parent


@dataclass(frozen=True, kw_only=True)
class Typeface:
    """A display face: `file` in `fonts/`, its CSS name and weight, and what if not."""

    file: str
    name: str
    weight: int
    fallback: str


@dataclass(frozen=True, kw_only=True)
class Design:
    """How pages of a family look.

    `hero` chooses the layout of the first screen, `services` that of the list;
    `radius` is in pixels; `accent_hue` is an OKLCH angle;
    `depth` is the OKLCH chroma of the darkest ground; `steps` says how working
    together goes.
    """

    hero: Literal["stage", "split", "poster"]
    services: Literal["cards", "ruled", "menu"]
    typeface: Typeface
    radius: int
    accent_hue: float
    steps: tuple[tuple[str, str], ...]
    depth: float = 0.05
    services_title: str = "What we do"
    steps_title: str = "How it goes"
    contact_title: str = "Talk to us"


_BRICOLAGE = Typeface(
    file="bricolage-grotesque-latin-700-normal",
    name="Bricolage Grotesque",
    weight=700,
    fallback="'Arial Narrow', Arial, sans-serif",
)
_JAKARTA = Typeface(
    file="plus-jakarta-sans-latin-700-normal",
    name="Plus Jakarta Sans",
    weight=700,
    fallback="Verdana, Arial, sans-serif",
)
_FRAUNCES = Typeface(
    file="fraunces-latin-600-normal",
    name="Fraunces",
    weight=600,
    fallback="Georgia, 'Times New Roman', serif",
)
_JOB = (
    ("Tell us what is wrong", "A call or a message is enough. A photograph helps."),
    ("Know the price first", "You hear what it takes and what it costs, then decide."),
    ("Have it done", "Clean work, explained at the end."),
)
_PROJECT = (
    ("Look at it together", "On site, with your wishes and a tape measure."),
    ("Agree on a plan", "What, when and for how much, in writing."),
    ("See it grow", "One person to talk to, until the last detail."),
)
_VISIT = (
    ("Pick a time", "Call or write, and say what it is about."),
    ("Be heard", "Questions first. Nothing happens before you agree."),
    ("Feel better", "And know what to do next, if anything."),
)
_TABLE = (
    ("Ask ahead", "For a table, a cake or a large order: a short call."),
    ("Come by", "The address and the way are below."),
    ("Enjoy", "And tell us what we should make again."),
)
_MATTER = (
    ("Describe the matter", "A few sentences are enough to begin."),
    ("Know your options", "In plain words, with their cost."),
    ("Move forward", "Step by step, at your pace."),
)

DESIGNS: dict[str, Design] = {
    "workshop": Design(
        hero="stage", services="cards", radius=14, accent_hue=80, steps=_JOB,
        typeface=_BRICOLAGE,
    ),
    "build": Design(
        hero="stage", services="ruled", radius=4, accent_hue=90, steps=_PROJECT, depth=0.02,
        typeface=_BRICOLAGE,
    ),
    "motor": Design(
        hero="stage", services="cards", radius=8, accent_hue=95, steps=_JOB, depth=0.01,
        typeface=_BRICOLAGE,
    ),
    "garden": Design(
        hero="poster", services="cards", radius=22, accent_hue=100, steps=_PROJECT,
        typeface=_JAKARTA,
    ),
    "fresh": Design(
        hero="split", services="cards", radius=24, accent_hue=95, steps=_JOB,
        typeface=_JAKARTA,
    ),
    "care": Design(
        hero="split", services="ruled", radius=28, accent_hue=50, steps=_VISIT,
        services_title="What we care for", steps_title="Your first visit",
        contact_title="Make an appointment", typeface=_JAKARTA,
    ),
    "style": Design(
        hero="poster", services="menu", radius=2, accent_hue=50, steps=_VISIT,
        services_title="What we offer", steps_title="Your first visit",
        contact_title="Make an appointment", typeface=_FRAUNCES,
    ),
    "table": Design(
        hero="poster", services="menu", radius=10, accent_hue=85, steps=_TABLE,
        services_title="What we make", steps_title="How to enjoy it",
        contact_title="Come and see us", typeface=_FRAUNCES,
    ),
    "counsel": Design(
        hero="split", services="ruled", radius=6, accent_hue=85, steps=_MATTER,
        typeface=_FRAUNCES,
    ),
    "craft": Design(
        hero="poster", services="ruled", radius=6, accent_hue=75, steps=_PROJECT,
        typeface=_FRAUNCES,
    ),
}  # fmt: skip


@cache
def font_as_base64(name: str) -> str:
    """Return a font file for a data: URI, so that a page needs no second request."""
    return b64encode((_FOLDER / "fonts" / f"{name}.woff2").read_bytes()).decode()


@cache
def icon(name: str) -> str:
    """Return the SVG mark-up of one of our own icons."""
    return (_FOLDER / "icons" / f"{name}.svg").read_text(encoding="utf-8").strip()
