"""What a server said means the same in whatever notice it is told on."""

from __future__ import annotations

import pytest

from campaigns.incoming.classifying import Kind, classify
from tests.campaigns.incoming.letters import notice, report

DEAD = "dead@shop.example"
#: What was said, the code to be read of it, and whether the address is dead.
SAYINGS = [
    ("550 5.1.1 User unknown", "5.1.1", True),
    ("550 5.1.0 Address rejected.", "5.1.0", True),
    ("550 5.5.0 Requested action not taken: mailbox unavailable", "5.5.0", True),
    ("550 5.7.1 No such user", "5.7.1", True),
    ("553 5.3.0 <dead@shop.example>... Addressee unknown", "5.3.0", True),
    ("450 4.1.1 User unknown in local recipient table", "4.1.1", True),
    ("550 5.4.1 Recipient address rejected: Access denied", "5.4.1", True),
    ("550 5.4.310 DNS domain shop.example does not exist", "5.4.310", True),
    ("556 5.1.10 Recipient address has null MX", "5.1.10", True),
    ("550 5.1.1 This user is no longer subscribed", "5.1.1", True),
    ("550 5.1.6 Recipient no longer on server", "5.1.6", True),
    ("550 5.4.312 Message expired, DNS query failed", "5.4.312", False),
    ("552 5.2.2 excedeu o limite de espaço", "5.2.2", False),
    ("550 5.2.1 Esta casilla ha expirado por falta de uso", "5.2.1", False),
    ("550 5.1.1 RCP-P1 https://mail.example/response_codes#rcp", "5.1.1", True),
    ("550 5.1.1 RCP-P2 https://mail.example/response_codes#rcp", "5.1.1", False),
    ("451 4.3.2 This host does not accept mail", "4.3.2", False),
    ("552 5.2.2 The mailbox is over quota", "5.2.2", False),
    ("550 5.2.1 The account that you tried to reach is disabled", "5.2.1", False),
    ("550 5.7.1 Our system has detected that this is likely spam", "5.7.1", False),
    ("550 5.7.26 This mail is unauthenticated, SPF did not pass", "5.7.26", False),
    ("552 5.3.4 Message size exceeds fixed limit", "5.3.4", False),
    ("550 5.1.8 Sender address rejected: Domain not found", "5.1.8", False),
    ("451 4.7.1 Greylisting in effect, please come back later", "4.7.1", False),
    ("421 4.4.2 Connection timed out", "4.4.2", False),
    ("550 5.1.1 User dead@shop.example unknown", "5.1.1", True),
    ("550 5.1.2 recipient domain must exist", "5.1.2", True),
    ("550 5.1.1 Account not available", "5.1.1", True),
    ("550 5.4.4 DNS lookup failure: temporary", "5.4.4", False),
    ("550 5.7.1 The return address was refused", "5.7.1", False),
]


def _report(said: str, status: str, human: str, *, has_words: bool = True) -> bytes:
    fields = f"Final-Recipient: rfc822; {DEAD}\nAction: failed\nStatus: {status}\n"
    words = f"Diagnostic-Code: smtp; {said}\n" if has_words else ""
    return report(fields + words, human=human)


def _gmail(said: str, status: str) -> bytes:
    return notice(
        f"Delivery to the following recipient failed permanently:\n\n     {DEAD}\n\n"
        "Technical details of permanent failure:\nGoogle tried to deliver your message,"
        " but it was rejected by the server for the recipient domain shop.example by"
        " mx.shop.example. [192.0.2.9].\n\nThe error that the other server returned"
        f" was:\n{said}\n\n----- Original message -----\n\nTo: {DEAD}\n",
        subject="Delivery Status Notification (Failure)",
    )


NOTICES = {
    "a report": lambda said, status: _report(said, status, "Sorry."),
    "a report that knows only the class": lambda said, status: _report(
        said, f"{status[0]}.0.0", "Sorry."
    ),
    "a report whose words are in the notice": lambda said, status: _report(
        said, status, f"Not delivered to {DEAD}:\n{said}", has_words=False
    ),
    "postfix": lambda said, status: notice(
        "I'm sorry to have to inform you that your message could not be delivered.\n\n"
        "For further assistance, please send mail to <postmaster@mx.example>\n\n"
        f"<{DEAD}>: host mx.shop.example[192.0.2.9] said:\n    {said}\n"
        "    (in reply to RCPT TO command)\n"
    ),
    "exim": lambda said, status: notice(
        "This is a permanent error. The following address(es) failed:\n\n"
        f"  {DEAD}\n    host mx.shop.example [192.0.2.9]\n"
        f"    SMTP error from remote mail server after RCPT TO:<{DEAD}>:\n    {said}\n"
    ),
    "qmail": lambda said, status: notice(
        f"Hi. This is the qmail-send program at mx.example.\n\n<{DEAD}>:\n"
        f"192.0.2.9 does not like recipient.\nRemote host said: {said}\n"
        "Giving up on 192.0.2.9.\n",
        subject="failure notice",
    ),
    "exchange": lambda said, status: notice(
        f"Delivery has failed to these recipients or groups:\n\n{DEAD}<mailto:{DEAD}>\n"
        "Your message couldn't be delivered. Contact the recipient by some other means."
        "\n\nDiagnostic information for administrators:\n\nGenerating server: ex.example"
        f"\n\n{DEAD}\nRemote Server returned '{said}'\n",
        subject="Undeliverable: Your website",
    ),
    "gmail": _gmail,
}


@pytest.mark.parametrize("name", NOTICES)
@pytest.mark.parametrize(("said", "status", "hard"), SAYINGS)
def test_a_saying_means_the_same_in_every_notice(name, said, status, hard):
    found = classify(NOTICES[name](said, status))
    assert found.kind == Kind.BOUNCE
    (failed,) = found.recipients
    assert (failed.address, failed.status, failed.hard) == (DEAD, status, hard)
