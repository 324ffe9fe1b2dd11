"""`manage.py leads import|export|match`."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from fliptech_site.errors import FlipTechError
from leads.exporting import WRITERS, export
from leads.file_matching import match_file
from leads.filtering import FILTERS, parse_filters
from leads.importing import import_file
from leads.outcomes import Outcome
from leads.person_requests import erase_all, export_all
from leads.table_matching import match_leads
from leads.uploads import preview


class Command(BaseCommand):
    help = "Import leads from a file, export them to one, or find those that are one."

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        _add_import(verbs.add_parser("import", help="from CSV, XLSX or JSONL"))
        _add_export(verbs.add_parser("export", help="into VAR_DIR/exports"))
        _add_match(verbs.add_parser("match", help="what is one business"))
        person = verbs.add_parser("person", help="everything known of an address")
        person.add_argument("address")
        erase = verbs.add_parser("erase", help="erase a person, for good")
        erase.add_argument("address")
        erase.add_argument("--yes", action="store_true", help="yes, for good")

    def handle(self, *args: Any, verb: str, **options: Any) -> None:
        run: dict[str, Callable[[dict[str, Any]], None]] = {
            "import": self._import,
            "export": self._export,
            "match": self._match,
            "person": self._person,
            "erase": self._erase,
        }
        try:
            run[verb](options)
        except FlipTechError as error:
            raise CommandError(str(error)) from None

    def _export(self, options: dict[str, Any]) -> None:
        filters: dict[str, Any] = dict(parse_filters(options["filter"]))
        if options["min_score"]:
            filters["min_score"] = options["min_score"]
        done = export(options["format"], filters, path=options["name"])
        self.stdout.write(f"{done['leads']} leads are in {done['path']}")

    def _person(self, options: dict[str, Any]) -> None:
        found = export_all(options["address"])
        self.stdout.write(json.dumps(found, ensure_ascii=False, indent=2))

    def _erase(self, options: dict[str, Any]) -> None:
        address = options["address"]
        if not options["yes"]:
            raise CommandError(
                f"Erasing {address} can't be undone: say --yes if you mean it."
            )
        counts = erase_all(address)
        done = ", ".join(f"{name} {count}" for name, count in counts.items())
        self.stdout.write(f"Erased: {done}. It stays suppressed, as a hash, for good.")

    def _match(self, options: dict[str, Any]) -> None:
        if options["file"] is None:
            done = match_leads(seconds=math.inf)
            self.stdout.write(
                f"{done.compared} new or changed leads were compared: {done.merged} pairs"
                f" merged, {done.doubtful} new pairs wait for a person in admin."
            )
            return
        try:
            found = match_file(
                options["file"],
                maps=options["map"],
                has_header=not options["no_header"],
            )
        except FlipTechError as error:
            if options["json"]:
                told = {"outcome": Outcome.ERROR, "reason": str(error), "clusters": []}
                self.stdout.write(json.dumps({"file": str(options["file"]), **told}))
            raise
        result = found.as_json(explain=options["explain"])
        if options["json"]:
            self.stdout.write(json.dumps(result, ensure_ascii=False))
            return
        for problem in found.problems:
            self.stderr.write(problem)
        for cluster in result["clusters"]:
            self.stdout.write(" ".join(str(number) for number in cluster))
        for pair in result.get("pairs", ()):
            numbers = " and ".join(str(number) for number in pair["rows"])
            reasons = ", ".join(pair["reasons"])
            self.stdout.write(
                f"{numbers}: {pair['verdict']}, {pair['probability']:.0%}: {reasons}"
            )
        self.stdout.write(
            f"{found.rows} rows, {len(result['clusters'])} businesses stand in several"
            f" of them, {len(result['review'])} pairs are doubtful."
        )

    def _import(self, options: dict[str, Any]) -> None:
        if options["preview"]:
            self._preview(options["file"], options["map"])
            return
        report = import_file(
            options["file"], maps=options["map"], send_on=not options["no_visits"]
        )
        for problem in report.problems:
            self.stderr.write(problem)
        self.stdout.write(
            f"{report.created} new leads, {report.merged} merged into known ones,"
            f" {report.known} known before, {report.left_out} rows left out."
        )
        if report.left_out:
            raise CommandError(
                "The rows named above were left out, all others are in: correct them"
                " and import the file again."
            )

    def _preview(self, file: Path, maps: list[str]) -> None:
        found = preview(file, maps=maps)
        for field, names in found.columns.items():
            self.stdout.write(f"{field} is made of {' + '.join(names)}")
        if found.unused:
            self.stdout.write(f"not used: {', '.join(found.unused)}")
        for row in found.rows:
            values = ", ".join(f"{name} {value}" for name, value in row.values.items())
            self.stdout.write(f"Line {row.line}: {values}")
        for problem in found.problems:
            self.stderr.write(problem)
        self.stdout.write("Nothing was stored: this is a preview.")


def _add_import(parser: CommandParser) -> None:
    parser.add_argument("file", type=Path, help="CSV, XLSX or JSONL")
    _add_map(parser)
    parser.add_argument(
        "--preview", action="store_true", help="show the first rows, store nothing"
    )
    parser.add_argument(
        "--no-visits",
        action="store_true",
        help="don't have the websites visited and the leads scored",
    )


def _add_export(parser: CommandParser) -> None:
    parser.add_argument("--format", choices=sorted(WRITERS), default="csv")
    parser.add_argument(
        "--filter",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help=f"several have to hold all; names: {', '.join(FILTERS)}",
    )
    parser.add_argument("--min-score", type=int, default=0)
    parser.add_argument("--name", default="", help="leads.csv")


def _add_match(parser: CommandParser) -> None:
    parser.add_argument(
        "file",
        type=Path,
        nargs="?",
        help="CSV, XLSX or JSONL; without one the leads themselves are matched",
    )
    _add_map(parser)
    parser.add_argument("--no-header", action="store_true")
    parser.add_argument("--explain", action="store_true", help="with reasons")
    parser.add_argument("--json", action="store_true")


def _add_map(parser: CommandParser) -> None:
    parser.add_argument(
        "--map",
        action="append",
        default=[],
        metavar="FIELD=COLUMN",
        help="name=Company; phone= leaves a field out; others are found by themselves",
    )
