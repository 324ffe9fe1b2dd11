"""How a workflow looks in admin: its bar, and the lines of its tree."""

from __future__ import annotations

from uuid import UUID

from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from tasks.workflows.showing import Line

#: Colours of the bar's pieces, in its order, and of the marks in the tree.
_COLOURS = {
    "succeeded": "#16a34a",
    "failed": "#dc2626",
    "cancelled": "#d97706",
    "running": "#2563eb",
    "waiting": "#9ca3af66",
}


def progress_bar(counts: dict[str, int]) -> SafeString | str:
    """Show steps by state as one bar with the share that is done."""
    total = sum(counts.values())
    if not total:
        return "no steps"
    pieces = format_html_join(
        "",
        '<span style="width:{}%;background:{}" title="{} {}"></span>',
        (
            (f"{100 * counts[state] / total:.2f}", colour, counts[state], state)
            for state, colour in _COLOURS.items()
            if counts.get(state)
        ),
    )
    return format_html(
        '<span style="display:inline-flex;align-items:center;gap:10px;white-space:nowrap">'
        '<span style="display:flex;width:120px;height:8px;border-radius:4px;overflow:hidden;'
        'background:#9ca3af33">{}</span><span>{} of {}</span></span>',
        pieces,
        counts.get("succeeded", 0),
        total,
    )


def tree_row(line: Line, *, is_over: bool) -> SafeString:
    """Show one line of the tree, indented, with its state as a mark and in words."""
    if line.actor:
        what = task_link(line.node_id, line.actor) if line.task_state else line.actor
    else:
        what = f"{line.kind} of {line.size}" + (", may fail" if line.may_fail else "")
    if line.hidden:
        url = reverse("admin:tasks_node_changelist")
        what = format_html(
            '{} · <a href="{}?parent__id__exact={}" class="text-primary-600 dark:text-primary-500">'
            "{} not shown</a>",
            what, url, line.node_id, line.hidden,
        )  # fmt: skip
    return format_html(
        '<div style="padding-left:{}px;white-space:nowrap" title="{}">'
        '<span style="display:inline-block;width:9px;height:9px;border-radius:5px;'
        'background:{};margin-right:8px"></span>'
        '<span style="opacity:.85;margin-right:8px">{}</span>'
        '<span style="font-weight:600">{}</span>'
        '<span style="opacity:.85;margin-left:10px">{}</span></div>',
        20 * line.depth,
        line.state,
        _COLOURS.get(line.state, ""),
        line.place,
        what,
        _told(line, is_over=is_over),
    )


def _told(line: Line, *, is_over: bool) -> str:
    """The state of a node in words: how long it ran, which try, what went wrong."""
    words = [line.state]
    if line.state == "running" and line.task_state:
        words = [line.task_state]
    elif line.state == "waiting" and is_over:
        words = ["not reached"]
    if line.started_at and line.finished_at and line.state != "waiting":
        words.append(in_words((line.finished_at - line.started_at).total_seconds()))
    if line.attempt > 1:
        words.append(f"run {line.attempt}")
    if line.error and line.state != "succeeded":
        words.append(line.error[:120])
    return " · ".join(words)


def task_link(task_id: UUID, text: str) -> SafeString:
    """Link to a task's page."""
    return format_html(
        '<a href="{}" class="text-primary-600 dark:text-primary-500">{}</a>',
        reverse("admin:tasks_task_change", args=[task_id]),
        text,
    )


def in_words(seconds: float) -> str:
    """Say a duration in the unit that suits it."""
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.1f} s"
