"""`python -m tests.faults --minutes 30 --seed 7`: the long soak, on throw-away servers."""

from __future__ import annotations

import argparse
import os
import sys

from deploy.local import testing


def main() -> int:
    """Run the soak for as long as asked; return 0 when its account is exact."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, help="the dice; a new one by default")
    arguments = parser.parse_args()
    os.environ["FAULT_SECONDS"] = str(arguments.minutes * 60)
    if arguments.seed is not None:
        os.environ["FAULT_SEED"] = str(arguments.seed)
    return testing.main(["tests/faults/test_soak.py", "-s", "-q"])


if __name__ == "__main__":
    sys.exit(main())
