"""Rows of another table inside a page's form, whose fields a screen reader can name."""

from __future__ import annotations

from typing import Any

from django.db.models import Field
from django.forms import Field as FormField
from django.http import HttpRequest
from unfold.admin import TabularInline


class LabelledLines(TabularInline):
    """A table of fields; the columns' heads are the names of their fields, too."""

    def formfield_for_dbfield(
        self, db_field: Field[Any, Any], request: HttpRequest, **kwargs: Any
    ) -> FormField | None:
        """Give the field, with its column's head as its name."""
        field: FormField | None = super().formfield_for_dbfield(
            db_field, request, **kwargs
        )
        if field is not None:
            # Those of other tables are wrapped into buttons.
            widget: Any = getattr(field.widget, "widget", field.widget)
            widget.attrs["aria-label"] = str(field.label)
        return field
