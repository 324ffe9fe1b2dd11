"""The pages for mailboxes, and the buttons that settle a mail in doubt."""

from __future__ import annotations

import pytest
from django.urls import reverse

from campaigns.models import Evidence, IncomingMessage, Mailbox

pytestmark = pytest.mark.django_db


class TestSettling:
    @pytest.fixture
    def doubtful(self, make_sent):
        return make_sent(state="in_doubt")

    def press(self, client, email, button, reason="They rang."):
        url = reverse(f"admin:campaigns_email_{button}", args=[email.pk])
        return client.post(url, {"_form_submitted": "True", "reason": reason})

    @pytest.mark.parametrize(
        ("button", "state"), [("settle_arrived", "sent"), ("settle_lost", "failed")]
    )
    def test_a_person_settles_with_a_reason(self, button, state, admin, doubtful):
        self.press(admin, doubtful, button)

        doubtful.refresh_from_db()
        assert doubtful.state == state
        assert Evidence.objects.get().detail == "They rang."

    def test_without_a_reason_nothing_is_settled(self, admin, doubtful):
        self.press(admin, doubtful, "settle_arrived", "")

        doubtful.refresh_from_db()
        assert doubtful.state == "in_doubt"

    def test_only_a_mail_in_doubt_has_the_buttons(self, admin, make_sent, doubtful):
        def page(email):
            url = reverse("admin:campaigns_email_change", args=[email.pk])
            return admin.get(url).content.decode()

        assert "It did not arrive" in page(doubtful)
        assert "It did not arrive" not in page(make_sent())

    def test_a_reader_may_not_settle(self, reader, doubtful):
        assert self.press(reader, doubtful, "settle_arrived").status_code == 403

        doubtful.refresh_from_db()
        assert doubtful.state == "in_doubt"


class TestMailboxes:
    def test_a_password_goes_in_encrypted_and_never_comes_out(
        self, admin, make_account
    ):
        admin.post(
            reverse("admin:campaigns_mailbox_add"),
            {
                "name": "Main", "account": make_account().pk, "is_enabled": "on",
                "host": "127.0.0.1", "port": "993", "security": "tls",
                "login": "password", "username": "ada", "folders": "INBOX",
                "new_secret": "s3cr3t!", "reads_since_0": "2026-11-01",
                "reads_since_1": "00:00", "positions-TOTAL_FORMS": "0",
                "positions-INITIAL_FORMS": "0",
            },
        )  # fmt: skip

        mailbox = Mailbox.objects.get()
        assert mailbox.password == "s3cr3t!"
        page = admin.get(reverse("admin:campaigns_mailbox_change", args=[mailbox.pk]))
        assert "s3cr3t!" not in page.content.decode()
        assert mailbox.password_sealed not in page.content.decode()

    def test_checking_says_what_is_wrong(self, admin, make_mailbox):
        mailbox = make_mailbox(1)
        url = reverse("admin:campaigns_mailbox_try_log_in", args=[mailbox.pk])

        admin.post(url, {"_form_submitted": "True"})

        page = admin.get(reverse("admin:campaigns_mailbox_change", args=[mailbox.pk]))
        assert "Nothing listens at" in page.content.decode()

    @pytest.mark.parametrize(
        "model",
        ["mailbox", "providerfeed", "incomingmessage", "deliveryevent", "conversation"],
    )
    def test_every_list_shows(self, model, admin, talk):
        url = reverse(f"admin:campaigns_{model}_changelist")

        assert admin.get(url).status_code == 200

    def test_what_came_in_shows(self, admin, talk):
        message = IncomingMessage.objects.get()
        url = reverse("admin:campaigns_incomingmessage_change", args=[message.pk])

        assert "How much is it?" in admin.get(url).content.decode()
