"""The sample campaign's mails, taken out of a real inbox, stand up to an outside eye."""

from __future__ import annotations

import html as html_text
import json
import re
import shutil
import subprocess
from datetime import timedelta
from email import message_from_bytes
from email.policy import default
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.utils import timezone

from actors.main_job.loading import load_sample
from campaigns import sink
from campaigns.launching import launch
from campaigns.models import Account, SinkMessage
from campaigns.reviewing import review
from campaigns.sending import send_email
from demos.models import DemoSite
from leads.models import Lead
from leads.suppression import is_suppressed
from tests.actors.outside_eye import faults_of, shown_links

pytestmark = pytest.mark.django_db(transaction=True)

WIDTHS = (320, 390, 600, 1440)
BROWSER = shutil.which("chromium-headless-shell") or shutil.which("chromium")
LEADS = [
    {"name": "Rosie's Bakery", "city": "Alder Point", "website": "https://r.example/"},
    {"name": "Müller & Söhne <GmbH>", "city": "Köln", "audit": {"has_viewport": False}},
    {"name": "見積もり屋", "website": "https://m.example/"},
    {"name": "Donaudampfschifffahrtsgesellschaftskapitänskajütenschlüsselhersteller"},
    {"name": "{{ lead.email }} {a|b}\u2028x", "city": " "},
]


@pytest.fixture
def mails():
    """One mail of the sample campaign to each lead, as it arrived."""
    server = sink.sink_server("127.0.0.1", 0)
    server.start()
    campaign = load_sample().campaign
    Account.objects.update(smtp_port=server.port)
    for number, values in enumerate(LEADS):
        _make_lead(f"owner{number}@bakery{number}.example", values)
    assert launch(campaign.pk)["state"] == "running"
    for email in campaign.emails.all():
        assert send_email(email.pk)["state"] == "sent"
    server.stop()
    return [bytes(message.raw) for message in SinkMessage.objects.order_by("pk")]


def _make_lead(address, values):
    now = timezone.now()
    DemoSite.objects.create(
        lead=Lead.objects.create(email=address, score=80, **values),
        state="published",
        build="a" * 64,
        published_at=now,
        expires_at=now + timedelta(days=30),
    )


def html_of(raw):
    mail = message_from_bytes(raw, policy=default)
    return mail.get_body(("html",)).get_content()


def test_every_mail_is_valid_and_says_the_same_in_both_parts(mails):
    assert len(mails) == len(LEADS)
    for raw in mails:
        assert faults_of(raw, base_url=settings.PUBLIC_URL) == []


def test_every_link_leads_where_the_text_says(mails, client):
    for raw in mails:
        mail = message_from_bytes(raw, policy=default)
        text = mail.get_body(("plain",)).get_content()
        demo, stop = re.findall(r"https?://[^\s<>]+", text)

        clicked, stopped = shown_links(html_of(raw))

        assert stopped == stop == mail["List-Unsubscribe"].strip("<>")
        answer = client.get(urlsplit(clicked).path, follow=False)
        assert (answer.status_code, answer["Location"]) == (302, demo)


def test_the_way_out_shows_a_page_and_works_by_one_post(mails, client):
    mail = message_from_bytes(mails[0], policy=default)
    path = urlsplit(mail["List-Unsubscribe"].strip("<>")).path
    address = mail["To"].addresses[0].addr_spec

    assert client.get(path).status_code == 200
    assert not is_suppressed(address)
    # As a mail program posts it: no cookie, no token.
    stranger = type(client)(enforce_csrf_checks=True)
    answer = stranger.post(path, {"List-Unsubscribe": "One-Click"})
    assert answer.status_code == 200
    assert is_suppressed(address)


def test_the_sample_template_has_no_fault_that_the_linter_knows(mails):
    campaign = load_sample().campaign
    found = [
        finding.sentence
        for finding in review(campaign.template, campaign)
        if "not encrypted" not in finding.sentence
    ]

    assert found == []


@pytest.mark.skipif(BROWSER is None, reason="there is no Chromium here")
def test_no_mail_has_to_be_pushed_sideways_on_a_phone(mails, tmp_path):
    pages = [html_of(raw) for raw in mails]

    widths = _widths_needed(pages, tmp_path)

    assert len(widths) == len(pages) * len(WIDTHS)
    assert [(has, needs) for has, needs in widths if needs > has] == []


def test_the_browser_sees_what_is_too_wide(tmp_path):
    if BROWSER is None:
        pytest.skip("there is no Chromium here")
    widths = _widths_needed(["<!doctype html><p style='width:500px'>x"], tmp_path)

    assert [has for has, needs in widths if needs > has] == [320, 390]


def _widths_needed(pages, folder):
    """Give for each page and width how wide a browser makes it."""
    frames = "".join(
        f'<iframe width="{width}" srcdoc="{html_text.escape(page)}"></iframe>'
        for page in pages
        for width in WIDTHS
    )
    script = (
        "onload = () => { const all = Array.from(document.querySelectorAll('iframe'));"
        " document.body.textContent = JSON.stringify(all.map(frame =>"
        " [Number(frame.width), frame.contentDocument.documentElement.scrollWidth])) }"
    )
    harness = folder / "harness.html"
    harness.write_text(
        f"<!doctype html><meta charset=utf-8><style>iframe{{border:0}}</style>"
        f"<body>{frames}<script>{script}</script>"
    )
    shown = subprocess.run(
        [
            BROWSER, "--no-sandbox", "--disable-gpu", "--window-size=1600,900",
            "--host-resolver-rules=MAP * ~NOTFOUND", f"--user-data-dir={folder}/profile",
            "--virtual-time-budget=10000", "--dump-dom", harness.as_uri(),
        ],
        capture_output=True, text=True, timeout=60, check=True,
    ).stdout  # fmt: skip
    found = re.search(r"\[\[.*\]\]", shown)
    assert found, shown[-500:]
    return json.loads(found[0])
