"""`manage.py sample`: what a person sees of it."""

from __future__ import annotations

import json
import socket
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from actors.main_job.loading import CAMPAIGN_NAME, TEMPLATE_NAME
from actors.main_job.running import KEY_PREFIX
from campaigns.finishing import text_of
from campaigns.models import Account, Campaign, Template
from campaigns.templating import Source, check
from leads.models import SourceConsent
from tasks.models import Task

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _sample_settings(settings):
    settings.SAMPLE_PORT = 8099
    settings.CRAIGSLIST_URL = "http://craigslist.localhost:8099"
    settings.FETCH_ALLOWED_PRIVATE = ["*.localhost:8099"]
    settings.MAIL_SINK = "127.0.0.1:8025"


def sample(*arguments):
    out = StringIO()
    call_command("sample", *arguments, stdout=out)
    return out.getvalue()


def test_load_makes_consent_account_template_and_campaign():
    assert "Made consent" in sample("load")

    assert SourceConsent.objects.get().base_url == "http://craigslist.localhost:8099"
    account = Account.objects.get()
    assert (account.smtp_host, account.smtp_port) == ("127.0.0.1", 8025)
    assert account.postal_address
    campaign = Campaign.objects.get()
    assert (campaign.state, campaign.account) == ("draft", account)
    assert campaign.template == Template.objects.get()


def test_the_invitation_is_valid_short_and_offers_the_way_out():
    sample("load")

    found = Template.objects.get()
    check(Source(found.name, found.subject, found.body_html, found.body_text))
    assert "{{ demo.url }}" in found.body_html
    assert 'id="footer"' in found.body_html
    assert len(text_of(found.body_html).split()) < 150


def test_loading_again_changes_nothing_that_a_person_edited():
    sample("load")
    Template.objects.update(subject="Mine")
    Account.objects.update(from_name="Me")
    Campaign.objects.update(min_score=77)

    assert "nothing was changed" in sample("load")
    assert Template.objects.get(name=TEMPLATE_NAME).subject == "Mine"
    assert Account.objects.get().from_name == "Me"
    assert Campaign.objects.get(name=CAMPAIGN_NAME).min_score == 77


def test_a_wrong_mail_sink_is_one_clear_sentence(settings):
    settings.MAIL_SINK = "8025"

    with pytest.raises(CommandError, match="MAIL_SINK is '8025': write host:port"):
        sample("load")


def test_run_refuses_to_scrape_anything_but_the_sample(settings):
    settings.CRAIGSLIST_URL = "https://www.craigslist.org"

    with pytest.raises(CommandError, match="runs on the sample territory only"):
        sample("run")
    assert not Task.objects.exists()


def test_run_says_when_the_territory_may_not_be_fetched(settings):
    settings.FETCH_ALLOWED_PRIVATE = []

    with pytest.raises(CommandError, match="FETCH_ALLOWED_PRIVATE"):
        sample("run")


def test_without_workers_it_says_what_is_missing_and_still_gives_the_numbers(capsys):
    out = StringIO()

    with pytest.raises(CommandError) as caught:
        call_command("sample", "run", "--timeout=0", stdout=out)

    assert "Gathering leads delivered nothing" in str(caught.value)
    assert "manage.py workers" in capsys.readouterr().err
    result = json.loads(out.getvalue().splitlines()[-1])
    assert result["leads_found"] == result["emails_sent"] == 0
    assert result["tasks"] == {"queued": 1}
    assert result["broker"] in ("rabbitmq", "in-process")


def test_a_run_joins_the_one_that_is_still_under_way():
    for _ in range(2):
        with pytest.raises(CommandError):
            sample("run", "--timeout=0")

    assert Task.objects.get().unique_key == f"{KEY_PREFIX}gather"
    assert Campaign.objects.get().state == "draft"


def test_a_taken_port_is_one_clear_sentence():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(CommandError, match=f"can't be served on port {port}"):
            sample("serve", f"--port={port}")
