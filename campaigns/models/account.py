"""From whom mail is sent, and through which server."""

from __future__ import annotations

from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models

from campaigns.sealing import seal, unseal

_ONE_LINE = RegexValidator(r"^[^\x00-\x1f\x7f]*$", "Write it on one line.")


class Account(models.Model):
    """A sender: its name and address, its SMTP server and its pace."""

    class Security(models.TextChoices):
        """How the connection to the server is protected."""

        NONE = "none", "none (this machine or a private network only)"
        #: TLS after the greeting, usually port 587; refused when not offered.
        STARTTLS = "starttls", "STARTTLS"
        #: TLS from the first byte, usually port 465.
        TLS = "tls", "TLS"

    name = models.CharField(max_length=100, unique=True)
    from_name = models.CharField(max_length=100, validators=[_ONE_LINE])
    from_address = models.EmailField()
    reply_to = models.EmailField(blank=True)
    postal_address = models.CharField(
        max_length=300,
        help_text="Stands under every mail; the law asks for it (CAN-SPAM).",
    )
    smtp_host = models.CharField(max_length=253)
    smtp_port = models.PositiveIntegerField(
        default=587, validators=[MinValueValidator(1), MaxValueValidator(65_535)]
    )
    security = models.CharField(
        max_length=10, choices=Security.choices, default=Security.STARTTLS
    )
    username = models.CharField(max_length=254, blank=True)
    #: Encrypted; read it through `password`.
    password_sealed = models.TextField(blank=True, editable=False)
    per_minute = models.PositiveIntegerField(
        default=50, validators=[MinValueValidator(1), MaxValueValidator(6000)]
    )
    is_enabled = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(security__in=["none", "starttls", "tls"]),
                name="campaigns_account_security_valid",
            ),
            models.CheckConstraint(
                condition=models.Q(per_minute__gte=1, per_minute__lte=6000),
                name="campaigns_account_per_minute_valid",
                violation_error_message="An account sends 1 to 6000 mails a minute.",
            ),
            models.CheckConstraint(
                condition=models.Q(smtp_port__gte=1, smtp_port__lte=65_535),
                name="campaigns_account_smtp_port_valid",
                violation_error_message="A port lies between 1 and 65535.",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def password(self) -> str:
        """The password in clear; raises PermanentError when no key fits."""
        return unseal(self.password_sealed)

    @password.setter
    def password(self, clear: str) -> None:
        self.password_sealed = seal(clear)
