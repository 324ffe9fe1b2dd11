"""Files in: nothing lost, what is wrong is named, and cut off imports go on."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from hypothesis import given
from hypothesis import strategies as st

from fliptech_site.errors import InvalidInput
from leads import uploads
from leads.import_rows import GoodRow, check_row
from leads.importing import import_file, open_import
from leads.models import Lead, LeadFact, LeadImport, LeadMerge
from leads.models.lead import LEAD_FIELDS
from leads.tables.base import BadRow
from leads.uploads import keep_upload, run_import, start_import
from tasks.models import Task

GOOD = """name,website,email,phone,city
Rosa's Bakery,rosas.example,Info@Rosas.example,(707) 555-0123,Fairview
"Mill, Old",,,,
"""


def table(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "list.csv"
    path.write_text(text, encoding="utf-8")
    return path


def problem(tmp_path, text: str) -> str:
    (row,) = open_import(table(tmp_path, text)).rows
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
def test_a_bad_row_is_named_by_line_and_column(tmp_path, text, sentence):
    assert problem(tmp_path, text) == sentence


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("", "is empty"),
        ("id,email\n1,a@b.example\n", "says the business's name"),
        ("Rosa,707 555 0123\nMill,707 555 0124\n", "is a row, not the columns' names"),
    ],
)
def test_a_file_that_names_nobody_is_refused(tmp_path, text, hint):
    with pytest.raises(InvalidInput, match=hint):
        open_import(table(tmp_path, text))


@pytest.mark.parametrize(
    ("text", "maps"),
    [
        ("name,2026-10-01,2026-11-01\nRosa,3,4\n", []),
        ("Firma A,2026-10-01,2026-11-01\nRosa,3,4\n", ["name=Firma A"]),
    ],
)
def test_columns_may_be_called_by_dates(tmp_path, text, maps):
    (row,) = open_import(table(tmp_path, text), maps=maps).rows
    assert isinstance(row, GoodRow)
    assert row.values["name"] == "Rosa"


@given(st.dictionaries(st.sampled_from(LEAD_FIELDS), st.text()))
def test_any_values_are_a_good_row_or_named(values):
    row = check_row(7, values)
    assert isinstance(row, GoodRow) or row.problem.startswith("Line 7, column")


@pytest.mark.django_db
def test_good_rows_become_leads_and_importing_again_creates_nothing(tmp_path):
    report = import_file(table(tmp_path, GOOD))
    assert (report.created, report.merged, report.known) == (2, 0, 0)
    lead = Lead.objects.get(name="Rosa's Bakery")
    assert (lead.website, lead.email) == ("https://rosas.example", "info@rosas.example")
    assert lead.phone == "+17075550123"
    assert LeadFact.objects.get(lead=lead, field="email").url == "file:list.csv"
    actors = sorted(Task.objects.values_list("actor", flat=True))
    assert actors == ["analyze_lead", "scrape_website"]
    again = import_file(table(tmp_path, GOOD))
    assert (again.created, again.merged, again.known) == (0, 0, 2)
    assert Task.objects.count() == 2


@pytest.mark.django_db
def test_many_at_once_are_stored_as_one_by_one(tmp_path):
    """The quick way for many rows and the careful way for one leave the same rows."""
    text = (
        "name,phone,city,website\n"
        "Rosa's Bakery,(707) 555-0123,Fairview,\n"
        "ROSAS BAKERY,,Fairview,rosas.example\n"
        "Golden Spoon,775 555 0188,Ely,\n"
        "Spoon,7755550188,,spoon.example\n"
        "Alone,,,alone.example\n"
    )
    report = import_file(table(tmp_path, text), send_on=False)
    # Two rows tell more about a business that an earlier row had brought.
    assert (report.created, report.known) == (3, 2)
    together = _stored()
    for model in (LeadMerge, LeadFact, Lead):
        model.objects.all().delete()
    for line in text.splitlines()[1:]:
        one = table(tmp_path, f"{text.splitlines()[0]}\n{line}\n")
        import_file(one, send_on=False)
    assert _stored() == together


def _stored():
    return {
        (
            lead.name,
            lead.phone,
            lead.website,
            tuple(sorted(lead.keys.values_list("kind", "value"))),
            tuple(sorted(lead.facts.values_list("field", "value", "source"))),
        )
        for lead in Lead.objects.active()
    }


@pytest.mark.django_db
def test_rows_are_stored_in_few_statements(tmp_path, django_assert_max_num_queries):
    lines = [f"Business {n},https://b{n}.example\n" for n in range(400)]
    path = table(tmp_path, "name,website\n" + "".join(lines))
    with django_assert_max_num_queries(16):
        assert import_file(path).created == 400
    with django_assert_max_num_queries(10):
        assert import_file(path).known == 400


@pytest.mark.django_db
def test_the_last_row_of_a_business_is_believed_at_every_import(tmp_path):
    path = table(
        tmp_path,
        "name,phone,city\nRosa's,(707) 555-0123,Fairview\nRosa's Bakery,(707) 555-0123,Ely\n",
    )
    import_file(path, send_on=False)
    first = _stored()
    assert [each[0] for each in first] == ["Rosa's Bakery"]
    import_file(path, send_on=False)
    assert _stored() == first


@pytest.mark.django_db
def test_bad_rows_are_named_and_the_good_ones_are_in(tmp_path, capsys):
    file = table(
        tmp_path, "name,email\nRosa,rosa@a.example\nBob,bob\nAnn,ann@a.example\n"
    )
    with pytest.raises(CommandError, match="all others are in"):
        call_command("leads", "import", str(file), "--no-visits")
    told = capsys.readouterr()
    assert "Line 3, column 'email'" in told.err
    assert "2 new leads" in told.out
    assert Lead.objects.count() == 2
    assert not Task.objects.exists()


@pytest.mark.django_db
def test_a_preview_shows_the_columns_and_stores_nothing(tmp_path, capsys):
    file = table(tmp_path, "Wer,Tel,Farbe\nRosa,7075550123,rot\nBob,1,blau\n")
    call_command("leads", "import", str(file), "--map", "name=Wer", "--preview")
    told = capsys.readouterr()
    assert "name is made of Wer" in told.out
    assert "not used: Farbe" in told.out
    assert "Line 2: name Rosa, phone +17075550123" in told.out
    assert "Line 3, column 'phone'" in told.err
    assert not Lead.objects.exists()


def test_a_file_that_is_not_there_is_named():
    with pytest.raises(InvalidInput, match="check its name"):
        import_file(Path("/nowhere/list.csv"))


def upload(text: str, name="Customers.csv") -> LeadImport:
    return keep_upload(name, [text.encode()], user_id=None)


@pytest.mark.django_db
def test_an_upload_is_imported_once_and_its_file_goes():
    kept = upload(GOOD)
    stored = uploads.file_of(kept)
    start_import(kept)
    assert Task.objects.filter(actor="import_leads").count() == 1
    with pytest.raises(InvalidInput, match="being imported already"):
        start_import(kept)
    assert run_import(kept.pk) == {"created": 2, "merged": 0, "known": 0, "left_out": 0}
    kept.refresh_from_db()
    assert (kept.state, kept.rows_done, kept.stored_as) == ("finished", 2, "")
    assert not stored.exists()
    assert LeadFact.objects.filter(url="file:Customers.csv").exists()
    assert run_import(kept.pk)["state"] == "finished"


@pytest.mark.django_db
def test_an_import_that_is_cut_off_goes_on_behind_its_last_batch(monkeypatch):
    rows = "".join(f"Business {n},https://b{n}.example\n" for n in range(1_200))
    kept = upload("name,website\n" + rows + "No site,ftp://x\n")
    kept.send_on = False
    kept.save()
    start_import(kept)
    monkeypatch.setattr(uploads, "_SHIFT_SECONDS", -1)
    run_import(kept.pk)
    kept.refresh_from_db()
    assert (kept.state, kept.rows_done, kept.created) == ("running", 500, 500)
    assert Task.objects.filter(actor="import_leads").count() == 2
    monkeypatch.undo()
    run_import(kept.pk)
    kept.refresh_from_db()
    assert (kept.state, kept.created, kept.known, kept.left_out) == (
        *("finished", 1_200),
        *(0, 1),
    )
    assert kept.problems[0].startswith("Line 1202, column 'website'")


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["list.exe", "list", "../x.pdf"])
def test_other_kinds_of_files_are_not_kept(name):
    with pytest.raises(InvalidInput, match="no table that can be read"):
        upload("x", name)
