"""The checks of a domain against a real name server, and against none."""

from __future__ import annotations

import socket

import pytest

from campaigns.dkim_signing import generate_key, public_record
from campaigns.domain_checks import check_domain, find, request_checks
from campaigns.models import Account
from fliptech_site.errors import InvalidInput
from tasks.models import Task
from tests.campaigns.name_server import NameServer, resolver_at

pytestmark = pytest.mark.django_db

DOMAIN = "brightside.example"
SPF = "v=spf1 ip4:192.0.2.1 -all"
DMARC = f"v=DMARC1; p=quarantine; rua=mailto:ada@{DOMAIN}"


@pytest.fixture(scope="module")
def key():
    return generate_key()


@pytest.fixture(scope="module")
def running():
    with NameServer() as running:
        yield running


@pytest.fixture
def names(running, key):
    running.texts = {
        DOMAIN: [SPF, "unrelated=1"],
        f"_dmarc.{DOMAIN}": [DMARC],
        f"mail._domainkey.{DOMAIN}": [public_record(key)],
    }
    return running


@pytest.fixture
def account(make_account, key):
    account = make_account(dkim_selector="mail")
    account.dkim_key = key
    account.save()
    return account


def test_a_domain_in_order_is_good_in_three_ways(account, names):
    findings = check_domain(account.pk, resolver_at(names.port))

    assert {name: each.state for name, each in findings.items()} == {
        "spf": "good", "dkim": "good", "dmarc": "good",
    }  # fmt: skip
    row = Account.objects.get()
    assert row.domain_checks["spf"] == {
        "state": "good", "sentence": "SPF says who may send in this name.", "record": SPF,
    }  # fmt: skip
    assert row.domain_checked_at is not None


def test_a_corrected_record_is_seen_at_once(account, names):
    names.texts[DOMAIN] = ["v=spf1 +all"]
    assert check_domain(account.pk, resolver_at(names.port))["spf"].state == "warning"
    names.texts[DOMAIN] = [SPF]
    assert check_domain(account.pk, resolver_at(names.port))["spf"].state == "good"


def test_a_domain_without_records_is_told_what_to_publish(account, running):
    running.texts = {DOMAIN: ["unrelated=1"], "example": ["x"]}
    found = find(account, resolver_at(running.port))

    assert {each.state for each in found.values()} == {"bad"}
    assert f"{DOMAIN} has no SPF record: publish a TXT record" in found["spf"].sentence
    assert f"at _dmarc.{DOMAIN}" in found["dmarc"].sentence
    assert "publish the record shown below there" in found["dkim"].sentence


@pytest.mark.parametrize(
    ("records", "state", "words"),
    [
        ([SPF, "v=spf1 ~all"], "bad", "multiple SPF"),
        (["v=spf1 ip4:nonsense -all"], "bad", "can't be used"),
        (["v=spf1 include:gone.example -all"], "bad", "can't be used"),
        (["v=spf1 ?all"], "warning", "lets anybody send"),
        (["v=spf1 ip4:192.0.2.1 ~all"], "good", "says who may send"),
    ],
)
def test_spf(records, state, words, account, names):
    names.texts[DOMAIN] = records
    found = find(account, resolver_at(names.port))["spf"]
    assert (found.state, words in found.sentence) == (state, True), found


@pytest.mark.parametrize(
    ("records", "state", "words"),
    [
        ([f"v=DMARC1; p=none; rua=mailto:a@{DOMAIN}"], "good", "only watches"),
        (["v=DMARC1; p=sometimes"], "bad", "can't be used"),
        ([DMARC, DMARC.replace("quarantine", "none")], "bad", "can't be used"),
        ([SPF], "bad", "can't be used"),
    ],
)
def test_dmarc(records, state, words, account, names):
    names.texts[f"_dmarc.{DOMAIN}"] = records
    found = find(account, resolver_at(names.port))["dmarc"]
    assert (found.state, words in found.sentence) == (state, True), found


def test_dkim_is_compared_with_the_key_that_signs(account, names):
    where = f"mail._domainkey.{DOMAIN}"
    names.texts[where] = [public_record(generate_key())]
    assert "not the one that signs" in _dkim(account, names).sentence
    names.texts[where] = ["v=DKIM1; p="]
    assert "was taken back" in _dkim(account, names).sentence
    names.texts[where] = [names.texts[where][0], "v=DKIM1; p=abc"]
    assert "2 keys" in _dkim(account, names).sentence


def test_a_providers_key_is_looked_up_by_its_selector(make_account, names, key):
    account = make_account(kind="resend", dkim_selector="mail")
    assert _dkim(account, names).state == "good"
    account.dkim_selector = "other"
    assert "correct the selector" in _dkim(account, names).sentence
    account.dkim_selector = ""
    assert _dkim(account, names).state == "unknown"


def _dkim(account, names):
    return find(account, resolver_at(names.port))["dkim"]


def test_a_name_server_that_is_not_there_is_said_to_be_so(account):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as deaf:
        deaf.bind(("127.0.0.1", 0))
        findings = check_domain(account.pk, resolver_at(deaf.getsockname()[1], 0.2))

    assert {each.state for each in findings.values()} == {"unknown"}
    assert all("could not be asked" in each.sentence for each in findings.values())
    assert Account.objects.get().domain_checks["dmarc"]["state"] == "unknown"


def test_a_machine_without_a_name_server_is_told_so(account, monkeypatch):
    import dns.resolver

    def unconfigured(*_, **__):
        raise dns.resolver.NoResolverConfiguration

    monkeypatch.setattr(dns.resolver, "Resolver", unconfigured)
    assert {each.state for each in find(account).values()} == {"unknown"}


def test_an_unknown_account_is_refused():
    with pytest.raises(InvalidInput, match="There is no account 0"):
        check_domain(0)


def test_each_account_that_is_switched_on_is_checked_every_day(account, make_account):
    make_account(is_enabled=False)
    assert request_checks() == {"accounts": 1}
    task = Task.objects.get(actor="check_sender_domain")
    assert task.kwargs == {"account_id": account.pk}
