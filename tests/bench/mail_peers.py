"""django-post_office and django-mailer: queue mails in a table, then send them.

Nothing is tracked; the mails are filled in by Django's own templates.
"""

from __future__ import annotations

import time
from typing import Any

import django
from django.core.management import call_command

django.setup()

from django.core.mail import EmailMultiAlternatives  # noqa: E402 - Django comes first
from django.template import Context, Template  # noqa: E402
from mailer.engine import send_all  # noqa: E402
from mailer.models import Message, MessageLog  # noqa: E402
from post_office import mail  # noqa: E402
from post_office.models import Email, EmailTemplate, Log  # noqa: E402

SENDER = "Ada of Brightside Web <ada@brightside.example>"
SUBJECT = "A new site for {{ lead.name }}"
HTML = """
<p>Hello {{ lead.name }},</p>
<p>people in {{ lead.city }} look for a {{ lead.category }} on their phones. We looked at
your site and made you one that shows opening hours, the way and what you offer at a
glance: <a href="{{ demo.url }}">have a look at it</a>.</p>
<ul><li>It loads in a second.</li><li>It reads well on every screen.</li>
<li>You can change every word yourself.</li></ul>
<p>{% if lead.phone %}We have put {{ lead.phone }} where a thumb finds it.
{% endif %}Tell us what you think, and whether we should take it down again.</p>
<p>Kind regards<br>Ada of Brightside Web</p>
"""
TEXT = """Hello {{ lead.name }},

people in {{ lead.city }} look for a {{ lead.category }} on their phones. We made you a
site: {{ demo.url }}

Kind regards
Ada of Brightside Web
"""


class Driver:
    """Both peers; each call says how long queueing and sending took."""

    def __init__(self) -> None:
        call_command("migrate", verbosity=0)

    def post_office(self, count: int) -> dict[str, float]:
        """Queue with a template that is filled in at delivery, then send."""
        Log.objects.all().delete()
        Email.objects.all().delete()
        EmailTemplate.objects.all().delete()
        template = EmailTemplate.objects.create(
            name="bench", subject=SUBJECT, content=TEXT, html_content=HTML
        )
        began = time.perf_counter()
        mail.send_many(
            [
                {
                    "recipients": [f"owner{number}@bakery{number}.example"],
                    "sender": SENDER,
                    "template": template,
                    "context": _context(number),
                    "render_on_delivery": True,
                }
                for number in range(count)
            ]
        )
        queued = time.perf_counter()
        mail.send_queued_mail_until_done(processes=1)
        ended = time.perf_counter()
        assert Email.objects.filter(status=0).count() == count
        return {"queueing": queued - began, "sending": ended - queued}

    def mailer(self, count: int) -> dict[str, float]:
        """Fill in and queue, then send."""
        Message.objects.all().delete()
        MessageLog.objects.all().delete()
        subject, text, html = Template(SUBJECT), Template(TEXT), Template(HTML)
        began = time.perf_counter()
        for number in range(count):
            context = Context(_context(number))
            message = EmailMultiAlternatives(
                subject.render(context),
                text.render(context),
                SENDER,
                [f"owner{number}@bakery{number}.example"],
            )
            message.attach_alternative(html.render(context), "text/html")
            queued_row = Message(priority=2)
            queued_row.email = message
            queued_row.save()
        queued = time.perf_counter()
        send_all()
        ended = time.perf_counter()
        assert MessageLog.objects.count() == count
        return {"queueing": queued - began, "sending": ended - queued}


def _context(number: int) -> dict[str, Any]:
    return {
        "lead": {
            "name": f"Bakery {number}",
            "city": "Alder Point",
            "category": "bakery",
            "phone": "+14155550123",
        },
        "demo": {"url": f"https://demo.example/{number}/"},
    }
