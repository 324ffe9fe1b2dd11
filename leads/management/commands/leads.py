"""`manage.py leads import|export|match`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from fliptech_site.errors import InvalidInput
from leads.exporting import export
from leads.file_matching import match_file
from leads.importing import import_file


class Command(BaseCommand):
    help = "Import leads from a CSV file, or export them to one."

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        importing = verbs.add_parser("import", help="name,website,email,phone,city,…")
        importing.add_argument("file", type=Path)
        importing.add_argument(
            "--no-visits",
            action="store_true",
            help="don't have the websites visited and the leads scored",
        )
        exporting = verbs.add_parser("export", help="into VAR_DIR/exports")
        exporting.add_argument("--min-score", type=int, default=0)
        exporting.add_argument("--name", default="", help="leads.csv")

        matching = verbs.add_parser("match", help="rows that are one business")
        matching.add_argument("file", type=Path, help="CSV, XLSX or JSONL")
        matching.add_argument(
            "--map",
            action="append",
            default=[],
            metavar="FIELD=COLUMN",
            help="name=Company, phone= for none; others are found by themselves",
        )
        matching.add_argument("--no-header", action="store_true")
        matching.add_argument("--explain", action="store_true", help="with reasons")
        matching.add_argument("--json", action="store_true")

    def handle(self, *args: Any, verb: str, **options: Any) -> None:
        try:
            if verb == "match":
                self._match(options)
            elif verb == "import":
                self._import(options["file"], send_on=not options["no_visits"])
            else:
                done = export(min_score=options["min_score"], path=options["name"])
                self.stdout.write(f"{done['leads']} leads are in {done['path']}")
        except InvalidInput as error:
            raise CommandError(str(error)) from None

    def _match(self, options: dict[str, Any]) -> None:
        found = match_file(
            options["file"], maps=options["map"], has_header=not options["no_header"]
        )
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

    def _import(self, file: Path, *, send_on: bool) -> None:
        report = import_file(file, send_on=send_on)
        for problem in report.problems:
            self.stderr.write(problem)
        self.stdout.write(
            f"{report.created} new leads, {report.merged} merged into known ones,"
            f" {report.known} known before, {len(report.problems)} rows left out."
        )
        if report.problems:
            raise CommandError(
                "The rows named above were left out, all others are in: correct them"
                " and import the file again."
            )
