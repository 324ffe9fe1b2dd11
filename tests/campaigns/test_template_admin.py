"""Templates in admin: the form, the files, the review beside it, the preview."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from campaigns.models import Template, TemplateFile

pytestmark = pytest.mark.django_db

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 50


@pytest.fixture
def admin(client):
    client.force_login(
        User.objects.create(username="root", is_staff=True, is_superuser=True)
    )
    return client


def change_url(template):
    return reverse("admin:campaigns_template_change", args=[template.pk])


def preview_url(template):
    return reverse("admin:campaigns_template_preview", args=[template.pk])


def frame_url(template):
    return reverse("admin:campaigns_template_preview_html", args=[template.pk])


def form(template, uploads=(), **values):
    rows = {}
    for n, (content, is_inline) in enumerate(uploads):
        rows[f"files-{n}-upload"] = content
        if is_inline:
            rows[f"files-{n}-is_inline"] = "on"
    return {
        "name": template.name,
        "subject": template.subject,
        "body_html": template.body_html,
        "body_text": "",
        "fallbacks_written": "",
        "files-TOTAL_FORMS": max(1, len(uploads)),
        "files-INITIAL_FORMS": 0,
        **rows,
        **values,
    }


def saved(admin, template, **values):
    answer = admin.post(change_url(template), form(template, **values))
    template.refresh_from_db()
    return answer


def test_fallbacks_are_kept_and_shown_as_lines(admin, make_template):
    template = make_template()

    saved(admin, template, fallbacks_written="lead.city = your town")

    assert template.fallbacks == {"lead.city": "your town"}
    assert "lead.city = your town" in admin.get(change_url(template)).content.decode()


def test_a_wrong_fallback_is_refused_in_a_sentence(admin, make_template):
    answer = saved(admin, make_template(), fallbacks_written="lead.town = x")

    assert "is for no field" in answer.content.decode()


def test_files_are_taken_in_by_their_content(admin, make_template):
    template = make_template(body_html='<img src="cid:logo.png" alt="Logo">')
    before = template.updated_at

    saved(
        admin,
        template,
        uploads=[
            (SimpleUploadedFile("logo.png", PNG, "application/x-lies"), True),
            (SimpleUploadedFile("a.pdf", b"%PDF-1.7"), False),
        ],
    )

    assert list(
        template.files.values_list("name", "content_type", "size_bytes", "is_inline")
    ) == [
        ("a.pdf", "application/pdf", 8, False),
        ("logo.png", "image/png", len(PNG), True),
    ]
    assert template.updated_at > before
    shown = admin.get(frame_url(template)).content.decode()
    assert 'src="data:image/png;base64,' in shown


@pytest.mark.parametrize(
    ("upload", "sentence"),
    [
        ((SimpleUploadedFile("a.exe", b"MZ"), False), "use csv, docx"),
        ((SimpleUploadedFile("a.pdf", b"MZ"), False), "use csv, docx"),
        ((SimpleUploadedFile("a.pdf", b"%PDF-1"), True), "is no image"),
        ((SimpleUploadedFile("a.txt", b"x" * 5_300_000), False), "too much for a mail"),
    ],
)
def test_a_file_that_no_mail_should_carry_is_refused(
    admin, make_template, upload, sentence
):
    answer = saved(admin, make_template(), uploads=[upload])

    assert sentence in answer.content.decode()
    assert not TemplateFile.objects.exists()


def test_the_review_stands_beside_the_form_with_all_fields(admin, make_template):
    template = make_template(subject="RE: LOOK AT THIS NOW")

    html = admin.get(change_url(template)).content.decode()

    assert "The subject shouts" in html
    assert "lead.audit.is_https" in html


def test_a_preview_shows_the_best_lead_or_the_one_that_was_chosen(
    admin, make_template, make_lead
):
    second = make_lead(name="Second", score=60, city="Oslo")
    make_lead(name="Best <b>one</b>", score=99)
    template = make_template()

    assert "A new site for Best &lt;b&gt;one&lt;/b&gt;" in page(admin, template)
    frame = admin.get(frame_url(template))
    assert "Hello Best &lt;b&gt;one&lt;/b&gt; in town" in frame.content.decode()
    assert "sandbox" in frame["Content-Security-Policy"]
    assert "script-src" not in frame["Content-Security-Policy"]

    assert f'href="?lead={second.pk}"' in page(admin, template, q="seco")
    assert f'href="?lead={second.pk}"' in page(admin, template, q="oslo")
    assert "No lead is called like this." in page(admin, template, q="zzz")

    chosen = page(admin, template, lead=second.pk)
    assert "A new site for Second" in chosen
    assert second.email in chosen
    assert "Hello Second in Oslo" in chosen
    assert f"lead={second.pk}" in chosen


@pytest.mark.parametrize("lead", ["x", "0", "9" * 30, "-1"])
def test_a_preview_for_no_lead_takes_the_best_one(
    admin, make_template, make_lead, lead
):
    make_lead(name="Best")

    assert "A new site for Best" in page(admin, make_template(), lead=lead)


def test_a_wrong_template_says_so_in_its_preview(admin, make_template):
    template = make_template()
    Template.objects.update(body_html="{{ lead.nme }}")

    assert "did you mean" in page(admin, template)
    assert admin.get(frame_url(template)).status_code == 200


def test_previews_are_for_those_who_may_see_templates(client, make_template):
    template = make_template()
    assert client.get(preview_url(template)).status_code == 302
    client.force_login(User.objects.create(username="reader", is_staff=True))

    assert client.get(preview_url(template)).status_code == 404
    assert client.get(frame_url(template)).status_code == 404


def page(admin, template, **asked):
    return admin.get(preview_url(template), asked).content.decode()
