"""Signatures, verified by dkimpy with the key that the record shown to people holds."""

from __future__ import annotations

import dkim
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from django.utils import timezone

from campaigns.dkim_signing import (
    SIGNED_HEADERS,
    generate_key,
    public_record,
    read_key,
    record_name,
    signer_of,
    zone_line,
)
from campaigns.messages import Letter, build
from fliptech_site.errors import InvalidInput

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def key():
    return generate_key()


@pytest.fixture
def account(make_account, key):
    account = make_account(dkim_selector="mail2026")
    account.dkim_key = key
    account.save()
    return account


@pytest.fixture
def content():
    return build(
        Letter(
            from_name="Ada of Brightside",
            from_address="ada@brightside.example",
            to_address="bo@b.example",
            subject="Grüße",
            html="<p>Hello</p>",
            text="Hello\n.dots at the start\n\n",
            message_id="<1@brightside.example>",
            date=timezone.now(),
            unsubscribe_url="https://brightside.example/stop/1",
        )
    )


def verify(signed, account):
    """Verify as a receiver would that finds the published record."""
    published = {
        f"{record_name(account)}.".encode(): public_record(account.dkim_key).encode()
    }
    return dkim.verify(signed, dnsfunc=lambda name, timeout=5: published.get(name))


def test_a_signed_mail_is_verified_with_the_published_record(account, content):
    signed = signer_of(account).sign(content)
    assert signed.endswith(content)
    assert verify(signed, account)


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        (b"Hello\r\n", b"Hullo\r\n"),
        (b"To: bo@", b"To: jo@"),
        (b"Message-ID: <1", b"Message-ID: <2"),
        (b"/stop/1", b"/stop/2"),
        (b"One-Click", b"Two-Click"),
        (b"From: Ada", b"From: Eve <eve@e.example>\r\nFrom: Ada"),
        (b"MIME-Version", b"Reply-To: eve@e.example\r\nMIME-Version"),
    ],
)
def test_what_is_changed_or_added_on_the_way_is_noticed(was, becomes, account, content):
    signed = signer_of(account).sign(content)
    assert was in signed
    assert not verify(signed.replace(was, becomes, 1), account)


def test_a_second_from_is_signed_as_absent_for_verifiers_that_read_the_last(
    account, content
):
    head = signer_of(account).sign(content).partition(b"bh=")[0]
    named = b"".join(head.partition(b" h=")[2].split()).rstrip(b";").split(b":")
    assert named.count(b"from") == 2


def test_the_headers_of_unsubscribing_are_signed():
    wanted = {
        "From", "To", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type",
        "List-Unsubscribe", "List-Unsubscribe-Post",
    }  # fmt: skip
    assert wanted <= set(SIGNED_HEADERS)


def test_a_pasted_key_is_understood_in_either_form(key):
    loaded = serialization.load_pem_private_key(key.encode(), None)
    other = loaded.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()
    assert read_key(f"\n  {other}\n") == key


@pytest.mark.parametrize(
    ("made", "sentence"),
    [
        (None, "This is no private key"),
        (ec.generate_private_key(ec.SECP256R1()), "Only RSA keys"),
        (rsa.generate_private_key(65_537, 1024), ""),
    ],
)
def test_a_key_that_is_of_no_use_is_refused_in_one_sentence(made, sentence):
    pem = "-----BEGIN nonsense"
    if made is not None:
        pem = made.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ).decode()
    if not sentence:
        assert read_key(pem).startswith("-----BEGIN RSA PRIVATE KEY-----")
        return
    with pytest.raises(InvalidInput, match=sentence):
        read_key(pem)


def test_the_line_for_a_zone_file_holds_strings_of_255(account):
    line = zone_line(account)
    strings = line.split('"')[1::2]
    assert line.startswith("mail2026._domainkey.brightside.example. IN TXT")
    assert all(len(string) <= 255 for string in strings)
    assert "".join(strings) == public_record(account.dkim_key)


def test_the_key_is_in_no_representation(account, key):
    assert "BEGIN" not in repr(signer_of(account))
    assert "BEGIN" not in str(signer_of(account))


def test_providers_sign_by_themselves(account):
    account.kind = "resend"
    assert signer_of(account) is None
