"""docs/promises.md lists every case with its test, and no test that is not there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = (ROOT / "docs" / "promises.md").read_text(encoding="utf-8")
CASES = {
    *(f"L{number}" for number in range(1, 9)),
    *(f"T{number}" for number in range(1, 7)),
    *(f"S{number}" for number in range(1, 4)),
    *(f"2.{number}" for number in range(1, 10)),
}


def shown() -> set[tuple[str, str, str]]:
    """Return (case, what goes wrong, test) of every test in this folder."""
    return {
        (*map(ast.literal_eval, mark.args), function.name)
        for path in Path(__file__).parent.glob("test_*.py")
        for function in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(function, ast.FunctionDef)
        for mark in function.decorator_list
        if isinstance(mark, ast.Call)
        and isinstance(mark.func, ast.Name)
        and mark.func.id == "case"
    }


def test_the_table_and_the_tests_are_the_same():
    rows = re.findall(r"^\| (\S+) \| (.+) \| `(test_\w+)` \|$", DOCUMENT, re.MULTILINE)
    assert len(rows) == len(set(rows))
    assert set(rows) == shown()


def test_every_case_of_the_reference_is_in_the_document():
    assert set(re.findall(r"^\| ([LTS2]\S*) \|", DOCUMENT, re.MULTILINE)) == CASES


def test_the_tests_that_stand_elsewhere_are_there():
    references = re.findall(r"`(tests/\S+\.py)::(test_\w+)`", DOCUMENT)
    assert references
    for path, name in references:
        assert f"def {name}(" in (ROOT / path).read_text(encoding="utf-8"), name
