"""Files as people have them: encodings, separators, quotes, sheets; and files built to harm."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from datetime import date, datetime

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fliptech_site.errors import InvalidInput
from leads.tables.base import BadRow, Row
from leads.tables.csv_table import find_separator
from leads.tables.mapping import map_columns, normal_header, parse_map
from leads.tables.opening import open_table
from leads.tables.xlsx_table import cell_text


def rows_of(path, **options):
    table = open_table(path, **options)
    return table.header, list(table.rows)


def csv_file(tmp_path, data: bytes | str, name="list.csv"):
    path = tmp_path / name
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"]
)
def test_every_usual_encoding_is_read(tmp_path, encoding):
    text = "name,city\r\nCafé Müller,Köln\r\n"
    path = csv_file(tmp_path, text.encode(encoding))
    assert rows_of(path) == (["name", "city"], [Row(2, ["Café Müller", "Köln"])])


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_every_usual_separator_is_found(tmp_path, separator):
    text = f"name{separator}note\nRosa{separator}a, b; c\n".replace(
        "a, b; c", '"a, b; c"'
    )
    assert rows_of(csv_file(tmp_path, text))[1] == [Row(2, ["Rosa", "a, b; c"])]


def test_what_excel_writes_above_the_header_names_the_separator(tmp_path):
    path = csv_file(tmp_path, "sep=;\nname;city\nRosa;Ely\n")
    assert rows_of(path) == (["name", "city"], [Row(3, ["Rosa", "Ely"])])


def test_titles_above_the_header_are_passed_over(tmp_path):
    path = csv_file(tmp_path, "Our customers\n\nname,city\nRosa,Ely\n")
    assert rows_of(path) == (["name", "city"], [Row(4, ["Rosa", "Ely"])])


def test_columns_of_one_name_are_told_apart(tmp_path):
    path = csv_file(tmp_path, "name,phone,phone,\nRosa,,7075550123,x\n")
    header, _ = rows_of(path)
    assert header == ["name", "phone", "phone (2)"]
    columns = map_columns(header, [["Rosa", "", "7075550123"]])
    assert columns["phone"] == ["phone", "phone (2)"]


def test_a_quote_that_is_never_closed_swallows_no_row_in_silence(tmp_path):
    path = csv_file(tmp_path, 'name,city\nAnna,Ulm\n"Berta,Ulm\nCarl,Ulm\n')
    _, (good, bad) = rows_of(path)
    assert good == Row(2, ["Anna", "Ulm"])
    assert isinstance(bad, BadRow)
    assert bad.problem.startswith("Line 3: a quote is opened here and never closed")


def test_a_line_is_counted_as_the_editor_counts_it(tmp_path):
    path = csv_file(tmp_path, 'name,note\nA,"two\nlines"\nB,x\n')
    assert [row.line for row in rows_of(path)[1]] == [2, 4]


def test_a_cell_without_end_does_not_fill_the_memory(tmp_path):
    path = csv_file(tmp_path, 'name,city\n"' + "a" * 300_000 + "\nRosa,Ely\n")
    rows = rows_of(path)[1]
    assert any(isinstance(row, BadRow) for row in rows)


@pytest.mark.parametrize(
    "data", [b"\x00\x01\x02\x03" * 50, b"\x89PNG\r\n\x1a\n\x00\x00"]
)
def test_what_is_no_text_is_refused(tmp_path, data):
    with pytest.raises(InvalidInput, match="is no text of a known encoding"):
        rows_of(csv_file(tmp_path, data))


def test_a_few_zeros_in_a_text_are_left_out(tmp_path):
    text = b"name,city\nRo\0sa,Ely\nMill\xe9,Yo\0rk\n"
    assert [row.cells for row in rows_of(csv_file(tmp_path, text))[1]] == [
        ["Rosa", "Ely"],
        ["Millé", "York"],
    ]


@given(st.binary(max_size=300))
def test_any_bytes_are_rows_or_refused(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("any") / "list.csv"
    path.write_bytes(data)
    try:
        rows = rows_of(path)[1]
    except InvalidInput:
        return
    assert all(isinstance(row, Row | BadRow) for row in rows)


def test_the_separator_that_cuts_all_lines_alike_is_taken():
    assert find_separator(["a;b,c\n", "1;2\n", "3;4,5,6\n"]) == ";"


def workbook(tmp_path, fill):
    book = openpyxl.Workbook()
    fill(book.active)
    path = tmp_path / "list.xlsx"
    book.save(path)
    return path


def test_a_sheet_is_read_as_people_see_it(tmp_path):
    def fill(sheet):
        sheet.append(["name", "zip", "phone", "since", "city"])
        sheet.append(["Rosa", 94501.0, 17075550123, date(2020, 5, 1), "Fairview"])
        sheet.append(["Mill", None, None, datetime(2020, 5, 1, 9, 30), None])
        sheet.merge_cells("E2:E3")

    header, rows = rows_of(workbook(tmp_path, fill))
    assert header == ["name", "zip", "phone", "since", "city"]
    assert rows == [
        Row(2, ["Rosa", "94501", "17075550123", "2020-05-01", "Fairview"]),
        Row(3, ["Mill", "", "", "2020-05-01T09:30:00", "Fairview"]),
    ]


def test_an_empty_sheet_in_front_is_passed_over(tmp_path):
    def fill(sheet):
        leads = sheet.parent.create_sheet("Leads")
        leads.append(["name"])
        leads.append(["Rosa"])

    assert rows_of(workbook(tmp_path, fill)) == (["name"], [Row(2, ["Rosa"])])


def test_formulas_are_read_as_the_values_that_were_saved(tmp_path):
    path = workbook(
        tmp_path,
        lambda sheet: sheet.append(["name", "x"]) or sheet.append(["=1+1", "y"]),
    )
    # openpyxl saves no values: put one in as a spreadsheet would.
    changed = tmp_path / "saved.xlsx"
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(changed, "w") as new:
        for part in old.namelist():
            data = old.read(part)
            if part.endswith("sheet1.xml"):
                data = data.replace(b"<v></v>", b"<v>2</v>").replace(
                    b"<v />", b"<v>2</v>"
                )
            new.writestr(part, data)
    assert rows_of(changed)[1][0].cells[0] == "2"


def test_a_workbook_that_unpacks_beyond_all_measure_is_refused(tmp_path):
    path = workbook(tmp_path, lambda sheet: sheet.append(["name"]))
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet2.xml", b" " * 60_000_000)
    with pytest.raises(InvalidInput, match="made to harm"):
        rows_of(path)


def test_a_workbook_with_entities_is_refused(tmp_path):
    path = tmp_path / "list.xlsx"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(
            "xl/workbook.xml", '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]><a/>'
        )
    with pytest.raises(InvalidInput, match="declares a document type"):
        rows_of(path)


@pytest.mark.parametrize("data", [b"no zip", b"PK\x03\x04 broken"])
def test_what_is_no_workbook_is_refused(tmp_path, data):
    with pytest.raises(InvalidInput, match="is no XLSX file"):
        rows_of(csv_file(tmp_path, data, "list.xlsx"))


def test_a_cell_is_written_as_people_write_it():
    assert cell_text(2.5) == "2.5"
    assert cell_text(True) == "yes"
    assert cell_text(None) == ""


def test_jsonl_is_flat_rows_and_bad_lines_are_named(tmp_path):
    lines = [
        json.dumps({"name": "Rosa", "address": {"city": "Ely"}, "tags": ["a", "b"]}),
        "{broken",
        "[1]",
        json.dumps({"name": "Mill", "score": None}),
    ]
    header, rows = rows_of(csv_file(tmp_path, "\n".join(lines), "list.jsonl"))
    assert header == ["name", "address.city", "tags", "score"]
    assert rows[0] == Row(1, ["Rosa", "Ely", "a; b", ""])
    assert rows[1].problem.startswith("Line 2: it is no JSON")
    assert rows[2].problem.startswith("Line 3: it is no JSON object")
    assert rows[3] == Row(4, ["Mill", "", "", ""])


@pytest.mark.parametrize(
    ("headers", "field", "column"),
    [
        ("Company Name,First Name,Last Name", "name", "Company Name"),
        ("id,Restaurant,cuisine", "name", "Restaurant"),
        ("Firmenname;Straße;PLZ;Ort;Telefon", "postal_code", "PLZ"),
        ("displayName.text,nationalPhoneNumber", "phone", "nationalPhoneNumber"),
        ("title,addr,city,phone,class", "street", "addr"),
        ("store_city,store_name", "city", "store_city"),
        ("name,E-Mail,Fax", "email", "E-Mail"),
        ("Business Address,Business", "street", "Business Address"),
    ],
)
def test_columns_are_known_by_their_names(headers, field, column):
    header = headers.replace(";", ",").split(",")
    sample = [[f"{name} {number}" for name in header] for number in range(3)]
    assert map_columns(header, sample)[field] == [column]


def test_columns_are_known_by_what_stands_in_them():
    sample = [
        [f"{n}", f"Rosa {n}", f"{n} Elm St.", f"(707) 555-01{n:02}", f"a{n}@b.example", f"9450{n % 9}"]
        for n in range(10, 20)
    ]  # fmt: skip
    header = ["cluster_id", "c1", "c2", "c3", "c4", "c5"]
    assert map_columns(header, sample) == {
        "name": ["c1"], "street": ["c2"], "phone": ["c3"], "email": ["c4"],
        "postal_code": ["c5"],
    }  # fmt: skip


@pytest.mark.parametrize("header", ["True Id", "cluster", "match_group", "entity_id"])
def test_a_column_that_numbers_the_truth_is_never_used(header):
    sample = [[f"Business {n}", "Rosa"] for n in range(9)]
    assert [header] not in map_columns([header, "name"], sample).values()


def test_what_a_person_maps_overrides_and_mistakes_are_named():
    header = ["a", "b", "name"]
    given = parse_map(["name=a+b", "city="], header)
    assert map_columns(header, [], given) == {"name": ["a", "b"]}
    with pytest.raises(InvalidInput, match="no column 'x'"):
        map_columns(header, [], {"name": ["x"]})
    with pytest.raises(InvalidInput, match="did you mean 'phone'"):
        map_columns(header, [], {"phon": ["a"]})
    with pytest.raises(InvalidInput, match="maps nothing"):
        parse_map(["name"], header)


def test_headers_are_compared_without_case_signs_and_camels():
    assert normal_header(" E-Mail Address ") == "e_mail_address"
    assert normal_header("nationalPhoneNumber") == "national_phone_number"
    assert normal_header("phone (2)") == "phone"


def test_what_only_files_need_is_not_loaded_by_an_idle_worker():
    """A workbook library costs megabytes in every process."""
    code = (
        "import django, sys; django.setup();"
        "from tasks.declaring import load_actors; load_actors();"
        "print([name for name in ('openpyxl', 'xlsxwriter') if name in sys.modules])"
    )
    told = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert told.stdout.strip() == "[]"
