"""Signatures of a sender's domain under its mails (DKIM, RFC 6376)."""

from __future__ import annotations

import base64
from typing import NamedTuple

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from campaigns.models import Account
from fliptech_site.errors import InvalidInput

_BITS = 2048
#: Below this the large providers take no signature for one.
_LEAST_BITS = 1024
#: What one string of a TXT record holds.
_STRING = 255
#: Signed where the mail has them; none that it lacks may be added on the way, and no
#: second From. RFC 8058 asks for both headers of unsubscribing.
SIGNED_HEADERS = (
    "From", "From", "To", "Cc", "Subject", "Date", "Message-ID", "Reply-To", "In-Reply-To",
    "References", "MIME-Version", "Content-Type", "Content-Transfer-Encoding",
    "List-Unsubscribe", "List-Unsubscribe-Post",
)  # fmt: skip


class Signer(NamedTuple):
    """A domain's key and where its public half is found."""

    selector: str
    domain: str
    key: str

    def __repr__(self) -> str:
        return f"Signer({self.selector}._domainkey.{self.domain})"

    def sign(self, content: bytes) -> bytes:
        """Give the mail with a signature before its first header."""
        # Where it is needed: an idle worker holds no resolver of names.
        import dkim

        signature: bytes = dkim.sign(
            content,
            selector=self.selector.encode(),
            domain=self.domain.encode("idna"),
            privkey=self.key.encode(),
            canonicalize=(b"relaxed", b"relaxed"),
            include_headers=[name.encode() for name in SIGNED_HEADERS],
        )
        return signature + content


def signer_of(account: Account) -> Signer | None:
    """Give what signs an account's mails, if it has a key and they go by SMTP.

    Providers sign by themselves. Raises PermanentError when the key can't be read.
    """
    if account.kind != Account.Kind.SMTP or not account.dkim_key_sealed:
        return None
    return Signer(account.dkim_selector, account.domain, account.dkim_key)


def generate_key() -> str:
    """Make a private key, as PEM."""
    return _pem(rsa.generate_private_key(public_exponent=65_537, key_size=_BITS))


def read_key(pem: str) -> str:
    """Give a pasted private key in the form that is kept. Raises InvalidInput."""
    try:
        key = serialization.load_pem_private_key(pem.strip().encode(), password=None)
    except (ValueError, TypeError):
        raise InvalidInput(
            "This is no private key: paste all of it, from -----BEGIN to the end of the"
            " END line, without a password."
        ) from None
    if not isinstance(key, rsa.RSAPrivateKey):
        raise InvalidInput("Only RSA keys are understood everywhere: paste one of RSA.")
    if key.key_size < _LEAST_BITS:
        raise InvalidInput(
            f"A key of {key.key_size} bits convinces nobody: use one of {_BITS} bits."
        )
    return _pem(key)


def record_name(account: Account) -> str:
    """Give the name under which the domain has to publish the public key."""
    return f"{account.dkim_selector}._domainkey.{account.domain}"


def public_record(pem: str) -> str:
    """Give the TXT record that belongs to a private key, as one text."""
    key = serialization.load_pem_private_key(pem.encode(), password=None)
    public = key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return f"v=DKIM1; k=rsa; p={base64.b64encode(public).decode()}"


def zone_line(account: Account) -> str:
    """Give the record as a line of a zone file, cut into the strings that it needs."""
    record = public_record(account.dkim_key)
    strings = [record[at : at + _STRING] for at in range(0, len(record), _STRING)]
    quoted = " ".join(f'"{string}"' for string in strings)
    return f"{record_name(account)}. IN TXT ( {quoted} )"


def _pem(key: rsa.RSAPrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    ).decode("ascii")
