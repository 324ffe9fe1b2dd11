"""Colours of a demo site: from one brand colour to pairs that anybody can read."""

from __future__ import annotations

import re
from dataclasses import dataclass

from coloraide import Color

#: WCAG 2.2, success criterion 1.4.3: text of normal size.
READABLE = 4.5
#: Above the criterion, because small text over tints needs some air.
COMFORTABLE = 5.2
_HEX = re.compile(r"#[0-9a-fA-F]{6}")
_STEP = 0.01


@dataclass(frozen=True, kw_only=True)
class Palette:
    """Hex colours by the role they play; text roles keep READABLE on their grounds."""

    brand: str
    on_brand: str
    deep: str
    on_deep: str
    deep_muted: str
    tint: str
    paper: str
    ink: str
    muted: str
    line: str
    accent: str
    on_accent: str
    soft: str
    glow: str


def contrast(one: str, other: str) -> float:
    """Return the WCAG 2 contrast ratio of two colours, 1.0 to 21.0."""
    return float(Color(one).contrast(other, method="wcag21"))


def darken_until_readable(colour: str, ground: str, wanted: float = READABLE) -> str:
    """Return `colour`, darkened in OKLCH until its contrast with `ground` is `wanted`.

    Hue stays; black is the end. For grounds light enough that black passes.
    """
    found = Color(colour).convert("oklch")
    while contrast(_hex(found), ground) < wanted and found["lightness"] > 0:
        found["lightness"] = max(0.0, found["lightness"] - _STEP)
    return _hex(found)


def lighten_until_readable(colour: str, ground: str, wanted: float = READABLE) -> str:
    """Return `colour`, lightened in OKLCH until its contrast with `ground` is `wanted`.

    Hue stays; white is the end. For grounds dark enough that white passes.
    """
    found = Color(colour).convert("oklch")
    while contrast(_hex(found), ground) < wanted and found["lightness"] < 1:
        found["lightness"] = min(1.0, found["lightness"] + _STEP)
    return _hex(found)


def make_palette(
    own_colour: str, trade_colour: str, *, accent_hue: float, depth: float = 0.05
) -> Palette:
    """Derive all colours of a site from the business's colour or else the trade's.

    A colour that isn't #rrggbb, or is almost grey, white or black, is not used.
    `accent_hue` is an angle of OKLCH in degrees: 30 coral, 85 yellow, 250 blue;
    `depth` is the OKLCH chroma of the darkest ground: 0 is charcoal.
    """
    chosen = own_colour if _is_usable(own_colour) else trade_colour
    hue = Color(chosen).convert("oklch")["hue"]
    paper = _oklch(0.985, 0.006, hue)
    tint = _oklch(0.955, 0.018, hue)
    deep = _oklch(0.26, depth, hue)
    # The tint is the darkest light ground that brand-coloured text stands on.
    brand = darken_until_readable(chosen, tint, COMFORTABLE)
    accent = _oklch(0.84, 0.14, accent_hue)
    return Palette(
        brand=brand,
        on_brand="#ffffff",
        deep=deep,
        on_deep=lighten_until_readable(_oklch(0.96, 0.012, hue), deep, 7),
        deep_muted=lighten_until_readable(_oklch(0.8, 0.03, hue), deep, COMFORTABLE),
        tint=tint,
        paper=paper,
        ink=darken_until_readable(_oklch(0.24, 0.03, hue), tint, 7),
        muted=darken_until_readable(_oklch(0.46, 0.03, hue), tint, COMFORTABLE),
        line=_oklch(0.89, 0.018, hue),
        accent=accent,
        on_accent=darken_until_readable(_oklch(0.25, 0.06, hue), accent, COMFORTABLE),
        soft=_oklch(0.88, 0.055, hue),
        glow=_oklch(0.72, 0.11, hue),
    )


def _is_usable(colour: str) -> bool:
    if not _HEX.fullmatch(colour):
        return False
    parts = Color(colour).convert("oklch")
    return bool(parts["chroma"] >= 0.04 and 0.2 <= parts["lightness"] <= 0.9)


def _oklch(lightness: float, chroma: float, hue: float) -> str:
    return _hex(Color("oklch", [lightness, chroma, hue % 360]))


def _hex(colour: Color) -> str:
    return str(colour.convert("srgb").fit().to_string(hex=True))
