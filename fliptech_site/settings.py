"""All settings; the only place that reads the environment.

Every variable is explained in `.env.example`. A wrong value stops the start with
one sentence that says what to write instead.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dj_database_url
from django.core.exceptions import ImproperlyConfigured

from fliptech_site import environment as env
from fliptech_site.log_lines import logging_to_stderr
from fliptech_site.sidebar import NAVIGATION

BASE_DIR = Path(__file__).resolve().parent.parent
#: Everything that is written at run time: demo sites, exports, local servers.
VAR_DIR = Path(env.text("VAR_DIR", str(BASE_DIR / "var")))

# --- Django ---------------------------------------------------------------

DEBUG = env.flag("DEBUG", False)
SECRET_KEY = env.text("SECRET_KEY")
if not SECRET_KEY:
    raise ImproperlyConfigured(
        "SECRET_KEY is not set: give it 50 or more random characters,"
        " or start with ./deploy/quickstart.sh, which makes one."
    )
ALLOWED_HOSTS = env.words("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
CSRF_TRUSTED_ORIGINS = env.words("CSRF_TRUSTED_ORIGINS")

#: The room apps, from the roof down; import-linter holds the order.
ROOMS = ["actors", "campaigns", "demos", "leads", "tasks"]
INSTALLED_APPS = [
    "unfold",
    "unfold.contrib.filters",
    "fliptech_site.admin_pages.AdminPages",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_tasks",
    *ROOMS,
    "fliptech_site",
]
#: Modules whose urlpatterns are mounted at the root. Strings, so that the ground
#: floor imports nothing from the rooms above it.
URL_MODULES = ["demos.urls", "campaigns.urls"]
#: Modules that declare actors; `tasks` imports them by name when it needs them.
ACTOR_MODULES = [
    "actors.email",
    "actors.campaign",
    "actors.scraper",
    "actors.ai",
    "actors.demo",
    "actors.upkeep",
    "actors.django_tasks",
    "actors.not_yet_built",
    # Modules of one's own with further actors.
    *env.words("EXTRA_ACTOR_MODULES"),
]
#: Modules that hold data of people, in the order in which they erase.
PERSONAL_DATA = ["campaigns.persons", "demos.persons", "leads.persons"]
#: Functions that tell what happened to a lead, each `(lead_id) -> iterable of LeadEvent`.
LEAD_EVENTS = ["demos.lead_events.events", "campaigns.lead_events.events"]

#: Functions that add lines to /metrics, each `() -> iterable of prometheus metrics`.
METRIC_COLLECTORS = [
    "tasks.metrics.collect",
    "leads.metrics.collect",
    "campaigns.metrics.collect",
]

#: What `manage.py explain` explains, each a class like fliptech_site.explaining.Explainer.
EXPLAINERS = {
    "page": "leads.explaining.PageExplainer",
    "contacts": "leads.explaining.ContactsExplainer",
    "robots": "leads.explaining.RobotsExplainer",
    "bounce": "campaigns.incoming.explaining.BounceExplainer",
    "reply": "campaigns.incoming.explaining.ReplyExplainer",
    "agent": "campaigns.incoming.explaining.AgentExplainer",
}

#: Functions that add figures to admin's first page, in the funnel's order.
DASHBOARD_FIGURES = [
    "leads.figures.figures",
    "demos.figures.figures",
    "campaigns.figures.figures",
    "tasks.figures.figures",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "fliptech_site.urls"
WSGI_APPLICATION = "fliptech_site.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "fliptech_site" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

DATABASE_URL = env.url(
    "DATABASE_URL",
    "",
    schemes=("postgres", "postgresql"),
    example="postgresql://user:password@host:5432/fliptech",
)
if not DATABASE_URL:
    raise ImproperlyConfigured(
        "DATABASE_URL is not set: write postgresql://user:password@host:5432/name,"
        " or start with ./deploy/quickstart.sh, which runs a PostgreSQL of its own."
    )
DATABASES: dict[str, Any] = {
    "default": dj_database_url.parse(
        DATABASE_URL, conn_max_age=600, conn_health_checks=True
    )
}
DATABASES["default"].setdefault("OPTIONS", {})
#: Whether sessions may keep prepared statements: not behind every pooler.
DATABASE_PREPARES = env.flag("DATABASE_PREPARES", True)
DATABASES["default"]["OPTIONS"].setdefault("connect_timeout", 10)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LANGUAGE_CODE = "en-us"
FORMAT_MODULE_PATH = "fliptech_site.formats"
# All is English: looking each word up in a catalogue took a tenth of a page.
USE_I18N = False
USE_TZ = True
TIME_ZONE = env.text("TIME_ZONE", "UTC")

STATIC_URL = "static/"
STATIC_ROOT = VAR_DIR / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedStaticFilesStorage"},
}
# Serve admin's own files straight from the packages: no collectstatic needed.
WHITENOISE_USE_FINDERS = True
MEDIA_ROOT = VAR_DIR / "media"

# --- Security -------------------------------------------------------------

#: The address under which people and mail programs reach this installation.
PUBLIC_URL = env.url(
    "PUBLIC_URL",
    "http://localhost:8000",
    schemes=("http", "https"),
    example="https://demo.example-agency.com",
).rstrip("/")
_IS_HTTPS = PUBLIC_URL.startswith("https://")
SECURE_SSL_REDIRECT = env.flag("SECURE_SSL_REDIRECT", _IS_HTTPS)
SECURE_PROXY_SSL_HEADER = (
    ("HTTP_X_FORWARDED_PROTO", "https") if env.flag("BEHIND_PROXY", False) else None
)
SECURE_HSTS_SECONDS = 31_536_000 if _IS_HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = _IS_HTTPS
SECURE_HSTS_PRELOAD = _IS_HTTPS
SESSION_COOKIE_SECURE = _IS_HTTPS
CSRF_COOKIE_SECURE = _IS_HTTPS
SECURE_CONTENT_TYPE_NOSNIFF = True
X_FRAME_OPTIONS = "DENY"

# --- Tasks ----------------------------------------------------------------

#: Empty means: no RabbitMQ to be had; the relay feeds Dramatiq's in-process broker.
RABBITMQ_URL = env.url(
    "RABBITMQ_URL",
    "",
    schemes=("amqp", "amqps"),
    example="amqp://user:password@host:5672/vhost",
)
#: Prepended to every RabbitMQ queue name, so that installations can share a node.
RABBITMQ_QUEUE_PREFIX = env.text("RABBITMQ_QUEUE_PREFIX", "fliptech.v1.")
#: Queue name -> priority: when one worker serves several queues, higher goes first.
QUEUES = {"email": 10, "ai": 6, "default": 5, "scraper": 3, "demo": 2}
#: Seconds that a claim holds without a heartbeat before the task is rescued.
TASK_LEASE_SECONDS = env.integer("TASK_LEASE_SECONDS", 30, minimum=3, maximum=3600)
#: Rescues (a worker died under the task) after which it is set aside as poison.
TASK_MAX_RESCUES = env.integer("TASK_MAX_RESCUES", 3, minimum=1, maximum=100)
#: Dramatiq middleware. The time limit comes after the ledger, so that its interrupt can
#: strike neither a claim nor a finish.
TASK_MIDDLEWARE = [
    "tasks.results.ledger_results",
    "tasks.tracing.EndSpan",
    "tasks.ledger.Ledger",
    "tasks.tracing.BeginSpan",
    "tasks.subprocesses.SubProcesses",
    "tasks.continuing.pipelines",
    "tasks.continuing.group_callbacks",
    "tasks.continuing.callbacks",
    "dramatiq.middleware.TimeLimit",
]
#: Where traces go, as OTLP over HTTP; empty means: none are made.
OTEL_EXPORTER_OTLP_ENDPOINT = env.url(
    "OTEL_EXPORTER_OTLP_ENDPOINT", "", schemes=("http", "https"), example="http://localhost:4318"
)  # fmt: skip
#: Functions that are told of the end of a followed task, each `(task_id, state) -> None`,
#: in the transaction that forgets the end (or many at once, see `tasks.following.together`).
TASK_FOLLOWERS = [
    "tasks.workflows.follow",
    "tasks.django_backend.tell_ends",
    "tasks.webhooks.announcing.follow",
]
TASKS = {"default": {"BACKEND": "tasks.django_backend.LedgerBackend"}}
#: Days that finished tasks are kept with all their attempts, and by how they ended.
TASK_KEEP_DAYS = env.integer("TASK_KEEP_DAYS", 30, minimum=1, maximum=3650)
TASK_KEEP_SUCCEEDED_DAYS = env.integer(
    "TASK_KEEP_SUCCEEDED_DAYS", TASK_KEEP_DAYS, minimum=1, maximum=3650
)
TASK_KEEP_FAILED_DAYS = env.integer(
    "TASK_KEEP_FAILED_DAYS", TASK_KEEP_DAYS, minimum=1, maximum=3650
)
TASK_KEEP_CANCELLED_DAYS = env.integer(
    "TASK_KEEP_CANCELLED_DAYS", TASK_KEEP_DAYS, minimum=1, maximum=3650
)
#: Months that a slim row of each is kept after that; 0 keeps none.
TASK_ARCHIVE_MONTHS = env.integer("TASK_ARCHIVE_MONTHS", 24, minimum=0, maximum=240)
#: Days that the tallies of finished tasks are kept.
TASK_HISTORY_DAYS = env.integer("TASK_HISTORY_DAYS", 400, minimum=10, maximum=3650)
#: Encrypt what tasks of encrypted actors carry; several keys, newest first, allow rotation.
TASK_KEYS = env.words("TASK_KEYS")

# --- Leads ----------------------------------------------------------------

#: How the crawler names itself; site owners read this in their logs.
CRAWLER_AGENT = env.text("CRAWLER_AGENT", "FlipTechBot")
CRAWLER_CONTACT = env.text("CRAWLER_CONTACT", "postmaster@localhost")
#: host:port pairs on private networks that may be fetched all the same.
FETCH_ALLOWED_PRIVATE = env.words("FETCH_ALLOWED_PRIVATE")
#: Milliseconds between two requests to one host when its robots.txt names no delay.
FETCH_DELAY_MS = env.integer("FETCH_DELAY_MS", 1000, minimum=0, maximum=60_000)
#: Tries again after an answer that never came or a fault of the host.
FETCH_RETRIES = env.integer("FETCH_RETRIES", 2, minimum=0, maximum=10)
#: Certificates that are trusted instead of the usual ones, empty for these.
FETCH_CA_FILE = env.text("FETCH_CA_FILE", "")
CRAIGSLIST_URL = env.url(
    "CRAIGSLIST_URL",
    "https://www.craigslist.org",
    schemes=("http", "https"),
    example="https://www.craigslist.org",
).rstrip("/")
#: Google's Places API and the key that pays for it; without one the source is off.
GOOGLE_PLACES_URL = env.url(
    "GOOGLE_PLACES_URL",
    "https://places.googleapis.com",
    schemes=("http", "https"),
    example="https://places.googleapis.com",
).rstrip("/")
GOOGLE_PLACES_API_KEY = env.text("GOOGLE_PLACES_API_KEY")
#: Days that Google's data is kept; its terms allow coordinates 30, place ids for ever.
GOOGLE_PLACES_DAYS = env.integer("GOOGLE_PLACES_DAYS", 30, minimum=1, maximum=30)
LINKEDIN_URL = env.url(
    "LINKEDIN_URL",
    "https://www.linkedin.com",
    schemes=("http", "https"),
    example="https://www.linkedin.com",
).rstrip("/")
#: Board's name -> where it answers, for boards that are not where they usually are.
JOB_BOARD_URLS: dict[str, str] = {}
#: From this score on a lead gets a demo site and an e-mail.
QUALIFYING_SCORE = env.integer("QUALIFYING_SCORE", 50, minimum=0, maximum=100)
#: Days that exported files are kept.
EXPORT_DAYS = env.integer("EXPORT_DAYS", 7, minimum=1, maximum=365)

# --- Demos ----------------------------------------------------------------

DEMO_ROOT = VAR_DIR / "demos"
DEMO_DAYS = env.integer("DEMO_DAYS", 60, minimum=1, maximum=3650)

# --- Campaigns ------------------------------------------------------------

#: On unless switched off: mail goes to servers on this machine only.
TEST_MODE = env.flag("TEST_MODE", True)
#: Where the local mail sink listens, and where test installations send.
MAIL_SINK = env.text("MAIL_SINK", "127.0.0.1:8025")
#: A campaign that is overdue by more than this asks a person before it launches.
CAMPAIGN_GRACE_HOURS = env.integer("CAMPAIGN_GRACE_HOURS", 24, minimum=1, maximum=8760)
#: Encrypts stored passwords and secrets of webhooks; several, newest first, rotate.
FIELD_KEYS = env.words("FIELD_KEYS")
#: OAuth2 provider -> id and secret of the application that it registered for this
#: installation; an account's own come first.
OAUTH_CLIENTS = {
    "google": (env.text("GOOGLE_CLIENT_ID"), env.text("GOOGLE_CLIENT_SECRET")),
    "microsoft": (env.text("MICROSOFT_CLIENT_ID"), env.text("MICROSOFT_CLIENT_SECRET")),
}
#: Who gets the daily report by mail, and the name of the account that sends it.
DAILY_REPORT_TO = env.words("DAILY_REPORT_TO")
DAILY_REPORT_ACCOUNT = env.text("DAILY_REPORT_ACCOUNT")
#: Networks whose machines open mails before people do, beside those that we know.
SCANNER_NETWORKS = env.networks("SCANNER_NETWORKS")
#: Days that what came in is kept; hours that mails in doubt wait for evidence.
INCOMING_KEEP_DAYS = env.integer("INCOMING_KEEP_DAYS", 365, minimum=30, maximum=3650)
IN_DOUBT_GRACE_HOURS = env.integer("IN_DOUBT_GRACE_HOURS", 72, minimum=1, maximum=720)

# --- Sample territory -------------------------------------------------------

#: Where the sample territory of ./deploy/quickstart.sh is served.
SAMPLE_PORT = env.integer("SAMPLE_PORT", 8099, minimum=1024, maximum=65_535)

# --- Logging --------------------------------------------------------------

LOG_LEVEL = env.text("LOG_LEVEL", "INFO").upper()
LOGGING = logging_to_stderr(LOG_LEVEL)

# --- Admin ----------------------------------------------------------------

UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "FlipTech Pro",
    "SITE_HEADER": "FlipTech Pro",
    "SITE_SYMBOL": "rocket_launch",
    "SHOW_HISTORY": True,
    "STYLES": ["fliptech_site.admin_pages.own_styles"],
    "SITE_FAVICONS": [{"rel": "icon", "href": "fliptech_site.admin_pages.own_icon"}],
    "DASHBOARD_CALLBACK": "fliptech_site.dashboard.fill",
    "SIDEBAR": {"show_search": True, "navigation": NAVIGATION},
}
