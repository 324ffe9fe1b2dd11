"""What comes back has its effect: on the mail it belongs to, once, and on no other."""

from __future__ import annotations

from datetime import timedelta
from email import message_from_bytes

import pytest
from django.utils import timezone

from campaigns.composing import compose
from campaigns.models import Conversation, DeliveryEvent, Email, IncomingMessage
from campaigns.receiving.reading import read_mailbox
from campaigns.tagging import read_tag, tagged_address
from leads.suppression import forget_address, is_suppressed
from tests.campaigns.incoming.letters import letter, notice, report

pytestmark = pytest.mark.django_db


@pytest.fixture
def receive(imap, make_mailbox):
    """Let messages come in and be acted on; gives their rows."""
    box = []

    def do(email, *raws, **values):
        box[:] = box or [make_mailbox(imap.port, account=email.account, **values)]
        for raw in raws:
            imap.inbox.add(raw)
        read_mailbox(box[0].pk)
        return list(IncomingMessage.objects.order_by("pk"))

    return do


def failed(address, status="5.1.1", said="550 5.1.1 User unknown", action="failed"):
    return report(
        f"Final-Recipient: rfc822; {address}\nAction: {action}\nStatus: {status}\n"
        f"Diagnostic-Code: smtp; {said}\n"
    )


def follow_up(email):
    return Email.objects.create(
        campaign=email.campaign, recipient=email.recipient, lead=email.lead, step=2,
        account=email.account, template=email.template, address=email.address,
    )  # fmt: skip


def test_an_automatic_answer_stops_nothing(make_sent, answer_to, receive):
    email = make_sent()
    later = follow_up(email)

    (message,) = receive(email, answer_to(email, auto_submitted="auto-replied"))

    email.refresh_from_db()
    later.refresh_from_db()
    assert (message.kind, message.email) == ("auto_reply", email)
    assert email.replied_at is None
    assert later.state == "waiting"
    assert not Conversation.objects.exists()


def test_a_hard_bounce_suppresses_and_skips(make_sent, receive):
    email = make_sent()
    later = follow_up(email)

    receive(email, failed(email.address))

    email.refresh_from_db()
    later.refresh_from_db()
    event = DeliveryEvent.objects.get()
    assert (event.kind, event.status, event.source) == ("hard", "5.1.1", "mailbox")
    assert is_suppressed(email.address)
    assert email.bounced_at is not None
    assert later.state == "skipped"


@pytest.mark.parametrize(
    ("status", "said"),
    [("5.7.1", "550 5.7.1 rejected as spam"), ("5.2.2", "552 5.2.2 mailbox full")],
)
def test_policy_and_full_boxes_suppress_nobody(status, said, make_sent, receive):
    email = make_sent()

    receive(email, failed(email.address, status, said))

    assert DeliveryEvent.objects.get().kind == "soft"
    assert not is_suppressed(email.address)


def test_three_soft_bounces_of_five_mails_suppress(make_sent, receive, make_lead):
    lead = make_lead()
    emails = [make_sent(lead=lead) for _ in range(5)]
    full = [
        failed(lead.email, "5.2.2", f"552 5.2.2 mailbox full {number}").replace(
            b"Subject: Your website",
            f"Message-ID: {email.message_id}".encode(),
        )
        for number, email in enumerate(emails)
    ]

    receive(emails[0], full[0], full[1])
    assert not is_suppressed(lead.email)
    # Another notice about the same mail is not a third bounce.
    receive(emails[0], full[0] + b" ")
    assert not is_suppressed(lead.email)
    receive(emails[0], full[2])
    assert is_suppressed(lead.email)


def test_a_delay_is_no_bounce(make_sent, receive):
    email = make_sent()

    receive(email, failed(email.address, "4.4.1", "connection timed out", "delayed"))

    email.refresh_from_db()
    assert DeliveryEvent.objects.get().kind == "delayed"
    assert email.bounced_at is None


def test_a_bounce_about_somebody_we_never_wrote_to_suppresses_nobody(
    make_sent, receive
):
    receive(make_sent(), failed("victim@elsewhere.example"))

    assert DeliveryEvent.objects.get().email is None
    assert not is_suppressed("victim@elsewhere.example")


def test_a_complaint_suppresses(make_sent, receive):
    email = make_sent()
    body = (
        "--b1\nContent-Type: text/plain\n\nAn abuse report.\n"
        "--b1\nContent-Type: message/feedback-report\n\n"
        "Feedback-Type: abuse\nUser-Agent: x/1\nVersion: 1\n\n"
        "--b1\nContent-Type: message/rfc822\n\n"
        f"Message-ID: {email.message_id}\nSubject: Your website\n\nhello\n--b1--\n"
    )

    receive(
        email,
        notice(
            body,
            subject="Complaint",
            content_type='multipart/report; report-type=feedback-report; boundary="b1"',
        ),
    )

    email.refresh_from_db()
    assert DeliveryEvent.objects.get().kind == "complaint"
    assert email.complained_at is not None
    assert is_suppressed(email.address)


