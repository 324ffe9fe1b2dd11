"""Actors of the family `demo`."""

from __future__ import annotations

from demos.building import BuiltDemo, generate_demo
from demos.clearing import clear
from demos.expiring import expire_past_sites
from tasks.declaring import actor


@actor(queue="demo", time_limit_minutes=40)
def generate_demo_site(lead_id: int) -> BuiltDemo:
    """Build and publish the demo site of a lead."""
    return generate_demo(lead_id)


@actor(queue="demo", time_limit_minutes=40, periodic="30 3 * * *")
def expire_demo_sites() -> dict[str, int]:
    """Take down the demo sites that are past their date."""
    return {"expired": expire_past_sites()}


@actor(queue="demo", time_limit_minutes=40, periodic="0 4 * * *")
def cleanup_temp_files() -> dict[str, int]:
    """Remove demo files that nobody is shown and mend what a crash has left."""
    return clear()
