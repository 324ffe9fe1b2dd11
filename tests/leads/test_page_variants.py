"""Pages and answers in the other shapes that sources have had or give elsewhere."""

from __future__ import annotations

import json
from typing import Any

import pytest

from leads.sources import PAGE_READERS
from leads.sources.linkedin_contacts import read_contacts
from tests.leads import board_shapes as boards
from tests.leads import craigslist_shapes as shapes
from tests.leads.places_api import place

LIST = f"{shapes.BASE}/search/area/sfbay?cat=bbb"
HEADER = "First Name,Last Name,URL,Email Address,Company,Position,Connected On"
ROW = "Ann,Lee,https://www.linkedin.com/in/ann,,Loom Labs,Owner,{}"
GREENHOUSE = json.loads(boards.greenhouse("Welder"))["jobs"][0]
COMMENT = "Loom Labs (<a href='https://loom.example'>https://loom.example</a>) | Weaver | Berlin | ONSITE"


def read(source: str, text: str, url: str = "") -> tuple[str, list[dict[str, Any]]]:
    told = PAGE_READERS[source](text, url)
    return str(told.outcome), told.items


@pytest.mark.parametrize(
    ("header", "day"),
    [
        (HEADER, "1 Feb 2024"),
        ("Vorname,Nachname,URL,E-Mail-Adresse,Unternehmen,Position,Verbunden am", "01 Feb. 2024"),
        ("Prénom,Nom,URL,Adresse e-mail,Entreprise,Poste,Connecté le", "01 févr. 2024"),
        ("Nombre,Apellidos,URL,Dirección de correo electrónico,Empresa,Cargo,Conectado el", "01 feb. 2024"),
        ("Nome,Cognome,URL,Indirizzo email,Azienda,Posizione,Collegato il", "01 feb 2024"),
        ("Nome,Sobrenome,URL,Endereço de e-mail,Empresa,Cargo,Conectado em", "1 de fev. de 2024"),
        ("Voornaam,Achternaam,URL,E-mailadres,Bedrijf,Functie,Verbonden op", "01 feb. 2024"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_contacts_are_read_in_every_language_and_separator(header, day, separator, end):
    lines = ["Notes:", '"Some, of it; is missing."', "", header, ROW.format(day)]
    text = end.join(
        [*lines[:3], *(line.replace(",", separator) for line in lines[3:]), ""]
    )
    (contact,) = read_contacts(f"\ufeff{text}").contacts
    assert (contact.name, contact.company, contact.position) == (
        "Ann Lee", "Loom Labs", "Owner",
    )  # fmt: skip
    assert contact.connected_on == "2024-02-01"


@pytest.mark.parametrize(
    ("word", "month"),
    [("März", 3), ("août", 8), ("juin", 6), ("juil.", 7), ("giu", 6), ("lug", 7),
     ("dez", 12), ("ene.", 1), ("mei", 5), ("Mai", 5), ("out.", 10), ("mrt", 3)],
)  # fmt: skip
def test_months_are_known_by_their_names(word, month):
    text = f"{HEADER}\n{ROW.format(f'07 {word} 2024')}"
    assert read_contacts(text).contacts[0].connected_on == f"2024-{month:02}-07"


@pytest.mark.parametrize(
    ("source", "text", "url"),
    [
        ("greenhouse", json.dumps({"departments": [{"id": 1, "jobs": [GREENHOUSE]}]}), ""),
        ("lever", json.dumps([{"title": "Shop", "postings": json.loads(boards.LEVER)}]), ""),
        ("workable", json.dumps({"shortcode": "A1", "title": "Guide", "description": "<p>x"}),
         "https://apply.workable.com/api/v2/accounts/dune/jobs/A1"),
        ("hacker_news", json.dumps({"by": "a", "id": 1, "type": "comment", "text": COMMENT}), ""),
    ],
)  # fmt: skip
def test_other_answers_of_boards_are_read(source, text, url):
    outcome, items = read(source, text, url)
    assert (outcome, len(items)) == ("ok", 1)
    assert items[0]["company"]


def thread_page(*comments: tuple[str, str]) -> str:
    rows = (
        f"<tr class='athing comtr' id='{number}'><td>{indent}<td class=default>"
        f"<span class=age title='2026-11-02T15:00:00'></span>"
        f"<div class='commtext c00'>{text}</div></tr>"
        for number, (indent, text) in enumerate(comments)
    )
    return (
        f"<html><table id=hnmain><tr class=athing></tr>{''.join(rows)}</table></html>"
    )


def test_a_thread_that_a_browser_saved_is_read_without_the_replies():
    page = thread_page(
        ("<td class=ind indent=0>", COMMENT),
        ("<td class=ind indent=1>", "Acme | a reply"),
        ("<td class=ind><img width=40>", "Acme | an old reply"),
        ("<td class=ind><img width=0>", "Mill | Baker | Oslo"),
        ("<td class=ind indent=0>", "Is anybody hiring juniors?"),
    )
    for source in ("job_boards", "hacker_news"):
        outcome, items = read(source, page)
        assert outcome == "ok"
        assert [item["company"] for item in items] == ["Loom Labs", "Mill"]
    assert items[0]["website"] == "https://loom.example/"
    assert items[0]["posted_at"] == "2026-11-02T15:00:00"


def test_what_a_job_only_refers_to_is_put_in_place():
    graph = [
        {"@type": "Organization", "@id": "#us", "name": "Mill Bakery"},
        {"@type": "JobPosting", "title": "Baker", "hiringOrganization": {"@id": "#us"}},
    ]
    block = json.dumps({"@graph": graph})
    page = f'<script type="application/ld+json">{block}</script>'
    (item,) = read("company_page", page)[1]
    assert item["company"] == "Mill Bakery"


def test_a_list_of_another_tag_and_an_old_page_without_results_are_known():
    rows = shapes.row(1) + shapes.row(2)
    page = shapes.list_page(rows).replace("<ol", "<ul").replace("</ol", "</ul")
    assert len(read("craigslist", page, LIST)[1]) == 2
    old = (
        "<link href='//www.craigslist.org/styles/x.css'>"
        "<div class=noresults>Nothing found for that search</div>"
    )
    assert read("craigslist", old, "https://sfbay.craigslist.org/search/bbs") == (
        "empty", [],
    )  # fmt: skip


def test_an_error_in_a_list_and_an_answer_of_the_old_interface_are_told_apart():
    error = [{"error": {"code": 429, "status": "RESOURCE_EXHAUSTED"}}]
    assert read("google_maps", json.dumps(error))[0] == "rate_limited"
    old = {"results": [{"place_id": "x", "name": "A"}], "status": "OK"}
    assert read("google_maps", json.dumps(old))[0] == "markup_changed"
    assert read("google_maps", "{}")[0] == "empty"
    assert read("google_maps", json.dumps(place(1, 1, 1)))[0] == "ok"
