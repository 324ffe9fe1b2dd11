"""The steps of the matrix are named by the product's own functions."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.faults.node import ROOT

LOAD = "import django; django.setup(); import tests.faults.breakpoints"


def test_every_step_is_a_place_in_the_product(tmp_path):
    """Whoever renames one learns it here, at once."""
    loaded = subprocess.run(
        [sys.executable, "-c", LOAD],
        cwd=ROOT,
        env={**os.environ, "FAULT_FOLDER": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert loaded.returncode == 0, loaded.stderr
