"""Facts and keys belong to leads that are there; the database holds to it for whole statements."""

from __future__ import annotations

import threading
import time

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from leads.models import Lead, LeadBlock, LeadFact, LeadKey


def fact(lead_id: int, url: str = "https://list.example/1") -> LeadFact:
    return LeadFact(
        lead_id=lead_id,
        field="email",
        value="info@shop.example",
        source="website",
        url=url,
        fetched_at=timezone.now(),
    )


@pytest.mark.django_db
def test_a_fact_of_a_lead_that_is_not_there_is_refused_with_all_of_its_statement():
    lead = Lead.objects.create(name="Shop")
    with pytest.raises(IntegrityError, match="not there"), transaction.atomic():
        LeadFact.objects.bulk_create([fact(lead.pk), fact(lead.pk + 1)])
    assert not LeadFact.objects.exists()


@pytest.mark.django_db
def test_a_fact_can_not_be_moved_to_a_lead_that_is_not_there():
    lead = Lead.objects.create(name="Shop")
    fact(lead.pk).save()
    with pytest.raises(IntegrityError, match="not there"), transaction.atomic():
        LeadFact.objects.update(lead_id=lead.pk + 1)
    assert LeadFact.objects.get().lead == lead


@pytest.mark.django_db
def test_facts_go_with_their_lead_even_when_django_does_not_ask():
    lead, other = (Lead.objects.create(name=name) for name in ("Shop", "Other"))
    LeadFact.objects.bulk_create([fact(lead.pk), fact(other.pk)])
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM leads_lead WHERE id = %s", [lead.pk])
    assert LeadFact.objects.get().lead == other


@pytest.mark.django_db
def test_blocks_are_held_to_the_same():
    lead, other = (Lead.objects.create(name=name) for name in ("Shop", "Other"))
    with pytest.raises(IntegrityError, match="not there"), transaction.atomic():
        LeadBlock.objects.create(lead_id=other.pk + 1, key="t:shop")
    for each in (lead, other):
        LeadBlock.objects.create(lead=each, key="t:shop")
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM leads_lead WHERE id = %s", [lead.pk])
    assert LeadBlock.objects.get().lead == other


@pytest.mark.django_db
def test_keys_are_held_to_the_same():
    lead = Lead.objects.create(name="Shop")
    LeadKey.objects.create(lead=lead, kind="phone", value="+14155550123")
    with pytest.raises(IntegrityError, match="not there"), transaction.atomic():
        LeadKey.objects.create(lead_id=lead.pk + 1, kind="phone", value="+14155550124")
    with pytest.raises(IntegrityError, match="not there"), transaction.atomic():
        LeadKey.objects.update(lead_id=lead.pk + 1)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM leads_lead WHERE id = %s", [lead.pk])
    assert not LeadKey.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_lead_is_deleted_with_the_fact_that_another_worker_is_adding():
    lead = Lead.objects.create(name="Shop")
    deleting = threading.Thread(target=_delete, args=(lead.pk,))
    with transaction.atomic():
        fact(lead.pk).save()
        deleting.start()
        _wait_for_a_lock()
        # The deletion waits for us: the lead is locked while facts are added to it.
        assert Lead.objects.filter(pk=lead.pk).exists()
    deleting.join(10)
    assert not Lead.objects.exists()
    assert not LeadFact.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_fact_that_comes_while_its_lead_is_deleted_is_refused():
    lead = Lead.objects.create(name="Shop")
    errors: list[Exception] = []
    adding = threading.Thread(target=_add, args=(lead.pk, errors))
    with transaction.atomic():
        lead_id = lead.pk
        lead.delete()
        adding.start()
        _wait_for_a_lock()
    adding.join(10)
    assert [type(error) for error in errors] == [IntegrityError]
    assert not LeadFact.objects.filter(lead_id=lead_id).exists()


def _delete(lead_id: int) -> None:
    try:
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM leads_lead WHERE id = %s", [lead_id])
    finally:
        connection.close()


def _add(lead_id: int, errors: list[Exception]) -> None:
    try:
        fact(lead_id).save()
    except IntegrityError as error:
        errors.append(error)
    finally:
        connection.close()


def _wait_for_a_lock() -> None:
    """Wait until another session waits for a lock of a row of ours."""
    for _ in range(200):
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_locks WHERE NOT granted"
                " AND pg_backend_pid() = ANY(pg_blocking_pids(pid))"
            )
            if cursor.fetchone()[0]:
                return
        time.sleep(0.05)
    raise AssertionError("nobody waited")
