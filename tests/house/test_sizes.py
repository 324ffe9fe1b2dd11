"""A reader has to hold a file, and a function, in the head."""

from __future__ import annotations

import ast

from tests.house.tree import ROOT, python_files

#: The aim is 300 and 30; these are hard stops.
FILE_LINES = 350
FUNCTION_LINES = 50


def _code_files():
    return [path for path in python_files() if path.parts[0] != "tests"]


def test_no_file_is_longer_than_a_reader_can_hold():
    long = {
        str(path): lines
        for path in python_files()
        if (lines := len((ROOT / path).read_text().splitlines())) > FILE_LINES
    }
    assert not long


def test_no_function_is_longer_than_a_screen():
    long = {
        f"{path}:{node.lineno} {node.name}": lines
        for path in _code_files()
        for node in ast.walk(ast.parse((ROOT / path).read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (lines := _length(node)) > FUNCTION_LINES
    }
    assert not long


def _length(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    assert node.end_lineno is not None
    return node.end_lineno - node.lineno + 1
