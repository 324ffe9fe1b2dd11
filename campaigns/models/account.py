"""From whom mail is sent, through what, and how much of it."""

from __future__ import annotations

from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import Q

from campaigns.ramp_up import RampUp, smallest
from campaigns.sealing import Sealed
from campaigns.working_hours import Hours, check_time_zone

_ONE_LINE = RegexValidator(r"^[^\x00-\x1f\x7f]*$", "Write it on one line.")
_WEEKDAYS = RegexValidator(r"^(?=.)1?2?3?4?5?6?7?$", "Digits from 1 (Monday) to 7.")
_SELECTOR = RegexValidator(
    r"^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$",
    "A selector is a name of letters, digits, points and hyphens.",
)
_positive = MinValueValidator(1)


class Account(models.Model):
    """A sender: its name and address, its way out, its pace and its hours."""

    class Kind(models.TextChoices):
        """What takes the mail: a mail server, or a provider's web service."""

        SMTP = "smtp", "SMTP server"
        AMAZON_SES = "amazon_ses", "Amazon SES"
        BREVO = "brevo", "Brevo"
        MAILERSEND = "mailersend", "MailerSend"
        MAILGUN = "mailgun", "Mailgun"
        MAILJET = "mailjet", "Mailjet"
        MAILTRAP = "mailtrap", "Mailtrap"
        MANDRILL = "mandrill", "Mandrill (Mailchimp Transactional)"
        POSTAL = "postal", "Postal"
        POSTMARK = "postmark", "Postmark"
        RESEND = "resend", "Resend"
        SCALEWAY = "scaleway", "Scaleway"
        SENDGRID = "sendgrid", "SendGrid"
        SPARKPOST = "sparkpost", "SparkPost"
        UNISENDER_GO = "unisender_go", "Unisender Go"

    class Security(models.TextChoices):
        """How the connection to the server is protected."""

        NONE = "none", "none (this machine or a private network only)"
        #: TLS after the greeting, usually port 587; refused when not offered.
        STARTTLS = "starttls", "STARTTLS"
        #: TLS from the first byte, usually port 465.
        TLS = "tls", "TLS"

    class LogIn(models.TextChoices):
        """How the account proves itself to an SMTP server."""

        PASSWORD = "password", "user name and password"
        #: XOAUTH2 with a token that is fetched when it is needed.
        OAUTH2 = "oauth2", "OAuth2 (Google, Microsoft and others)"

    class OAuthProvider(models.TextChoices):
        """Whose addresses and scopes OAuth2 uses."""

        GOOGLE = "google", "Google"
        MICROSOFT = "microsoft", "Microsoft"
        OTHER = "other", "another"

    name = models.CharField(max_length=100, unique=True)
    kind = models.CharField(max_length=20, choices=Kind.choices, default=Kind.SMTP)
    from_name = models.CharField(max_length=100, validators=[_ONE_LINE])
    from_address = models.EmailField()
    reply_to = models.EmailField(blank=True)
    tags_replies = models.BooleanField(
        "answers to name+tag@",
        default=False,
        help_text=(
            "The server delivers name+tag@ to name@. Answers then name the mail they"
            " belong to, whatever program wrote them."
        ),
    )
    postal_address = models.CharField(
        max_length=300,
        help_text="Stands under every mail; the law asks for it (CAN-SPAM).",
    )
    signature_html = models.TextField(
        blank=True,
        verbose_name="signature, HTML",
        help_text="Stands under the body of every mail, above the postal address.",
    )
    signature_text = models.TextField(
        blank=True,
        verbose_name="signature, text",
        help_text="Made from the HTML signature when left blank.",
    )

    smtp_host = models.CharField(max_length=253, blank=True)
    smtp_port = models.PositiveIntegerField(
        default=587, validators=[_positive, MaxValueValidator(65_535)]
    )
    security = models.CharField(
        max_length=10, choices=Security.choices, default=Security.STARTTLS
    )
    username = models.CharField(max_length=254, blank=True)
    log_in = models.CharField(
        max_length=10,
        choices=LogIn.choices,
        default=LogIn.PASSWORD,
        verbose_name="log-in",
    )
    #: Encrypted; read it through `password`.
    password_sealed = models.TextField(blank=True, editable=False)
    password = Sealed("password_sealed")
    mails_per_connection = models.PositiveSmallIntegerField(
        default=50,
        validators=[_positive, MaxValueValidator(10_000)],
        help_text="After so many mails the connection to the server is made anew.",
    )
    window = models.PositiveSmallIntegerField(
        default=1,
        validators=[_positive, MaxValueValidator(500)],
        help_text=(
            "Mails marked as sending in one commit. A crash puts at most so many in"
            " doubt: 1 for mailboxes, more for bulk."
        ),
    )

    oauth_provider = models.CharField(
        max_length=10,
        choices=OAuthProvider.choices,
        default=OAuthProvider.GOOGLE,
        verbose_name="OAuth2 provider",
    )
    #: Blank takes the provider's own.
    oauth_token_url = models.URLField(
        blank=True, max_length=500, verbose_name="token address"
    )
    #: Where a mailbox's owner is asked in the browser; blank takes the provider's own.
    oauth_authorize_url = models.URLField(
        blank=True, max_length=500, verbose_name="consent address"
    )
    oauth_scope = models.CharField(max_length=500, blank=True, verbose_name="scope")
    #: Encrypted: id and secret of the application, and what it was granted.
    oauth_client_id_sealed = models.TextField(blank=True, editable=False)
    oauth_client_secret_sealed = models.TextField(blank=True, editable=False)
    oauth_refresh_token_sealed = models.TextField(blank=True, editable=False)
    #: Encrypted: the latest access token, shared by all workers until it expires.
    oauth_access_token_sealed = models.TextField(blank=True, editable=False)
    oauth_expires_at = models.DateTimeField(null=True, blank=True, editable=False)
    oauth_client_id = Sealed("oauth_client_id_sealed")
    oauth_client_secret = Sealed("oauth_client_secret_sealed")
    oauth_refresh_token = Sealed("oauth_refresh_token_sealed")
    oauth_access_token = Sealed("oauth_access_token_sealed")

    #: Encrypted: what the provider's web service asks for.
    api_key_sealed = models.TextField(blank=True, editable=False)
    api_secret_sealed = models.TextField(blank=True, editable=False)
    api_key = Sealed("api_key_sealed")
    api_secret = Sealed("api_secret_sealed")
    #: Blank takes the provider's own; Mailgun has another one for Europe.
    api_url = models.URLField(blank=True, max_length=500, verbose_name="API address")
    api_region = models.CharField(
        max_length=50,
        blank=True,
        verbose_name="region",
        help_text="Of Amazon SES (us-east-1) and Scaleway (fr-par).",
    )

    per_minute = models.PositiveIntegerField(
        default=50, validators=[_positive, MaxValueValidator(600_000)]
    )
    daily_cap = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[_positive],
        help_text="Mails on one day of the account's time zone; blank for no cap.",
    )
    min_gap_seconds = models.PositiveIntegerField(
        default=0,
        validators=[MaxValueValidator(86_400)],
        verbose_name="minimum gap",
        help_text="Seconds between two mails; mailboxes do well with 600.",
    )
    ramp_up_from = models.DateField(
        null=True,
        blank=True,
        verbose_name="ramp-up since",
        help_text="The first day of a slow start; blank for none.",
    )
    ramp_up_start = models.PositiveIntegerField(default=10, validators=[_positive])
    ramp_up_step = models.PositiveIntegerField(
        default=5, help_text="Mails more with each day."
    )
    ramp_up_ceiling = models.PositiveIntegerField(
        default=50, validators=[_positive], help_text="Where the slow start ends."
    )
    #: An IANA name; blank takes TIME_ZONE.
    time_zone = models.CharField(
        max_length=64, blank=True, validators=[check_time_zone]
    )
    #: ISO weekdays (1 is Monday) on which it sends, in order.
    work_days = models.CharField(
        max_length=7, default="1234567", validators=[_WEEKDAYS]
    )
    work_from = models.TimeField(default=time(0), verbose_name="from")
    work_until = models.TimeField(
        default=time(0),
        verbose_name="until",
        help_text="00:00 is midnight, the end of the day.",
    )

    dkim_selector = models.CharField(
        max_length=63,
        blank=True,
        validators=[_SELECTOR],
        verbose_name="DKIM selector",
        help_text="The name under which the domain's key is found.",
    )
    #: Encrypted private key (PEM); with one, mails through SMTP are signed here.
    dkim_key_sealed = models.TextField(blank=True, editable=False)
    dkim_key = Sealed("dkim_key_sealed")
    #: What the name server said of the domain, as `domain_checks` wrote it.
    domain_checks = models.JSONField(default=dict, blank=True, editable=False)
    domain_checked_at = models.DateTimeField(null=True, blank=True, editable=False)

    is_enabled = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                condition=Q(security__in=["none", "starttls", "tls"]),
                name="campaigns_account_security_valid",
            ),
            models.CheckConstraint(
                condition=Q(log_in__in=["password", "oauth2"]),
                name="campaigns_account_log_in_valid",
            ),
            models.CheckConstraint(
                condition=~Q(kind="smtp") | ~Q(smtp_host=""),
                name="campaigns_account_kind_valid",
                violation_error_message="An account with SMTP names its server.",
            ),
            models.CheckConstraint(
                condition=Q(per_minute__gte=1, per_minute__lte=600_000),
                name="campaigns_account_per_minute_valid",
                violation_error_message="An account sends 1 to 600000 mails a minute.",
            ),
            models.CheckConstraint(
                condition=Q(smtp_port__gte=1, smtp_port__lte=65_535),
                name="campaigns_account_smtp_port_valid",
                violation_error_message="A port lies between 1 and 65535.",
            ),
            models.CheckConstraint(
                condition=Q(daily_cap__isnull=True) | Q(daily_cap__gte=1),
                name="campaigns_account_daily_cap_valid",
                violation_error_message="A daily cap is at least 1; blank is no cap.",
            ),
            models.CheckConstraint(
                condition=Q(ramp_up_start__gte=1, ramp_up_ceiling__gte=1),
                name="campaigns_account_ramp_up_valid",
                violation_error_message="A slow start begins and ends with at least 1.",
            ),
            models.CheckConstraint(
                condition=Q(
                    window__gte=1, window__lte=500, mails_per_connection__gte=1
                ),
                name="campaigns_account_window_valid",
                violation_error_message="A window holds 1 to 500 mails.",
            ),
            models.CheckConstraint(
                condition=~Q(work_days="")
                & (Q(work_until=time(0)) | Q(work_from__lt=models.F("work_until"))),
                name="campaigns_account_hours_valid",
                violation_error_message="Working hours begin before they end.",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def domain(self) -> str:
        """The domain of its from address, in lower case."""
        return self.from_address.rpartition("@")[2].lower()

    @property
    def way(self) -> str:
        """Where its mails go: a server as host:port, or a provider's name."""
        if self.kind == self.Kind.SMTP:
            return f"{self.smtp_host}:{self.smtp_port}"
        return str(self.get_kind_display())

    @property
    def zone(self) -> ZoneInfo:
        """Its time zone, by which its days begin and end."""
        return ZoneInfo(self.time_zone or settings.TIME_ZONE)

    @property
    def hours(self) -> Hours:
        """When it works; `working_hours.may_send_at` says when next."""
        days = frozenset(int(day) for day in self.work_days)
        return Hours(self.zone, days, self.work_from, self.work_until)

    @property
    def ramp_up(self) -> RampUp | None:
        """Its slow start, if it makes one."""
        if self.ramp_up_from is None:
            return None
        return RampUp(
            self.ramp_up_from,
            self.ramp_up_start,
            self.ramp_up_step,
            self.ramp_up_ceiling,
        )

    def day_of(self, moment: datetime) -> date:
        """Give the day that `moment` (aware) is in its time zone."""
        return moment.astimezone(self.zone).date()

    def allowed_on(self, day: date) -> int | None:
        """Give how many mails its cap and its slow start allow; None is no limit."""
        ramp_up = self.ramp_up
        return smallest(self.daily_cap, ramp_up.allowed_on(day) if ramp_up else None)
