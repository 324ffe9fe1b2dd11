"""Settings of the peers that queue mail in a table: django-post_office, django-mailer."""

from __future__ import annotations

import os

import dj_database_url

SECRET_KEY = "of-no-use-outside-of-this-run"
DATABASES = {"default": dj_database_url.parse(os.environ["DATABASE_URL"])}
INSTALLED_APPS = ["django.contrib.contenttypes", "post_office", "mailer"]
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
EMAIL_HOST = "127.0.0.1"
EMAIL_PORT = int(os.environ["BENCH_SMTP_PORT"])
EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
MAILER_EMAIL_BACKEND = EMAIL_BACKEND
MAILER_USE_FILE_LOCK = False
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": False,
        "OPTIONS": {},
    },
    {
        "BACKEND": "post_office.template.backends.post_office.PostOfficeTemplates",
        "APP_DIRS": False,
        "DIRS": [],
        "OPTIONS": {},
    },
]
POST_OFFICE = {
    "BACKENDS": {"default": EMAIL_BACKEND},
    "THREADS_PER_PROCESS": int(os.environ["BENCH_CONNECTIONS"]),
}
LOGGING = {"version": 1, "disable_existing_loggers": False}