def test_an_answer_without_references_is_known_by_its_tag(make_sent, receive):
    email, newer = make_sent(), make_sent()
    tagged = tagged_address("ada@brightside.example", email.pk)

    (message,) = receive(
        newer,
        letter(
            "Hi", **{"from": "x@elsewhere.example", "to": tagged, "in_reply_to": ""}
        ),
    )

    assert (message.email, message.matched_by) == (email, "tag")


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"tags_replies": True}, "ada+r{pk}."),
        ({"tags_replies": True, "reply_to": "desk@b.example"}, "desk+r{pk}."),
        ({"reply_to": "desk@b.example"}, "desk@b.example"),
        ({}, "None"),
    ],
)
def test_a_mail_asks_for_answers_at_its_own_address_where_that_works(
    values, expected, make_account, make_campaign, make_email
):
    campaign = make_campaign(account=make_account(**values))
    email = make_email(campaign=campaign, message_id="<1@x>")

    _, content = compose(email)

    reply_to = str(message_from_bytes(content)["Reply-To"])
    assert reply_to.startswith(expected.format(pk=email.pk))


def test_an_answer_without_any_sign_is_known_by_its_sender(make_sent, receive):
    email = make_sent()

    (message,) = receive(
        email, letter("Hi", **{"from": email.address.upper(), "in_reply_to": ""})
    )

    assert (message.email, message.matched_by) == (email, "address")


def test_a_sender_whom_we_wrote_to_long_ago_answers_nothing(make_sent, receive):
    old = timezone.now() - timedelta(days=61)
    email = make_sent(claimed_at=old, data_started_at=old, sent_at=old)

    (message,) = receive(
        email, letter("Hi", **{"from": email.address, "in_reply_to": ""})
    )

    assert message.email is None


def test_mail_of_strangers_is_not_kept(make_sent, receive):
    (message,) = receive(make_sent(), letter("private", in_reply_to=""))

    assert bytes(message.raw) == b""
    assert message.text == ""
    assert not Conversation.objects.exists()


def test_mail_of_strangers_is_kept_where_a_person_wants_it(make_sent, receive):
    (message,) = receive(
        make_sent(), letter("Can you help?", in_reply_to=""), keeps_strangers=True
    )

    assert message.text == "Can you help?"
    assert message.conversation.address == "bob@shop.example"


def test_whoever_was_erased_stops_a_sequence_and_leaves_nothing(
    make_sent, answer_to, receive
):
    email = make_sent()
    raw = answer_to(email, "It is me again")
    forget_address(email.address)

    (message,) = receive(email, raw)

    email.refresh_from_db()
    assert email.replied_at is not None
    assert (bytes(message.raw), message.text, message.sender) == (b"", "", "")
    assert not Conversation.objects.exists()


def test_our_own_mail_is_no_answer(make_sent, answer_to, receive):
    email = make_sent()

    (message,) = receive(email, answer_to(email, **{"from": "ada@brightside.example"}))

    email.refresh_from_db()
    assert (message.kind, email.replied_at) == ("other", None)


def test_a_test_mail_has_no_answers(make_sent, answer_to, receive):
    email = make_sent()
    Email.objects.update(kind="test", campaign=None)

    receive(email, answer_to(email))

    email.refresh_from_db()
    assert email.replied_at is None


def test_an_answer_older_than_what_we_saw_changes_no_newer_state(
    make_sent, answer_to, receive
):
    email = make_sent()
    receive(email, answer_to(email, "First"))
    later = timezone.now() + timedelta(hours=1)
    IncomingMessage.objects.update(received_at=later)
    Conversation.objects.update(needs_answer=False, last_at=later)

    receive(email, answer_to(email, "Older, from another folder"))

    conversation = Conversation.objects.get()
    assert not conversation.needs_answer
    assert conversation.is_unread


def test_an_answer_that_crossed_ours_waits_for_another(make_sent, answer_to, receive):
    email = make_sent()
    receive(email, answer_to(email, "First"))
    Conversation.objects.update(
        needs_answer=False, last_at=timezone.now() + timedelta(minutes=1)
    )

    receive(email, answer_to(email, "Written before we answered, read after"))

    assert Conversation.objects.get().needs_answer


def test_an_answer_that_wants_no_more_mail_is_obeyed(make_sent, answer_to, receive):
    email = make_sent()

    (message,) = receive(email, answer_to(email, "Please remove me from your list."))

    assert is_suppressed(email.address)
    assert "no more mail" in message.reason
    assert not Conversation.objects.get().needs_answer


def test_what_a_machine_answered_before_belongs_to_the_thread(
    make_sent, answer_to, receive
):
    email = make_sent()

    receive(
        email,
        answer_to(email, "I am away", auto_submitted="auto-replied"),
        answer_to(email, "Back again"),
    )

    kinds = Conversation.objects.get().messages.values_list("kind", flat=True)
    assert sorted(kinds) == ["auto_reply", "reply"]


def test_two_answers_are_one_conversation(make_sent, answer_to, receive):
    email = make_sent()

    receive(email, answer_to(email, "One"), answer_to(email, "Two"))

    conversation = Conversation.objects.get()
    assert conversation.messages.count() == 2
    assert conversation.name == "Bob Baker"
    assert conversation.lead == email.lead


class TestTags:
    def test_a_tag_is_read_back(self):
        tagged = tagged_address("ada@brightside.example", 12)

        assert tagged.startswith("ada+r12.")
        assert read_tag(f"Ada <{tagged.upper()}>") == 12

    @pytest.mark.parametrize(
        "text", ["ada+r12.000000000000000@x.example", "ada+r12@x.example", "", "+r@"]
    )
    def test_a_made_up_tag_is_none(self, text):
        assert read_tag(text) is None

    @pytest.mark.parametrize("address", ["ada+x@b.example", "a" * 60 + "@b.example"])
    def test_an_address_without_room_stays_as_it_is(self, address):
        assert tagged_address(address, 12) == address
