"""Publish pages on disk so that a reader sees all of a build or nothing of it.

DEMO_ROOT/.staging/<uuid>/index.html is written and synced, then its folder is renamed
to DEMO_ROOT/builds/<token>/<build>: rename(2) within a filesystem is atomic. A build
is named by the SHA-256 of its page, so it never changes once it is there.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings

from fliptech_site.errors import PermanentError, TransientError

PAGE = "index.html"
_FULL = {errno.ENOSPC, errno.EDQUOT}
_FORBIDDEN = {errno.EACCES, errno.EPERM, errno.EROFS}


def staging_folder() -> Path:
    """Return where builds are prepared; on the same filesystem as the builds."""
    return Path(settings.DEMO_ROOT) / ".staging"


def builds_folder() -> Path:
    """Return the folder that holds one folder for each site."""
    return Path(settings.DEMO_ROOT) / "builds"


def page_path(token: str, build: str) -> Path:
    """Return where the page of a build is, or would be."""
    return builds_folder() / token / build / PAGE


def is_on_disk(token: str, build: str) -> bool:
    """Return whether the page is there and is what its name promises."""
    try:
        found = page_path(token, build).read_bytes()
    except OSError:
        return False
    return hashlib.sha256(found).hexdigest() == build


def write_build(token: str, build: str, page: bytes) -> bool:
    """Put a page on disk under its name; return False when it already was there.

    May run at the same time and any number of times. Raises TransientError when the
    disk is full and PermanentError when DEMO_ROOT can't be written.
    """
    with _explained():
        if is_on_disk(token, build):
            # Used again: young once more for whoever clears old builds.
            os.utime(page_path(token, build).parent)
            return False
        staged = staging_folder() / uuid.uuid4().hex
        staged.mkdir(parents=True)
        try:
            _write_synced(staged / PAGE, page)
            _sync(staged)
            return _move(staged, page_path(token, build).parent)
        finally:
            shutil.rmtree(staged, ignore_errors=True)


def _move(staged: Path, target: Path) -> bool:
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.exists() and not is_on_disk(target.parent.name, target.name):
        # Damaged from outside: set it aside, where clearing will find it.
        target.rename(staging_folder() / uuid.uuid4().hex)
    try:
        staged.rename(target)
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise
        # Another worker published the same content first.
        return False
    _sync(target.parent)
    return True


def _write_synced(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    # A rename survives a power cut only when the folder itself is synced.
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise TransientError(
                f"The disk of DEMO_ROOT ({settings.DEMO_ROOT}) is full: free some"
                " space; the site is built again by itself."
            ) from error
        if error.errno in _FORBIDDEN:
            raise PermanentError(
                f"DEMO_ROOT ({settings.DEMO_ROOT}) can't be written: give the user"
                " of the workers the right to write there, then retry."
            ) from error
        raise
