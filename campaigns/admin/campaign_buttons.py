"""The buttons on a campaign's page: each asks, posts, and says what came of it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from unfold.admin import ModelAdmin
from unfold.dataclasses import UnfoldAction
from unfold.decorators import action
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminEmailInputWidget, UnfoldAdminSelectWidget

from campaigns import launching, scheduling
from campaigns.models import Campaign, Variant
from campaigns.previewing import preview
from campaigns.reviewing import warnings_of
from campaigns.split_tests import set_winner
from campaigns.writing import request_test
from fliptech_site.dialogs import ask
from fliptech_site.errors import FlipTechError, InvalidInput


class TestMailForm(BaseDialogForm):
    """Where the test mail goes."""

    address = forms.EmailField(widget=UnfoldAdminEmailInputWidget)
    way = forms.ChoiceField(
        choices=[
            ("sink", "into the inbox here (test mail)"),
            ("server", "through the account's server"),
        ],
        widget=UnfoldAdminSelectWidget,
    )

    def clean(self) -> dict[str, Any]:
        """Enqueue the mail, or say at the field why that can't be."""
        given: dict[str, Any] = super().clean() or {}
        if self.errors or not self.object_id:
            return given
        try:
            request_test(
                int(self.object_id),
                given["address"],
                test_mode=given["way"] == "sink",
            )
        except InvalidInput as error:
            self.add_error("address", str(error))
        return given


class LaunchForm(BaseDialogForm):
    """Says who would get a mail before anybody gets one."""

    form_before_template = "campaigns/audience_preview.html"

    def get_before_template_context(
        self, request: HttpRequest, object_id: int | str | None = None
    ) -> dict[str, Any]:
        """Count whom a launch would reach, or say what stands in its way."""
        campaign = Campaign.objects.filter(pk=object_id or 0).first()
        if campaign is None:
            return {"problem": "This campaign is not there any more."}
        try:
            return {"preview": preview(campaign)}
        except InvalidInput as error:
            return {"problem": str(error)}


