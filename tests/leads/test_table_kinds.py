"""Files whose name says one thing and whose content another; and lists of JSON."""

from __future__ import annotations

import json

import pytest

from fliptech_site.errors import InvalidInput
from leads.import_rows import check_row
from leads.tables.base import BadRow, Row
from leads.tables.opening import open_table


def read(folder, name: str, content: bytes | str):
    file = folder / name
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    table = open_table(file)
    return table.header, list(table.rows)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("\n<!DOCTYPE html><table><tr><td>name</td></tr></table>", "is a web page"),
        ("<html>\n<body>name,city\nA,B", "is a web page"),
        ('<?xml version="1.0"?><Workbook>', "is a web page"),
        ("\ufeff<table><tr><td>name", "is a web page"),
        ('{"name": "A", "city": "B"}\n', "is JSON"),
        ('[\n {"name": "A"}\n]', "is JSON"),
        ("%PDF-1.7\n%x, y\n1 0 obj", "is a document to print"),
        (b"PK\x03\x04" + bytes(600), "is a workbook"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "is a workbook"),
    ],
)
def test_what_is_no_csv_is_refused_whatever_it_is_called(tmp_path, content, told):
    with pytest.raises(InvalidInput, match=f"list.csv {told}"):
        read(tmp_path, "list.csv", content)


def test_a_csv_that_begins_with_a_bracket_is_read(tmp_path):
    header, rows = read(tmp_path, "list.csv", "[name],<city>\nRosa,Ely\n")
    assert (header, rows) == (["[name]", "<city>"], [Row(2, ["Rosa", "Ely"])])


@pytest.mark.parametrize("name", ["list.json", "list.jsonl"])
@pytest.mark.parametrize("indent", [None, 1])
def test_a_json_list_is_read_object_by_object(tmp_path, name, indent):
    given = [{"name": "Rosa", "at": {"city": "Ely"}}, {"name": "Mill [b], {c}"}, 7]
    header, rows = read(tmp_path, name, json.dumps(given, indent=indent))
    assert header == ["name", "at.city"]
    assert rows[:2] == [Row(1, ["Rosa", "Ely"]), Row(2, ["Mill [b], {c}", ""])]
    assert "no JSON object" in rows[2].problem


def test_a_json_list_longer_than_the_buffer_is_read_whole(tmp_path):
    given = [{"name": f"Shop {n}", "about": "x" * (n % 700)} for n in range(3_000)]
    _, rows = read(tmp_path, "list.json", "\ufeff" + json.dumps(given))
    assert [row.cells[0] for row in rows] == [f"Shop {n}" for n in range(3_000)]


@pytest.mark.parametrize("end", ["", ",", ',{"name": "B', ',{"name" "B"}]'])
def test_a_json_list_that_breaks_off_keeps_what_stands_before(tmp_path, end):
    _, rows = read(tmp_path, "list.json", '[{"name": "A", "city": "Ely"}' + end)
    assert rows[0] == Row(1, ["A", "Ely"])
    assert [type(row) for row in rows[1:]] == [BadRow] * (len(end) > 1)


@pytest.mark.parametrize("text", ["[]", "7", "[1, 2]"])
def test_json_without_an_object_is_refused(tmp_path, text):
    with pytest.raises(InvalidInput, match="has no JSON object"):
        read(tmp_path, "list.json", text)


def test_a_giant_cell_costs_its_row_alone_and_says_why(tmp_path):
    text = f"name,city\n{'x' * 200_000},Ely\nRosa,Ely\n"
    _, rows = read(tmp_path, "list.csv", text)
    assert "more than 131,072 characters" in rows[0].problem
    assert rows[-1].cells == ["Rosa", "Ely"]


@pytest.mark.parametrize("field", ["phone", "email", "website", "latitude"])
def test_a_giant_wrong_cell_is_named_by_its_beginning(field):
    row = check_row(2, {"name": "Rosa", field: "x" * 9_000 + " :"})
    assert isinstance(row, BadRow)
    assert f"column '{field}'" in row.problem
    assert len(row.problem) < 300
