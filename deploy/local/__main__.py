"""Entry of the launcher: `python -m deploy.local [--once]`."""

from __future__ import annotations

import argparse
import sys

from deploy.local import screen
from deploy.local.running import Run


def main(arguments: list[str]) -> int:
    """Run the product until it is stopped; return the exit code."""
    parser = argparse.ArgumentParser(prog="deploy/quickstart.sh", allow_abbrev=False)
    parser.add_argument(
        "--once", action="store_true", help="run the main job on the sample and stop"
    )
    options = parser.parse_args(arguments)
    try:
        return Run(once=options.once).main()
    except screen.LaunchError as error:
        screen.fail(str(error))
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
