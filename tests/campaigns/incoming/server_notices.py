"""Notices of mail servers, written after the shapes that each of them uses.

Each: the body, the headers that tell it apart, and whom it did not reach, with the code,
the reason and whether the address is dead.
"""

from __future__ import annotations

from typing import NamedTuple

from tests.campaigns.incoming.letters import notice


class Shape(NamedTuple):
    """A notice, and what is to be read in it."""

    body: str
    status: str
    reason: str
    hard: bool
    address: str = "dead@shop.example"
    headers: dict[str, str] = {}

    def raw(self) -> bytes:
        """Build the mail."""
        return notice(self.body, **self.headers)


SERVERS = {
    "sendmail": Shape(
        "The original message was received at Mon, 2 Nov 2026 09:15:00 +0100\n"
        "from studio.example [192.0.2.7]\n\n"
        "   ----- The following addresses had permanent fatal errors -----\n"
        "<dead@shop.example>\n    (reason: 550 5.1.1 User unknown)\n\n"
        "   ----- Transcript of session follows -----\n"
        "... while talking to mx.shop.example.:\n>>> DATA\n"
        "<<< 550 5.1.1 User unknown\n550 5.1.1 <dead@shop.example>... User unknown\n",
        "5.1.1", "user_unknown", True,
        headers={"subject": "Returned mail: see transcript for details"},
    ),
    "sendmail 5": Shape(
        "   ----- Transcript of session follows -----\n"
        "While talking to mx.shop.example:\n>>> RCPT To:<dead@shop.example>\n"
        "<<< 550 <dead@shop.example>, User Unknown\n"
        "550 <dead@shop.example>... User unknown\n\n"
        "   ----- Unsent message follows -----\nFrom: anna@studio.example\n",
        "5.1.1", "user_unknown", True,
        headers={"subject": "Returned mail: User unknown"},
    ),
    "sendmail 5, a host that does not answer": Shape(
        "   ----- Transcript of session follows -----\n"
        "421 shop.example (smtp)... Deferred: Connection timed out during user open\n\n"
        "   ----- Unsent message follows -----\n"
        "From: anna@studio.example\nTo: dead@shop.example\n",
        "4.4.1", "network", False,
        headers={"subject": "Returned mail: Cannot send message for 3 days"},
    ),
    "qmail, refused by the other side": Shape(
        "Hi. This is the qmail-send program at mx.example.\n"
        "I'm afraid I wasn't able to deliver your message to the following addresses.\n\n"
        "<dead@shop.example>:\n192.0.2.9 does not like recipient.\n"
        "Remote host said: 550 sorry, your envelope recipient is in my badrcptto list\n"
        "Giving up on 192.0.2.9.\n",
        "5.1.1", "user_unknown", True,
        headers={"subject": "failure notice"},
    ),
    "qmail, given up after a week": Shape(
        "Hi. This is the qmail-send program at mx.example.\n\n<dead@shop.example>:\n"
        "Sorry, I wasn't able to establish an SMTP connection. (#4.4.1)\n"
        "I'm not going to try again; this message has been in the queue too long.\n",
        "4.4.1", "expired", False,
        headers={"subject": "failure notice"},
    ),
    "qmail with LDAP": Shape(
        "Hi. This is the qmail-send program at mx.example.\n\n<dead@shop.example>:\n"
        "Mailaddress is administratively disabled. (#5.2.1)\n",
        "5.2.1", "disabled", False,
        headers={"subject": "failure notice"},
    ),
    "exim, no such domain": Shape(
        "A message that you sent could not be delivered to one or more of its\n"
        "recipients. This is a permanent error. The following address(es) failed:\n\n"
        "  dead@shop.example\n    all relevant MX records point to non-existent hosts\n",
        "5.1.2", "host_unknown", True,
    ),
    "exim, a domain without mail": Shape(
        "This is a permanent error. The following address(es) failed:\n\n"
        "  dead@shop.example\n    an MX or SRV record indicated no SMTP service\n",
        "5.1.10", "not_accepting", True,
    ),
    "exim, an undisclosed address": Shape(
        "A message that you sent could not be delivered to all of its recipients.\n"
        "The following address(es) failed:\n\n  an undisclosed address\n"
        "    (generated from dead@shop.example)\n    mailbox is full:\n"
        "    retry timeout exceeded\n",
        "5.2.2", "mailbox_full", False,
    ),
    "exim, refused after the text was sent": Shape(
        "The following address(es) failed:\n\n  dead@shop.example\n"
        "    host mx.shop.example [192.0.2.9]\n"
        "    SMTP error from remote mail server after end of data:\n"
        "    554 Message refused: it looks like spam\n",
        "5.7.1", "spam", False,
    ),
    "postfix, not the address but a filter": Shape(
        "<dead@shop.example>: host mfsmax.example[192.0.2.9] said: 550 Unknown user\n"
        "    dead@shop.example (in reply to end of DATA command)\n",
        "5.7.1", "policy", False,
    ),
    "postfix, a name server that knows no such domain": Shape(
        "<dead@shop.example>: Host or domain name not found. Name service error for\n"
        "    name=shop.example type=AAAA: Host not found\n",
        "5.1.2", "host_unknown", True,
    ),
    "postfix, a loop": Shape(
        "<dead@shop.example>: mail for shop.example loops back to myself\n",
        "5.4.6", "loop", False,
    ),
    "courier": Shape(
        "This is a delivery status notification from mx.example,\n"
        "running the Courier mail server, version 0.65.2.\n\n"
        "The original message was received on Mon, 2 Nov 2026 09:15:00 +0100\n\n"
        "                           UNDELIVERABLE MAIL\n\n"
        "Your message to the following recipients cannot be delivered:\n\n"
        "<dead@shop.example>:\n    mx.shop.example [192.0.2.9]:\n"
        ">>> RCPT TO:<dead@shop.example>\n<<< 550 5.1.1 <dead@shop.example>... Unknown\n",
        "5.1.1", "user_unknown", True,
        headers={"subject": "NOTICE: mail delivery status."},
    ),
    "courier, no such domain": Shape(
        "Your message to the following recipients cannot be delivered:\n\n"
        "<dead@shop.example>:\n<<< No such domain.\n",
        "5.1.2", "host_unknown", True,
        headers={"subject": "NOTICE: mail delivery status."},
    ),
    "opensmtpd": Shape(
        "    Hi!\n\n    This is the MAILER-DAEMON, please DO NOT REPLY to this e-mail.\n\n"
        "    An error has occurred while attempting to deliver a message for\n"
        "    the following list of recipients:\n\n"
        "dead@shop.example: 550 5.2.2 <dead@shop.example>... Mailbox Full\n\n"
        "    Below is a copy of the original message:\n\nFrom: anna@studio.example\n",
        "5.2.2", "mailbox_full", False,
        headers={"subject": "Delivery status notification: error"},
    ),
    "opensmtpd, given up": Shape(
        "    An error has occurred while attempting to deliver a message for\n"
        "    the following list of recipients:\n\n"
        "dead@shop.example: Envelope expired\n",
        "4.4.7", "expired", False,
        headers={"subject": "Delivery status notification: error"},
    ),
    "dragonfly": Shape(
        "This is the DragonFly Mail Agent v0.11 at mx.example.\n\n"
        "There was an error delivering your mail to <dead@shop.example>.\n\n"
        "192.0.2.9 [mx.shop.example] did not like our RCPT TO:\n"
        "550 5.1.1 <dead@shop.example>: Recipient address rejected: User unknown\n\n"
        "Message headers follow.\n\nFrom: anna@studio.example\n",
        "5.1.1", "user_unknown", True,
        headers={"subject": "Mail delivery failed"},
    ),
    "apache james": Shape(
        "Hi. This is the James mail server at mx.example.\n"
        "I'm afraid I wasn't able to deliver your message to the following addresses.\n"
        "This is a permanent error; I've given up.\n\nError message below:\n"
        "550 - Requested action not taken: no such user here\n\n"
        "Message details:\n  Subject: Your website\n  MAIL FROM: anna@studio.example\n"
        "  RCPT TO: dead@shop.example\n  From: Anna <anna@studio.example>\n"
        "  To: dead@shop.example\n",
        "5.1.1", "user_unknown", True,
        headers={"subject": "[BOUNCE]", "from": "postmaster@mx.example"},
    ),
    "hmailserver": Shape(
        "Your message did not reach some or all of the intended recipients.\n\n"
        "   Subject: Your website\n\n"
        "The following recipient(s) could not be reached:\n\ndead@shop.example\n"
        "   Error Type: SMTP\n   Remote server (192.0.2.9) issued an error.\n"
        "   hMailServer sent: RCPT TO:<dead@shop.example>\n"
        "   Remote server replied: 550 5.1.1 Unknown user\n",
        "5.1.1", "user_unknown", True,
        headers={"subject": "Message undeliverable: Your website"},
    ),
    "imail": Shape(
        "Unknown user: dead@shop.example\n\nRCPT TO generated following response:\n"
        "550 5.1.1 User unknown\n\nOriginal message follows.\n",
        "5.1.1", "user_unknown", True,
        headers={"subject": "Undeliverable Mail", "x_mailer": "<SMTP32 v8.22>"},
    ),
    "imail, given up": Shape(
        "Delivery failed 20 attempts: dead@shop.example\n\nOriginal message follows.\n",
        "4.4.7", "expired", False,
        headers={"subject": "Undeliverable Mail"},
    ),
    "mdaemon": Shape(
        "The attached message had PERMANENT fatal delivery errors!\n\n"
        "YOUR MESSAGE WAS NOT DELIVERED!\n\n"
        "The following addresses did NOT receive a copy of your message:\n\n"
        "> dead@shop.example\n\n--- Session Transcript ---\n"
        " --> RCPT To:<dead@shop.example>\n <-- 550 <dead@shop.example>, user not here\n",
        "5.1.1", "user_unknown", True,
        headers={"subject": "Permanent Delivery Failure", "from": "MDaemon@mx.example"},
    ),
    "domino, in its own words": Shape(
        "Your message\n\n  Subject: Your website\n\nwas not delivered to:\n\n"
        "  dead@shop.example\n\nbecause:\n\n"
        "  Recipient's mail file is over its quota and can't accept new mail\n",
        "5.2.2", "mailbox_full", False,
        headers={"subject": "DELIVERY FAILURE: Recipient's mail file is over quota"},
    ),
    "notes": Shape(
        "------- Failure Reasons  --------\n\n"
        "User not listed in public Name & Address Book\ndead@shop.example\n\n"
        "------- Returned Message --------\n\nTo: dead@shop.example\n",
        "5.1.1", "user_unknown", True,
        headers={"subject": "Undeliverable message"},
    ),
    "groupwise": Shape(
        "The message that you sent was undeliverable to the following:\n"
        "    dead@shop.example (550 5.1.1 no such user)\n",
        "5.1.1", "user_unknown", True,
        headers={"subject": "Message status - undeliverable", "from": "Postmaster"},
    ),
    "messaging server": Shape(
        "This report relates to a message you sent with the following header fields:\n\n"
        "  Message-id: <c1@studio.example>\n  From: Anna <anna@studio.example>\n"
        "  To: dead@shop.example\n  Subject: Your website\n\n"
        "Your message cannot be delivered to the following recipients:\n\n"
        "  Recipient address: dead@shop.example\n"
        "  Reason: Remote SMTP server has rejected address\n"
        "  Diagnostic code: smtp;550 5.1.1 <dead@shop.example>... User Unknown\n"
        "  Remote system: dns;mx.shop.example (TCP|192.0.2.7|47323|192.0.2.9|25)\n",
        "5.1.1", "user_unknown", True,
        headers={"subject": "Delivery Notification: Delivery has failed"},
    ),
    "x.400": Shape(
        "This report relates to your message:\nSubject: Your website\n\n"
        "Your message was not delivered to:\n\tdead@shop.example\n"
        "for the following reason:\n\tDiagnostic was Unable to transfer, "
        "Unrecognised O/R name\n\tInformation Unknown user\n",
        "5.1.1", "user_unknown", True,
        headers={"subject": "Delivery Report (failure) for dead@shop.example"},
    ),
}  # fmt: skip
