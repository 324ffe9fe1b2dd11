"""Dates and times are written alike on all pages."""

from __future__ import annotations

from datetime import UTC, datetime

from django.template import Context, Template


def test_a_time_is_written_in_one_way_whether_a_page_names_the_form_or_not():
    moment = datetime(2026, 11, 30, 19, 5, tzinfo=UTC)
    page = Template("{{ at }} | {{ at|date:'j M Y, H:i' }} | {{ at|date }}")
    assert page.render(Context({"at": moment})) == (
        "30 Nov 2026, 19:05 | 30 Nov 2026, 19:05 | 30 Nov 2026"
    )
