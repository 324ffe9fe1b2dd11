"""What the tests of this room share: a lead, and a folder of its own for each test."""

from __future__ import annotations

import pytest

from demos.building import generate_demo
from demos.models import DemoSite
from leads.models import Lead

#: What a person's browser says of itself.
BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:142.0) Gecko/20100101 Firefox/142.0"


@pytest.fixture(autouse=True)
def _own_demo_root(settings, tmp_path):
    settings.DEMO_ROOT = tmp_path / "demos"


@pytest.fixture
def lead(db):
    return make_lead()


@pytest.fixture
def site(lead):
    return publish(lead)


def make_lead(**fields):
    known = {
        "name": "Harbor Light Plumbing",
        "category": "skilled trade services",
        "city": "Alameda",
        "region": "CA",
        "phone": "+15105550142",
        "email": "office@harborlight.example",
    }
    return Lead.objects.create(**{**known, **fields})


def publish(lead):
    generate_demo(lead.pk)
    return DemoSite.objects.get(lead=lead)
