"""Webhooks in admin: who is told of what, and what came of each delivery."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from unfold.admin import ModelAdmin
from unfold.decorators import action, display
from unfold.forms import BaseDialogForm
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminSelect2MultipleWidget,
)

from fliptech_site.errors import FlipTechError
from tasks.admin.deliveries import COLOURS, ask, host_of
from tasks.declaring import load_actors
from tasks.enqueueing import enqueue
from tasks.models import Webhook
from tasks.states import FINISHED
from tasks.webhook_rows import DELIVERING_ACTOR
from tasks.webhooks import subscribing

_ALL = "Nothing chosen means all."


class WebhookForm(forms.ModelForm):  # type: ignore[type-arg]
    """A webhook, with its filters as choices."""

    states = forms.MultipleChoiceField(
        required=False,
        choices=[(state.value, state.value) for state in FINISHED],
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text=_ALL,
    )
    queues = forms.MultipleChoiceField(
        required=False,
        choices=[(queue, queue) for queue in settings.QUEUES],
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text=_ALL,
    )
    actors = forms.MultipleChoiceField(
        required=False,
        choices=lambda: [
            (name, name) for name in sorted(load_actors()) if name != DELIVERING_ACTOR
        ],
        widget=UnfoldAdminSelect2MultipleWidget,
        help_text=_ALL,
    )

    class Meta:
        model = Webhook
        fields = ("name", "url", "is_enabled", "states", "queues", "actors")


@admin.register(Webhook)
class WebhookAdmin(ModelAdmin):
    """Addresses that are told of the ends of tasks."""

    form = WebhookForm
    list_display = ("name", "host", "state_badge", "wants", "newest", "at", "waiting")
    fieldsets = (
        (None, {"fields": ("name", "url", "is_enabled", "problem")}),
        ("Which ends it is told of", {"fields": ("states", "queues", "actors")}),
    )
    readonly_fields = ("problem",)
    actions_detail = ("test", "renew")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Webhook]:
        """Each with what came of its deliveries, in the same query."""
        rows: QuerySet[Webhook] = super().get_queryset(request)
        return subscribing.with_news(rows)

    @display(description="Receiver")
    def host(self, webhook: Webhook) -> str:
        """The host of the address."""
        return host_of(webhook.url)

    @display(description="State", label={"on": "success", "off": "danger"})
    def state_badge(self, webhook: Webhook) -> str:
        """On or off."""
        return "on" if webhook.is_enabled else "off"

    @display(description="Told of")
    def wants(self, webhook: Webhook) -> str:
        """Its filter in words."""
        parts = [*webhook.actors, *webhook.queues, *webhook.states]
        return ", ".join(parts) or "every end"

    @display(description="Newest delivery", label=COLOURS)
    def newest(self, webhook: Any) -> str:
        """What came of the newest delivery."""
        return webhook.newest_state or "none yet"

    @display(description="At", ordering="newest_at")
    def at(self, webhook: Any) -> Any:
        """When the newest was written."""
        return webhook.newest_at or "–"

    @display(description="Waiting", ordering="waiting_count")
    def waiting(self, webhook: Any) -> int:
        """Deliveries not yet made."""
        return int(webhook.waiting_count)

    def save_model(
        self, request: HttpRequest, obj: Webhook, form: forms.Form, change: bool
    ) -> None:
        """Add it with a secret of its own, or let it hear of what it now wants."""
        if not change:
            obj.new_secret = subscribing.add(obj)  # type: ignore[attr-defined]
            return
        if obj.is_enabled:
            obj.problem = ""
        super().save_model(request, obj, form, change)
        enqueue("follow_unfinished_tasks", webhook_id=obj.pk)

    def response_add(
        self, request: HttpRequest, obj: Any, post_url_continue: str | None = None
    ) -> HttpResponse:
        """Show the secret in this very answer, so that it is kept nowhere."""
        told = {"webhook": obj, "secret": obj.new_secret, "title": "Webhook added"}
        context = self.admin_site.each_context(request) | told
        return render(request, "tasks/webhook_added.html", context)

    @action(
        description="Send a test",
        url_path="test",
        icon="send",
        permissions=["change"],
        dialog=ask(
            "Send a test event?",
            "The receiver gets a signed event of the type webhook.test.",
            "Send",
        ),
    )
    def test(
        self, request: HttpRequest, form: BaseDialogForm, object_id: str
    ) -> HttpResponse:
        """Tell the receiver of an event that is none."""
        webhook = Webhook.objects.get(pk=object_id)
        path = reverse("admin:tasks_webhook_change", args=[object_id])
        try:
            delivery_id = subscribing.send_test(webhook)
        except FlipTechError as error:
            messages.warning(request, str(error))
        else:
            messages.success(request, f"A test is on its way to {webhook}.")
            path = reverse("admin:tasks_webhookdelivery_change", args=[delivery_id])
        return HttpResponse(headers={"HX-Redirect": path})

    @action(
        description="New secret",
        url_path="renew",
        icon="key",
        permissions=["change"],
        dialog=ask(
            "Make a new secret?",
            "Both secrets sign for one more day, so that the receiver can change over.",
            "Make it",
        ),
    )
    def renew(
        self, request: HttpRequest, form: BaseDialogForm, object_id: str
    ) -> HttpResponse:
        """Renew the secret and show it in the dialog."""
        webhook = Webhook.objects.get(pk=object_id)
        secret = subscribing.renew_secret(webhook)
        self.log_change(request, webhook, "The secret was renewed.")
        webhook.refresh_from_db()
        told = {
            "webhook": webhook,
            "secret": secret,
            "previous_until": webhook.previous_until,
        }
        return render(request, "tasks/webhook_secret.html", told)
