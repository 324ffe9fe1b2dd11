"""What is said: a subject and a body with fields, and the files that go with it."""

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
            "Liquid and spintax: {{ lead.name }}, {Hi|Hello}. Styles are written into"
            " the elements. Signature and footer go into elements with the ids signature"
            ' and footer, or to the end; stored images are shown by src="cid:name.png".'
        ),
    )
    body_text = models.TextField(
        "text body", blank=True, help_text="Made from the HTML body when left blank."
    )
    #: What stands in for a blank field, by its path.
    fallbacks = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    #: Also moved by a change of its files: what is kept ready of them names it.
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class TemplateVersion(models.Model):
    """What a template said before it was changed; a trigger of the database writes it."""

    template = models.ForeignKey(
        Template, on_delete=models.CASCADE, related_name="versions"
    )
    subject = models.CharField(max_length=300)
    body_html = models.TextField()
    body_text = models.TextField(blank=True)
    fallbacks = models.JSONField(default=dict, blank=True)
    #: When the next version took its place.
    until = models.DateTimeField()

    class Meta:
        ordering = ["until"]
        indexes = [
            models.Index(
                fields=["template", "until"], name="campaigns_tmplversion_idx"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.template} until {self.until:%Y-%m-%d %H:%M}"


class TemplateFile(models.Model):
    """A file that goes with a template: attached, or an image shown in the HTML.

    It stands in the database, since workers on other machines need it, too.
    """

    template = models.ForeignKey(
        Template, on_delete=models.CASCADE, related_name="files"
    )
    #: As the recipient sees it, and as `cid:` names it.
    name = models.CharField(max_length=150)
    #: As the content says, not as the name does.
    content_type = models.CharField(max_length=100, editable=False)
    content = models.BinaryField(editable=False)
    size_bytes = models.PositiveIntegerField(editable=False)
    is_inline = models.BooleanField(
        "shown in the HTML",
        default=False,
        help_text='An image that the HTML shows by src="cid:name"; else attached.',
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                fields=["template", "name"],
                name="campaigns_templatefile_uniq",
                violation_error_message="A template's files have different names.",
            ),
        ]

    def __str__(self) -> str:
        return self.name
