"""What is written for people has to cover everything there is."""

from __future__ import annotations

import ast
import re

from deploy.local.environment import (
    LAUNCHER_VARIABLES,
    parse_env,
    parse_env_names,
)
from tests.house.tree import ROOT, python_files, tracked_files

SETTINGS = ROOT / "fliptech_site" / "settings.py"
EXAMPLE = ROOT / ".env.example"


def _settings_read() -> set[str]:
    calls = (
        node
        for node in ast.walk(ast.parse(SETTINGS.read_text()))
        if isinstance(node, ast.Call)
    )
    return {
        call.args[0].value
        for call in calls
        if isinstance(call.func, ast.Attribute)
        and isinstance(call.func.value, ast.Name)
        and call.func.value.id == "env"
        and isinstance(call.args[0], ast.Constant)
        and isinstance(call.args[0].value, str)
    }


def test_every_setting_is_explained_in_the_example_and_no_other():
    assert parse_env_names(EXAMPLE.read_text()) == _settings_read() | LAUNCHER_VARIABLES


def test_the_example_can_be_used_when_its_comment_signs_are_removed():
    lines = EXAMPLE.read_text().splitlines()
    settings = [re.sub(r"^#(?=[A-Z0-9_]+=)", "", line) for line in lines]
    assert set(parse_env("\n".join(settings))) == parse_env_names(EXAMPLE.read_text())


def test_every_setting_in_the_example_has_an_explanation_above_it():
    before = ""
    for line in EXAMPLE.read_text().splitlines():
        if re.match(r"#[A-Z0-9_]+=", line):
            assert before.startswith("#"), f"{line} stands without an explanation"
        before = line


def test_every_module_starts_with_a_sentence():
    silent = [
        str(path)
        for path in python_files()
        if path.name != "__init__.py"
        and not {"commands", "tests"} & set(path.parts)
        and not (ast.get_docstring(ast.parse((ROOT / path).read_text())) or "").strip()
    ]
    assert not silent


def test_no_file_names_a_place_on_one_persons_machine():
    # Bracketed, so that this file does not match itself.
    machine = re.compile(
        "|".join(f"/{name}/" for name in ("roo[t]", "wor[k]", "hom[e]"))
    )
    naming = [
        f"{path}: {line.strip()[:80]}"
        for path in tracked_files()
        if path.suffix in {".py", ".sh", ".md", ".toml", ".in", ".txt", ".html", ".cfg"}
        for line in (ROOT / path).read_text(encoding="utf-8").splitlines()
        if machine.search(line)
    ]
    assert not naming
