"""Imports and exports in admin: a file is looked at before it is stored, by who may."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission, User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from leads.models import Lead, LeadExport, LeadImport
from leads.uploads import run_import
from tasks.models import Task

pytestmark = pytest.mark.django_db
IMPORTS, EXPORTS = "/admin/leads/leadimport/", "/admin/leads/leadexport/"


@pytest.fixture(autouse=True)
def _only_this_room(settings, monkeypatch):
    # The menu of the whole house has its own test.
    monkeypatch.setitem(settings.UNFOLD["SIDEBAR"], "navigation", [])


@pytest.fixture
def owner(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("owner"))
    return client


@pytest.fixture
def reader(client: Client) -> Client:
    user = User.objects.create_user("reader", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
    client.force_login(user)
    return client


def upload(client: Client, text: str, name="Kunden.csv"):
    file = SimpleUploadedFile(name, text.encode())
    return client.post(f"{IMPORTS}add/", {"file": file, "send_on": "on"}, follow=True)


def test_a_file_is_uploaded_looked_at_mapped_and_imported(owner):
    text = upload(owner, "Wer,Tel,<b>\nRosa,7075550123,x\nBob,12,y\n").content.decode()
    assert "'12' is no telephone number" not in text  # As text in HTML it is quoted.
    assert "is no telephone number: write it as" in text
    assert "+17075550123" in text
    assert "Columns that are not used: &lt;b&gt;" in text
    assert not Lead.objects.exists()
    kept = LeadImport.objects.get()
    change = f"{IMPORTS}{kept.pk}/change/"
    chosen = {"column_name": "Wer", "column_city": "Tel", "send_on": "on"}
    owner.post(change, chosen, follow=True)
    kept.refresh_from_db()
    assert (kept.columns["name"], kept.columns["city"]) == (["Wer"], ["Tel"])
    assert kept.columns["phone"] == []
    answer = owner.post(f"{IMPORTS}{kept.pk}/start/", {"_form_submitted": "True"})
    assert answer.headers["HX-Redirect"] == change
    run_import(kept.pk)
    assert set(Lead.objects.values_list("name", "city")) == {
        ("Rosa", "7075550123"),
        ("Bob", "12"),
    }
    assert "finished" in owner.get(change).content.decode()
    # What is in can't be mapped anew.
    owner.post(change, {"column_name": "Tel"})
    kept.refresh_from_db()
    assert kept.columns["name"] == ["Wer"]


def test_a_file_that_can_not_be_read_is_refused_at_its_field(owner):
    text = upload(owner, "x", "virus.exe").content.decode()
    assert "no table that can be read" in text
    assert not LeadImport.objects.exists()


def test_a_choice_without_a_name_is_refused(owner):
    upload(owner, "Firma,Tel\nRosa,7075550123\n")
    kept = LeadImport.objects.get()
    text = owner.post(f"{IMPORTS}{kept.pk}/change/", {"column_name": ""}).content
    assert b"says the business" in text


def test_readers_neither_import_nor_export(reader, tmp_path):
    assert reader.get(f"{IMPORTS}add/").status_code == 403
    kept = LeadImport.objects.create(name="x", stored_as="x.csv")
    answer = reader.post(f"{IMPORTS}{kept.pk}/start/", {"_form_submitted": "True"})
    assert answer.status_code == 403
    row = {"format": "csv", "_form_submitted": "True"}
    assert reader.post(f"{EXPORTS}ask/", row).status_code == 403
    assert not Task.objects.exists()
    assert reader.get(EXPORTS).status_code == 200


def test_an_export_is_asked_for_with_filters(owner):
    page = owner.get(EXPORTS).content.decode()
    assert "Export leads" in page
    row = {"format": "xlsx", "stage": "qualified", "min_score": "60", "city": "Ely"}
    answer = owner.post(f"{EXPORTS}ask/", row | {"_form_submitted": "True"})
    assert answer.headers["HX-Redirect"] == EXPORTS
    wanted = LeadExport.objects.get()
    assert wanted.filters == {"stage": "qualified", "min_score": 60, "city": "Ely"}
    assert Task.objects.get().kwargs == {"format": "xlsx", "export_id": wanted.pk}


@pytest.mark.parametrize("across", ["0", "1"])
def test_the_chosen_leads_are_exported_or_the_whole_list_under_its_filters(
    owner, across
):
    chosen = Lead.objects.create(name="Rosa", city="Ely")
    Lead.objects.create(name="Bob", city="Ely")
    owner.post(
        "/admin/leads/lead/?city=Ely&stage=unscored",
        {"action": "export_leads", "_selected_action": [chosen.pk], "select_across": across},
    )  # fmt: skip
    expected = (
        {"ids": [chosen.pk]} if across == "0" else {"city": "Ely", "stage": "unscored"}
    )
    assert LeadExport.objects.get().filters == expected
