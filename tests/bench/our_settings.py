"""The product's settings with the benchmark's two actors added."""

from __future__ import annotations

from fliptech_site.settings import *  # noqa: F403
from fliptech_site.settings import ACTOR_MODULES as _ACTOR_MODULES

ACTOR_MODULES = [*_ACTOR_MODULES, "tests.bench.our_actors"]
