"""Where answers and bounces arrive, and how far each folder has been read."""

from __future__ import annotations

from datetime import timedelta

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils import timezone

from campaigns.models.account import Account
from campaigns.sealing import Sealed


def _a_month_ago() -> object:
    return timezone.now() - timedelta(days=30)


class Mailbox(models.Model):
    """An IMAP mailbox of an account; it is read and never changed."""

    class Login(models.TextChoices):
        """How we log in."""

        PASSWORD = "password", "password"
        #: XOAUTH2 with the access token of the account.
        OAUTH2 = "oauth2", "OAuth2, as the account"

    account = models.ForeignKey(
        Account, on_delete=models.CASCADE, related_name="mailboxes"
    )
    name = models.CharField(max_length=100, unique=True)
    host = models.CharField(max_length=253)
    port = models.PositiveIntegerField(
        default=993, validators=[MinValueValidator(1), MaxValueValidator(65_535)]
    )
    security = models.CharField(
        max_length=10, choices=Account.Security.choices, default=Account.Security.TLS
    )
    login = models.CharField(
        max_length=10, choices=Login.choices, default=Login.PASSWORD
    )
    username = models.CharField(max_length=254)
    #: Encrypted; read it through `password`.
    password_sealed = models.TextField(blank=True, editable=False)
    password = Sealed("password_sealed")
    folders = models.CharField(
        max_length=500,
        default="INBOX",
        help_text=(
            "Separated by commas: INBOX, Junk. Answers that a filter took for spam are"
            " found only where it puts them."
        ),
    )
    sent_folder = models.CharField(
        max_length=200,
        blank=True,
        help_text=(
            "Where the server keeps what was sent, as evidence about mails in doubt;"
            " blank asks the server which folder that is."
        ),
    )
    keeps_strangers = models.BooleanField(
        "keep mail of strangers",
        default=False,
        help_text="Keep also what answers none of our mails, for the conversations.",
    )
    reads_since = models.DateTimeField(
        default=_a_month_ago, help_text="Older mail is left alone."
    )
    is_enabled = models.BooleanField(default=True)
    #: When it was last read to its end.
    read_at = models.DateTimeField(null=True, blank=True, editable=False)
    #: Why it could not be read last time, in one sentence; blank when it could.
    trouble = models.TextField(blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name_plural = "mailboxes"
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(security__in=Account.Security.values),
                name="campaigns_mailbox_security_valid",
            ),
            models.CheckConstraint(
                condition=models.Q(login__in=["password", "oauth2"]),
                name="campaigns_mailbox_login_valid",
            ),
            models.CheckConstraint(
                condition=models.Q(port__gte=1, port__lte=65_535),
                name="campaigns_mailbox_port_valid",
                violation_error_message="A port lies between 1 and 65535.",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def folder_names(self) -> list[str]:
        """The folders to read, each once, in their order."""
        names = [name.strip() for name in self.folders.split(",")]
        return list(dict.fromkeys(name for name in names if name))


class MailboxFolder(models.Model):
    """How far one folder has been read: everything up to `last_uid` is stored."""

    mailbox = models.ForeignKey(
        Mailbox, on_delete=models.CASCADE, related_name="positions"
    )
    name = models.CharField(max_length=200)
    #: RFC 3501: when it changes, the UIDs of before mean nothing.
    uidvalidity = models.BigIntegerField(default=0)
    last_uid = models.BigIntegerField(default=0)
    read_at = models.DateTimeField(null=True, blank=True)
    #: The message at which the connection broke, and how often in a row.
    stuck_uid = models.BigIntegerField(default=0)
    stuck_times = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                fields=["mailbox", "name"], name="campaigns_mailboxfolder_uniq"
            ),
        ]

    def __str__(self) -> str:
        return self.name
