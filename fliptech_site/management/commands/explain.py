"""`manage.py explain page|contacts|robots … [--json]`: why something is read as it is."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from fliptech_site.explaining import explainers


class Command(BaseCommand):
    help = "Explain how files are read, without network and database."
    # Somebody who wants to know how a page is read may have no servers running.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        things = parser.add_subparsers(dest="thing", required=True)
        for name, explainer in explainers().items():
            each = things.add_parser(name, help=explainer.help)
            explainer.add_arguments(each)
            each.add_argument(
                "--json", action="store_true", help="one JSON object a line"
            )

    def handle(self, *args: Any, thing: str, json: bool, **options: Any) -> None:
        is_readable = True
        for answer in explainers()[thing].explain(**options):
            self.stdout.write(_as_json(answer) if json else "\n".join(_lines(answer)))
            is_readable = is_readable and answer.get("is_readable", True)
        if not is_readable:
            sys.exit(1)


def _as_json(answer: dict[str, Any]) -> str:
    # ASCII: the terminal's encoding decides nothing.
    return json.dumps(answer, default=str)


def _lines(value: Any, name: str = "", indent: int = 0) -> Iterator[str]:
    """Show a plain value as indented lines of `name: value`."""
    margin = "  " * indent
    if isinstance(value, dict):
        if name:
            yield f"{margin}{name}:"
        for key, each in value.items():
            yield from _lines(each, str(key), indent + bool(name))
    elif isinstance(value, list | tuple):
        yield f"{margin}{name}: {len(value)}" if name else margin
        for number, each in enumerate(value, 1):
            yield from _lines(each, str(number), indent + 1)
    else:
        yield f"{margin}{name}: {value}"
