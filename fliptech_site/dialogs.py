"""Dialogs of admin's buttons: what changes something is posted, never a mere link."""

from __future__ import annotations

from typing import Any

from unfold.forms import BaseDialogForm


def ask(
    title: str,
    description: str,
    submit: str,
    form: type[Any] = BaseDialogForm,
) -> dict[str, Any]:
    """Return the dialog of an action; `form` may ask for more than a yes."""
    return {
        "title": title,
        "description": description,
        "form_class": form,
        "form_submit_text": submit,
    }
