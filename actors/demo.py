"""Actors of the family `demo`.

Each imports its room when it first runs: an idle worker holds none of their parts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tasks.declaring import actor

if TYPE_CHECKING:
    from demos.building import BuiltDemo


@actor(queue="demo", time_limit_minutes=40)
def generate_demo_site(lead_id: int) -> BuiltDemo:
    """Build and publish the demo site of a lead."""
    from demos.building import generate_demo

    return generate_demo(lead_id)


@actor(queue="demo", time_limit_minutes=40, periodic="30 3 * * *")
def expire_demo_sites() -> dict[str, int]:
    """Take down the demo sites that are past their date."""
    from demos.expiring import expire_past_sites

    return {"expired": expire_past_sites()}


@actor(queue="demo", time_limit_minutes=40, periodic="0 4 * * *")
def cleanup_temp_files() -> dict[str, int]:
    """Remove demo files that nobody is shown and mend what a crash has left."""
    from demos.clearing import clear

    return clear()
