"""Clear the disk of what nobody is shown, and mend what a crash has left."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from django.db.models import Q
from django.utils import timezone

from demos.models import DemoSite, VisitorSalt
from demos.publishing import builds_folder, page_path, staging_folder
from tasks.enqueueing import enqueue_many

#: Longer than a build may take, and than a visitor needs to read a page.
GRACE = timedelta(hours=1)


def clear() -> dict[str, int]:
    """Remove unused files older than GRACE and old salts; rebuild what is broken."""
    return {
        "staging_removed": _remove_staging(),
        "builds_removed": _remove_builds(),
        "salts_removed": _remove_salts(),
        "rebuilds": _mend(),
    }


def _remove_staging() -> int:
    return sum(_remove(folder) for folder in _old_children(staging_folder()))


def _remove_builds() -> int:
    served = dict(
        DemoSite.objects.filter(
            state__in=(DemoSite.State.PUBLISHED, DemoSite.State.BUILDING)
        ).values_list("token", "build")
    )
    removed = 0
    for site in _children(builds_folder()):
        for build in _old_children(site):
            if served.get(site.name) != build.name:
                removed += _remove(build)
        if site.name not in served and not any(_children(site)):
            site.rmdir()
    return removed


def _remove_salts() -> int:
    # Yesterday's stays a little, for pages that were opened before midnight.
    limit = timezone.now().date() - timedelta(days=1)
    return VisitorSalt.objects.filter(day__lt=limit).delete()[0]


def _mend() -> int:
    stuck = Q(build_started_at__lt=timezone.now() - GRACE)
    rebuild = list(
        DemoSite.objects.exclude(state=DemoSite.State.REVOKED)
        .filter(stuck)
        .values_list("lead_id", flat=True)
    )
    rebuild += [
        site.lead_id
        for site in DemoSite.objects.live().exclude(lead_id__in=rebuild).iterator()
        if not page_path(site.token, site.build).exists()
    ]
    enqueue_many("generate_demo_site", [{"lead_id": pk} for pk in rebuild])
    return len(rebuild)


def _children(folder: Path) -> Iterator[Path]:
    if folder.is_dir():
        yield from (child for child in folder.iterdir() if child.is_dir())


def _old_children(folder: Path) -> Iterator[Path]:
    limit = time.time() - GRACE.total_seconds()
    for child in _children(folder):
        try:
            is_old = child.stat().st_mtime < limit
        except FileNotFoundError:
            # Renamed away by the build it belongs to.
            continue
        if is_old:
            yield child


def _remove(folder: Path) -> int:
    shutil.rmtree(folder, ignore_errors=True)
    return not folder.exists()
