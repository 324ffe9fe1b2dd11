"""Deliveries of webhooks in admin: each try, the receiver's answer, and once more."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from unfold.decorators import action, display
from unfold.forms import BaseDialogForm

from fliptech_site.addresses import parse_target
from fliptech_site.errors import FlipTechError, PermanentError
from tasks.admin.reading import ReadOnlyAdmin
from tasks.admin.workflow_tree import task_link
from tasks.models import WebhookDelivery
from tasks.webhooks import subscribing

COLOURS = {
    "waiting": "info",
    "delivered": "success",
    "failed": "danger",
    "dropped": "warning",
}


def ask(title: str, description: str, submit: str) -> dict[str, Any]:
    """A dialog: what changes something is posted, never a mere link."""
    return {
        "title": title,
        "description": description,
        "form_class": BaseDialogForm,
        "form_submit_text": submit,
    }


def host_of(url: str) -> str:
    """Return the host alone, since the rest of an address may be a secret."""
    try:
        return parse_target(url).host_port
    except PermanentError:
        return "–"


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(ReadOnlyAdmin):
    """What was told to whom, how often it was tried and what the receiver said."""

    list_display = (
        "event", "state_badge", "receiver", "webhook", "tries", "status", "problem",
        "created_at",
    )  # fmt: skip
    list_filter = ("state", "webhook", "event")
    list_select_related = ("webhook",)
    list_per_page = 50
    # The exact count of a long history costs more than the page itself.
    show_full_result_count = False
    search_fields = ("task_id__exact", "id__exact")
    ordering = ("-created_at",)
    actions = ("send_chosen_again",)
    actions_detail = ("send_again",)
    fieldsets = (
        (None, {"fields": ("event", "state_badge", "webhook", "url", "task")}),
        ("Tries", {"fields": ("tries", "tried_at", "give_up_at", "delivered_at", "past")}),
        ("The last answer", {"fields": ("status", "error", "answer")}),
        ("What is sent", {"fields": ("event_id", "pretty_body")}),
    )  # fmt: skip

    def get_readonly_fields(
        self, request: HttpRequest, obj: object = None
    ) -> list[str]:
        """Everything: a delivery is changed by its button only."""
        return [name for _, section in self.fieldsets for name in section["fields"]]

    @display(
        description="State",
        label=COLOURS,
        ordering="state",
    )
    def state_badge(self, delivery: WebhookDelivery) -> str:
        """How far it has come."""
        return delivery.state

    @display(description="Receiver")
    def receiver(self, delivery: WebhookDelivery) -> str:
        """The host of the address."""
        return host_of(delivery.url)

    @display(description="Problem")
    def problem(self, delivery: WebhookDelivery) -> str:
        """Why the last try failed, shortened."""
        return delivery.error[:80] or "–"

    @display(description="Task")
    def task(self, delivery: WebhookDelivery) -> SafeString | str:
        """The task of whose end it tells."""
        if delivery.task_id is None:
            return "none: a test"
        return task_link(delivery.task_id, str(delivery.task_id))

    @display(description="Each try")
    def past(self, delivery: WebhookDelivery) -> SafeString | str:
        """When each try was, what was answered and after how long."""
        return (
            format_html_join(
                mark_safe("<br>"),
                "{} · {} · {} ms · {}",
                (
                    (
                        one["at"][:19].replace("T", " "),
                        one["status"] or "no answer",
                        one["milliseconds"],
                        one["error"] or "delivered",
                    )
                    for one in delivery.history
                ),
            )
            or "–"
        )

    @display(description="webhook-id")
    def event_id(self, delivery: WebhookDelivery) -> str:
        """The id that the receiver sees."""
        return delivery.event_id

    @display(description="Body")
    def pretty_body(self, delivery: WebhookDelivery) -> SafeString:
        """What is signed and sent, indented for people."""
        text = json.dumps(json.loads(delivery.body), indent=2, ensure_ascii=False)
        return format_html("<pre style='white-space:pre-wrap'>{}</pre>", text)

    @action(
        description="Send again",
        url_path="again",
        icon="replay",
        permissions=["change"],
        dialog=ask(
            "Send it again?",
            "It is tried now, and for another day, under the same webhook-id.",
            "Send again",
        ),
    )
    def send_again(
        self, request: HttpRequest, form: BaseDialogForm, object_id: str
    ) -> HttpResponse:
        """Try the delivery that is open once more."""
        self._send_again(request, WebhookDelivery.objects.get(pk=object_id))
        path = reverse("admin:tasks_webhookdelivery_change", args=[object_id])
        return HttpResponse(headers={"HX-Redirect": path})

    @action(description="Send again", permissions=["change"])
    def send_chosen_again(
        self, request: HttpRequest, queryset: QuerySet[WebhookDelivery]
    ) -> None:
        """Try each of the chosen deliveries once more."""
        for delivery in queryset:
            self._send_again(request, delivery)

    def _send_again(self, request: HttpRequest, delivery: WebhookDelivery) -> None:
        try:
            subscribing.send_again(delivery.pk)
        except FlipTechError as error:
            messages.warning(request, str(error))
        else:
            self.log_change(request, delivery, "Sent again.")
            messages.success(request, f"{delivery.event} is sent again.")
