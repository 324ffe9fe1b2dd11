"""CSV in and out: nothing lost, what is wrong is named, no formula gets through."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from hypothesis import given
from hypothesis import strategies as st

from fliptech_site.errors import InvalidInput
from leads.csv_rows import BadRow, GoodRow, decode_csv, read_rows
from leads.exporting import defuse, export
from leads.importing import import_file, import_text
from leads.models import Lead, LeadFact
from tasks.models import Task

GOOD = """name,website,email,phone,city
Rosa's Bakery,rosas.example,Info@Rosas.example,(707) 555-0123,Fairview
"Mill, Old",,,,
"""


def problem(text: str) -> str:
    (row,) = read_rows(text)
    assert isinstance(row, BadRow)
    return row.problem


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("name,email\nRosa,rosa", "Line 2, column 'email': 'rosa' is not an e-mail address: write it as name@example.com."),
        ("name,phone\nRosa,12", "Line 2, column 'phone': '12' is no telephone number: write it as +14155550123."),
        ("name,website\nRosa,ftp://x", "Line 2, column 'website': 'ftp://x' is not a web address: it has to begin with http:// or https:// and name a host."),
        ("name,city\n,Ely", "Line 2, column 'name': is empty: every business needs a name."),
        ("name,latitude\nRosa,north", "Line 2, column 'latitude': 'north' is no latitude: write degrees between -90 and 90."),
        ("name,city\nRosa,Ely,CA", "Line 2, column 3: the row has 3 cells and the header 2: quote cells that contain the separator."),
        ("name,postal_code\nRosa," + "9" * 30, "Line 2, column 'postal_code': has 30 characters: shorten it to 20."),
    ],
)  # fmt: skip
def test_a_bad_row_is_named_by_line_and_column(text, sentence):
    assert problem(text) == sentence


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("", "one of them 'name'"),
        ("company,email\n", "one of them 'name'"),
        (
            "name,e-mail\n",
            "Line 1, column 2: 'e-mail' is unknown, did you mean 'email'?",
        ),
        ("name,city,city\n", "Line 1, column 3: 'city' is there twice"),
    ],
)
def test_a_header_that_can_not_be_used_is_refused(text, hint):
    with pytest.raises(InvalidInput) as raised:
        list(read_rows(text))
    assert hint in str(raised.value)


def test_a_quote_that_is_never_closed_swallows_no_row_in_silence():
    rows = list(read_rows('name,city\nAnna Bau,Ulm\n"Berta,Ulm\nCarl,Ulm\n'))
    assert [type(row) for row in rows] == [GoodRow, BadRow]
    assert rows[1].problem.startswith("Line 3: a quote is opened here and never closed")


def test_semicolons_tabs_and_windows_text_are_read():
    text = decode_csv("name;city\r\nCafé;Ely\r\n".encode("cp1252"))
    assert list(read_rows(text)) == [GoodRow(2, {"name": "Café", "city": "Ely"})]
    assert len(list(read_rows(decode_csv(b"\xef\xbb\xbfname\tcity\na\tb\n")))) == 1


def test_a_line_is_counted_as_the_editor_counts_it():
    text = 'name,description\nA,"two\nlines"\nB,x\n,y\n'
    rows = list(read_rows(text))
    assert [row.line for row in rows] == [2, 4, 5]
    assert isinstance(rows[2], BadRow)


@given(st.text())
def test_any_text_is_rows_or_refused(text):
    try:
        rows = list(read_rows(text))
    except InvalidInput:
        return
    assert all(isinstance(row, GoodRow | BadRow) for row in rows)


@given(st.text())
def test_every_row_under_a_good_header_is_good_or_named(body):
    for row in read_rows(
        "name,email,phone,website,latitude\n" + body.replace("\x00", "")
    ):
        assert isinstance(row, GoodRow) or row.problem.startswith(f"Line {row.line}")


@given(st.binary())
def test_any_bytes_are_text_or_refused(data):
    try:
        assert isinstance(decode_csv(data), str)
    except InvalidInput as error:
        assert "CSV" in str(error)  # noqa: PT017


@pytest.mark.django_db
def test_good_rows_become_leads_and_importing_again_creates_nothing():
    report = import_text(GOOD, origin="list.csv")
    assert (report.created, report.merged, report.known) == (2, 0, 0)
    lead = Lead.objects.get(name="Rosa's Bakery")
    assert (lead.website, lead.email) == ("https://rosas.example", "info@rosas.example")
    assert lead.phone == "+17075550123"
    assert LeadFact.objects.get(lead=lead, field="email").url == "file:list.csv"
    actors = sorted(Task.objects.values_list("actor", flat=True))
    assert actors == ["analyze_lead", "scrape_website"]
    again = import_text(GOOD, origin="list.csv")
    assert (again.created, again.merged, again.known) == (0, 0, 2)
    assert Task.objects.count() == 2


@pytest.mark.django_db
def test_bad_rows_are_named_and_the_good_ones_are_in(tmp_path: Path, capsys):
    file = tmp_path / "list.csv"
    file.write_text("name,email\nRosa,rosa@a.example\nBob,bob\nAnn,ann@a.example\n")
    with pytest.raises(CommandError, match="all others are in"):
        call_command("leads", "import", str(file), "--no-visits")
    told = capsys.readouterr()
    assert "Line 3, column 'email'" in told.err
    assert "2 new leads" in told.out
    assert Lead.objects.count() == 2
    assert not Task.objects.exists()


def test_a_file_that_is_not_there_is_named():
    with pytest.raises(InvalidInput, match="check its name"):
        import_file(Path("/nowhere/list.csv"))


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("+cmd|' /C calc'!A0", "'+cmd|' /C calc'!A0"),
        ("-2+3", "'-2+3"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("  =1", "'  =1"),
        ("+17075550123", "+17075550123"),
        (-122.27, "-122.27"),
        (None, ""),
        ("Rosa's", "Rosa's"),
    ],
)
def test_a_cell_is_never_a_formula(value, cell):
    assert defuse(value) == cell


@pytest.mark.django_db
def test_an_export_holds_the_active_leads_best_first():
    best = Lead.objects.create(name='=HYPERLINK("x")', score=90)
    Lead.objects.create(name="Low", score=10)
    Lead.objects.create(name="Gone", score=95, merged_into=best)
    result = export(min_score=50, path="leads.csv")
    assert result["leads"] == 1
    with Path(result["path"]).open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["name"] for row in rows] == ['\'=HYPERLINK("x")']


@pytest.mark.parametrize("name", ["../x.csv", "/etc/x.csv", "x.txt", "a/b.csv", ".csv"])
def test_an_export_stays_in_its_folder(name):
    with pytest.raises(InvalidInput, match="no name for an export"):
        export(path=name)