class WinnerForm(BaseDialogForm):
    """Which variant wins its step."""

    variant = forms.ModelChoiceField(
        Variant.objects.none(), widget=UnfoldAdminSelectWidget
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["variant"]
        assert isinstance(field, forms.ModelChoiceField)
        if self.object_id:
            field.queryset = Variant.objects.filter(campaign=self.object_id)


class CampaignButtons(ModelAdmin):
    """What can be done about the campaign that is open."""

    actions_detail = (
        "launch", "plan", "drop", "pause", "resume", "cancel", "send_test",
        "choose",
    )  # fmt: skip

    def get_actions_detail(
        self, request: HttpRequest, object_id: int
    ) -> list[UnfoldAction]:
        """Show the buttons that make sense now; what is refused is refused all the same."""
        actions: list[UnfoldAction] = super().get_actions_detail(request, object_id)
        campaign = Campaign.objects.filter(pk=object_id).first()
        if campaign is None:
            return actions
        shown = _buttons_of(campaign)
        return [
            each
            for each in actions
            if each.action_name.rpartition("campaign_")[2] in shown
        ]

    @action(
        description="Launch",
        url_path="launch",
        icon="rocket_launch",
        permissions=["change"],
        dialog=ask(
            "Launch this campaign?",
            "Every lead that qualifies gets one mail, at the account's pace. Launching a"
            " finished campaign again only adds new leads.",
            "Launch",
            LaunchForm,
        ),
    )
    def launch(
        self, request: HttpRequest, form: BaseDialogForm, object_id: str
    ) -> HttpResponse:
        """Enqueue the launch."""
        launch = partial(launching.request_launch, user_id=request.user.pk)
        answer = self._one(request, object_id, launch, "is being launched")
        campaign = self.get_object(request, object_id)
        for warning in warnings_of(campaign) if campaign else ():
            messages.warning(request, warning)
        return answer

    @action(
        description="Launch at its time",
        url_path="plan",
        icon="schedule",
        permissions=["change"],
        dialog=ask(
            "Launch at the scheduled time?",
            "It launches by itself at the time in the field 'Scheduled at'.",
            "Schedule",
        ),
    )
    def plan(
        self, request: HttpRequest, form: BaseDialogForm, object_id: str
    ) -> HttpResponse:
        """Schedule the launch for the time in the row."""
        schedule = partial(_schedule, user_id=request.user.pk)
        return self._one(request, object_id, schedule, "is scheduled")

    @action(
        description="Drop the launch",
        url_path="drop",
        icon="event_busy",
        permissions=["change"],
        dialog=ask(
            "Drop the scheduled launch?",
            "The campaign becomes a draft again; nothing is sent.",
            "Drop it",
        ),
    )
    def drop(
        self, request: HttpRequest, form: BaseDialogForm, object_id: str
    ) -> HttpResponse:
        """Make a scheduled or overdue campaign a draft again."""
        return self._one(
            request, object_id, scheduling.drop_schedule, "is a draft again"
        )

    @action(
        description="Pause",
        url_path="pause",
        icon="pause",
        permissions=["change"],
        dialog=ask("Pause this campaign?", "Nothing more is sent until you resume.", "Pause"),
    )  # fmt: skip
    def pause(
        self, request: HttpRequest, form: BaseDialogForm, object_id: str
    ) -> HttpResponse:
        """Pause at once."""
        return self._one(request, object_id, launching.pause, "is paused")

    @action(
        description="Resume",
        url_path="resume",
        icon="play_arrow",
        permissions=["change"],
        dialog=ask("Resume this campaign?", "The waiting mails go on.", "Resume"),
    )
    def resume(
        self, request: HttpRequest, form: BaseDialogForm, object_id: str
    ) -> HttpResponse:
        """Resume at once."""
        return self._one(request, object_id, launching.resume, "goes on")

    @action(
        description="Cancel",
        url_path="cancel",
        icon="cancel",
        permissions=["change"],
        dialog=ask(
            "Cancel this campaign for good?",
            "Mails that have not been sent never will be. This can't be undone.",
            "End it for good",
        ),
    )
    def cancel(
        self, request: HttpRequest, form: BaseDialogForm, object_id: str
    ) -> HttpResponse:
        """Cancel at once."""
        return self._one(request, object_id, launching.cancel, "is cancelled")

    @action(
        description="Send a test",
        url_path="test",
        icon="send",
        permissions=["change"],
        dialog=ask(
            "Send a test mail to yourself",
            "Filled in for the best lead, marked [Test], counted nowhere.",
            "Send",
            TestMailForm,
        ),
    )
    def send_test(
        self, request: HttpRequest, form: TestMailForm, object_id: str
    ) -> HttpResponse:
        """Say that the form enqueued the test."""
        messages.success(
            request, f"The test mail to {form.cleaned_data['address']} is on its way."
        )
        return _reload(object_id)

    @action(
        description="Choose a winner",
        url_path="choose",
        icon="trophy",
        permissions=["change"],
        dialog=ask(
            "Let a variant win?",
            "Mails of its step that are not sent yet are sent as it says. The step's"
            " split test ends with that.",
            "Let it win",
            WinnerForm,
        ),
    )
    def choose(
        self, request: HttpRequest, form: WinnerForm, object_id: str
    ) -> HttpResponse:
        """Let a variant win by hand."""
        variant: Variant = form.cleaned_data["variant"]
        return self._one(
            request,
            object_id,
            lambda _: set_winner(variant, f"Chosen by {request.user}."),
            f"goes on with {variant}",
        )

    def _one(
        self,
        request: HttpRequest,
        object_id: str,
        do: Callable[[int], object],
        done: str,
    ) -> HttpResponse:
        campaign = self.get_object(request, object_id)
        if campaign is None:
            messages.warning(request, "This campaign is not there any more.")
        else:
            self.do_one(request, campaign, do, done)
        return _reload(object_id)

    def do_one(
        self,
        request: HttpRequest,
        campaign: Campaign,
        do: Callable[[int], object],
        done: str,
    ) -> None:
        """Do something about a campaign, and say in one sentence what came of it."""
        try:
            do(campaign.pk)
        except FlipTechError as error:
            messages.warning(request, str(error))
        else:
            self.log_change(request, campaign, f"{campaign} {done}.")
            messages.success(request, f"{campaign} {done}.")


#: In which states a button is shown; the others are in all of them.
_SHOWN_IN = {
    "launch": {"draft", "scheduled", "overdue", "running", "finished"},
    "plan": {"draft", "scheduled", "overdue"},
    "drop": {"scheduled", "overdue"},
    "pause": {"launching", "running"},
    "resume": {"paused"},
    "cancel": {"draft", "scheduled", "overdue", "launching", "running", "paused"},
}


def _buttons_of(campaign: Campaign) -> set[str]:
    shown = {name for name, states in _SHOWN_IN.items() if campaign.state in states} | {
        "send_test"
    }
    if campaign.variants.exists() and campaign.steps.filter(winner=None).exists():
        shown.add("choose")
    return shown


def _schedule(campaign_id: int, *, user_id: int | None) -> None:
    campaign = Campaign.objects.get(pk=campaign_id)
    if campaign.scheduled_at is None:
        raise InvalidInput("Set 'Scheduled at' and save first, then schedule it.")
    scheduling.schedule(campaign_id, campaign.scheduled_at, user_id=user_id)


def _reload(object_id: str) -> HttpResponse:
    path = reverse("admin:campaigns_campaign_change", args=[object_id])
    return HttpResponse(headers={"HX-Redirect": path})
