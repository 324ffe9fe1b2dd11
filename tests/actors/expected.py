"""What the sample territory yields when everything works."""

from __future__ import annotations

#: Businesses; one of them is posted twice.
LEADS = 14
#: Those that reach QUALIFYING_SCORE: eight poor sites, one that is broken, two without.
DEMOS = 11
ADDRESSES = [
    "book@okafor-moving.example",
    "garden@blue-gum-landscaping.example",
    "hello@sunrise-nails.example",
    "ines@tidewater-upholstery.example",
    "office@harbor-light-plumbing.example",
    "pedidos@rosales-bakery.example",
    "shop@pier-nine-auto.example",
    "wren@old-mill-antiques.example",
]
#: Two good sites and one that denies robots; one broken site and two without.
SKIPPED = {"below_threshold": 3, "no_address": 3}
