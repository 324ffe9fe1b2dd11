"""Log-in to a mail server with an access token: XOAUTH2, as Google and Microsoft have it."""

from __future__ import annotations

import smtplib
from collections.abc import Callable

#: Gives an access token; True asks for a new one, since the last was refused.
TokenSource = Callable[[bool], str]


def log_in(client: smtplib.SMTP, username: str, token: TokenSource) -> None:
    """Log in; a token that the server refuses is exchanged once for a new one.

    Raises smtplib's own errors and what `token` raises.
    """
    offered = client.esmtp_features.get("auth", "").upper().split()
    if "XOAUTH2" not in offered:
        raise smtplib.SMTPNotSupportedError("it offers no XOAUTH2")
    try:
        _authenticate(client, username, token(False))
    except smtplib.SMTPAuthenticationError as error:
        if error.smtp_code != 535:
            raise
        _authenticate(client, username, token(True))


def answer(username: str, token: str) -> str:
    """Give the client's one answer, before base64; for IMAP, too."""
    return f"user={username}\x01auth=Bearer {token}\x01\x01"


def _authenticate(client: smtplib.SMTP, username: str, token: str) -> None:
    def respond(challenge: bytes | None = None) -> str:
        # A challenge tells why the token is refused; a blank line asks for the code.
        return answer(username, token) if challenge is None else ""

    client.auth("XOAUTH2", respond)
