"""Lists of addresses come in, counted first, hashed, once, and for good."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission, User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from fliptech_site.errors import InvalidInput
from leads import suppression_lists
from leads.models import Suppression
from leads.suppression import address_hash, is_suppressed, suppress
from leads.suppression_lists import count_list, read_bytes, read_list, suppress_list

ADA = address_hash("ada@bakery.example")


@pytest.mark.parametrize(
    "text",
    [
        "ada@bakery.example",
        "  ADA@Bakery.Example \r\n",
        "e-mail;name\nada@bakery.example;Ada\n",
        '"Lovelace, Ada" <ada@bakery.example>',
        'name,mail,when\n"Ada, of Bakery","ada@bakery.example",2026-01-01',
        '="ada@bakery.example"',
        "'ada@bakery.example",
        "mailto:ada@bakery.example",
        "ada@bakery.example\tada@bakery.example\nada@bakery.example",
    ],
)
def test_an_address_is_found_however_it_is_written(text):
    assert read_list(text).hashes == [ADA]


def test_lines_without_an_address_are_told_and_a_header_is_none():
    found = read_list(
        "Address\nada@bakery.example\n\nAda\n=cmd|' /C calc'!A0\nb@localhost"
    )

    assert found.hashes == [ADA]
    assert found.unread == ["Ada", "=cmd|' /C calc'!A0", "b@localhost"]
    assert found.unread_count == 3


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
def test_a_file_is_read_in_the_encoding_that_it_has(encoding):
    content = "name;mail\nJosé;ada@bakery.example\n".encode(encoding)

    assert read_list(read_bytes(content)).hashes == [ADA]


@given(st.text(max_size=300))
def test_any_text_is_read(text):
    found = read_list(text)

    assert len(found.hashes) == len(set(found.hashes))
    assert len(found.unread) <= min(found.unread_count, suppression_lists.MAX_SHOWN)


def test_a_list_that_is_too_large_is_refused(monkeypatch):
    monkeypatch.setattr(suppression_lists, "MAX_BYTES", 3)
    with pytest.raises(InvalidInput, match="cut it into several files"):
        read_bytes(b"a@b.c")


@pytest.mark.django_db
class TestStored:
    def test_twice_is_once_and_the_first_reason_stays(self):
        suppress("ada@bakery.example", reason="asked")
        text = "ada@bakery.example\nbob@bakery.example"

        assert count_list(text)[:2] == (1, 1)
        assert not is_suppressed("bob@bakery.example")
        assert suppress_list(text, reason=" old  list ") == 1
        assert suppress_list(text, reason="again") == 0

        reasons = Suppression.objects.order_by("pk").values_list("reason", flat=True)
        assert list(reasons) == ["asked", "old list"]
        assert is_suppressed("BOB@bakery.example")

    def test_a_list_of_many_goes_in_pieces(self, monkeypatch):
        monkeypatch.setattr(suppression_lists, "_AT_ONCE", 3)

        text = "\n".join(f"{number}@bakery.example" for number in range(10))

        assert suppress_list(text, reason="many") == 10
        assert count_list(text)[:2] == (0, 10)

    def test_a_list_without_a_reason_is_refused(self):
        with pytest.raises(InvalidInput, match="Say where the list comes from"):
            suppress_list("ada@bakery.example", reason=" ")
        assert not Suppression.objects.exists()


@pytest.mark.django_db
class TestPage:
    path = "admin:leads_suppression_import"

    @pytest.fixture
    def adder(self, client):
        user = User.objects.create(username="adder", is_staff=True)
        user.user_permissions.set(
            Permission.objects.filter(
                codename__in=["add_suppression", "view_suppression"]
            )
        )
        client.force_login(user)
        return client

    def test_counting_changes_nothing_and_shows_data_as_data(self, adder):
        text = "ada@bakery.example\n<script>alert(1)</script>"

        page = adder.post(reverse(self.path) + "?count=1", {"text": text})

        said = page.content.decode()
        assert '<strong class="text-important">1</strong> new' in said
        assert "1 line without an address" in said
        assert "<script>" not in said
        assert not Suppression.objects.exists()

    def test_a_file_is_suppressed(self, adder):
        upload = SimpleUploadedFile("list.csv", b"mail\nada@bakery.example\n")

        page = adder.post(
            reverse(self.path), {"file": upload, "reason": "Old list"}, follow=True
        )

        assert "1 address is suppressed now." in page.content.decode()
        assert is_suppressed("ada@bakery.example")

    def test_nothing_and_no_reason_are_refused_in_one_sentence(self, adder):
        assert (
            b"Choose a file, or write addresses."
            in adder.post(reverse(self.path), {"reason": "x"}).content
        )
        kept = adder.post(reverse(self.path), {"text": "ada@bakery.example"}).content
        assert b"Say where the list comes from" in kept
        assert b"ada@bakery.example</textarea>" in kept

    def test_it_asks_for_the_right_to_add(self, client):
        user = User.objects.create(username="reader", is_staff=True)
        user.user_permissions.set(
            Permission.objects.filter(codename="view_suppression")
        )
        client.force_login(user)

        assert client.get(reverse(self.path)).status_code == 403
        answer = client.post(
            reverse(self.path), {"text": "ada@bakery.example", "reason": "x"}
        )
        assert answer.status_code == 403
        assert not Suppression.objects.exists()
