"""What is said: a subject and a body with fields."""

from __future__ import annotations

from django.db import models


class Template(models.Model):
    """A mail with fields, in Liquid."""

    name = models.CharField(max_length=100, unique=True)
    subject = models.CharField(
        max_length=300, help_text="Liquid: A new site for {{ lead.name }}"
    )
    body_html = models.TextField(
        "HTML body",
        help_text=(
            "Liquid. Fields: lead.name, lead.city and so on, demo.url, sender.name,"
            " unsubscribe_url. Give fields that may be blank a fallback:"
            " {{ lead.city | default: 'your town' }}."
        ),
    )
    body_text = models.TextField(
        "text body", blank=True, help_text="Made from the HTML body when left blank."
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name
