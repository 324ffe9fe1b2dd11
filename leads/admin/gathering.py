"""Scrape jobs and consents in admin, and the form that starts a scrape."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminSelectWidget

from leads.admin.charts import bars_by_source, job_picture
from leads.admin.scrape_forms import BoardForm, PlacesForm, ScrapeForm
from leads.admin.showing import OUTCOME_COLOURS, ReadOnlyAdmin, lead_link, outside_link
from leads.linkedin_scraping import LinkedIn
from leads.models import Posting, ScrapeJob, SourceConsent
from leads.sources import LISTING_SOURCES
from leads.watching import open_notices
from tasks.enqueueing import enqueue


class PostingInline(TabularInline):
    """The listings of a job."""

    model = Posting
    fields = ("title", "place", "state", "reason", "lead_shown", "page", "attribution")
    readonly_fields = fields
    extra = 0
    can_delete = False
    tab = True
    per_page = 50
    ordering = ("pk",)

    @display(description="Lead")
    def lead_shown(self, posting: Posting) -> SafeString | str:
        """The lead that it became."""
        return lead_link(posting.lead)

    @display(description="Page")
    def page(self, posting: Posting) -> SafeString | str:
        """The listing itself."""
        return outside_link(posting.url)

    def get_queryset(self, request: HttpRequest):  # type: ignore[no-untyped-def]
        """Bring the leads along."""
        return super().get_queryset(request).select_related("lead")


@admin.register(ScrapeJob)
class ScrapeJobAdmin(ReadOnlyAdmin):
    """Scrapes, the newest first, and what came of each."""

    list_display = (
        "__str__", "what", "outcome_badge", "found", "new", "merged", "known", "pages",
        "reason", "created_at",
    )  # fmt: skip
    list_filter = ("outcome", "state", "source")
    ordering = ("-created_at",)
    show_full_result_count = False
    inlines = (PostingInline,)
    actions_list = ("start_scrape", "start_places", "start_board")
    list_before_template = "leads/sources.html"
    change_form_before_template = "leads/scrape_job.html"
    fields = (
        "source", "what", "outcome_badge", "reason", "counts_shown", "task_id",
        "created_at", "started_at", "finished_at",
    )  # fmt: skip

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse:
        """Show above the list what is wrong, and the outcomes by source."""
        more = {"notices": open_notices(), "bars": bars_by_source()}
        page: TemplateResponse = super().changelist_view(
            request, (extra_context or {}) | more
        )
        return page

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show above the fields how far the job is."""
        job = self.get_object(request, object_id)
        more = {"picture": job_picture(job)} if job else {}
        page: HttpResponse = super().change_view(
            request, object_id, form_url, (extra_context or {}) | more
        )
        return page

    @display(description="What")
    def what(self, job: ScrapeJob) -> str:
        """The parameters on one line."""
        return ", ".join(str(value) for value in job.parameters.values())

    @display(description="Outcome", label=OUTCOME_COLOURS)
    def outcome_badge(self, job: ScrapeJob) -> str:
        """The outcome, or where the job stands."""
        return job.outcome or job.state

    @display(description="Found")
    def found(self, job: ScrapeJob) -> int:
        """Leads that the list led to."""
        return int(job.counts.get("leads_found", 0))

    @display(description="New")
    def new(self, job: ScrapeJob) -> int:
        """Leads that nobody had seen before."""
        return int(job.counts.get("leads_created", 0))

    @display(description="Merged")
    def merged(self, job: ScrapeJob) -> int:
        """Listings of businesses that were leads already."""
        return int(job.counts.get("leads_merged", 0))

    @display(description="Known")
    def known(self, job: ScrapeJob) -> int:
        """Listings that an earlier scrape had read."""
        return int(job.counts.get("leads_known", 0))

    @display(description="Counts")
    def counts_shown(self, job: ScrapeJob) -> str:
        """All counts in words."""
        told = (
            f"{count} {name.replace('_', ' ')}" for name, count in job.counts.items()
        )
        return ", ".join(told) or "–"

    @display(description="Pages")
    def pages(self, job: ScrapeJob) -> int:
        """Pages asked for."""
        return int(job.counts.get("pages", 0))

    @action(
        description="Scrape Craigslist",
        icon="travel_explore",
        permissions=["start_scrape"],
        dialog={
            "title": "Scrape Craigslist",
            "description": "Workers read the list and each business's own website.",
            "form_class": ScrapeForm,
            "form_submit_text": "Start",
        },
    )
    def start_scrape(self, request: HttpRequest, form: ScrapeForm) -> HttpResponse:
        """Enqueue the scrape that the form describes."""
        wanted = {
            key: form.cleaned_data[key]
            for key in ("location", "category", "max_results")
        }
        return self._start(request, "scrape_craigslist", wanted)

    @action(
        description="Scrape Google Maps",
        icon="location_on",
        permissions=["start_scrape"],
        dialog={
            "title": "Scrape Google Maps",
            "description": "Places come through Google's API, with the key of yours.",
            "form_class": PlacesForm,
            "form_submit_text": "Start",
        },
    )
    def start_places(self, request: HttpRequest, form: PlacesForm) -> HttpResponse:
        """Enqueue the scrape that the form describes."""
        return self._start(request, "scrape_google_maps", form.cleaned_data["checked"])

    @action(
        description="Scrape a job board",
        icon="work",
        permissions=["start_scrape"],
        dialog={
            "title": "Scrape a job board",
            "description": "A company that hires becomes a lead.",
            "form_class": BoardForm,
            "form_submit_text": "Start",
        },
    )
    def start_board(self, request: HttpRequest, form: BoardForm) -> HttpResponse:
        """Enqueue the scrape that the form describes."""
        return self._start(request, "scrape_job_boards", form.cleaned_data["checked"])

    def _start(
        self, request: HttpRequest, actor: str, wanted: dict[str, Any]
    ) -> HttpResponse:
        task_id = enqueue(actor, **wanted)
        messages.success(request, f"The scrape is enqueued as task {task_id}.")
        path = reverse(f"{self.admin_site.name}:leads_scrapejob_changelist")
        return HttpResponse(headers={"HX-Redirect": path})

    def has_start_scrape_permission(
        self, request: HttpRequest, object_id: str | None = None
    ) -> bool:
        """Ask the user's permission here.

        A permission named in the decorator makes unfold's system check query the
        database, and `migrate` then fails on an empty one.
        """
        return bool(request.user.has_perm("leads.add_scrapejob"))


class ConsentForm(forms.ModelForm):  # type: ignore[type-arg]
    """Consent for a source that exists, at the address it is set to."""

    source = forms.ChoiceField(
        choices=[(name, name) for name in (*LISTING_SOURCES, LinkedIn.name)],
        widget=UnfoldAdminSelectWidget,
    )

    class Meta:
        model = SourceConsent
        fields = ("source", "base_url", "note")


@admin.register(SourceConsent)
class SourceConsentAdmin(ModelAdmin):
    """Sources that the owner has switched on, by whom and when."""

    form = ConsentForm
    list_display = ("source", "base_url", "acknowledged_by", "acknowledged_at", "note")
    list_select_related = ("acknowledged_by",)
    fields = ("source", "base_url", "note")

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Refuse: a consent is given or withdrawn (deleted), not rewritten."""
        return False

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, str]:
        """Offer the address that is set."""
        return {"source": "craigslist", "base_url": settings.CRAIGSLIST_URL}

    def save_model(
        self, request: HttpRequest, obj: SourceConsent, form: object, change: bool
    ) -> None:
        """Record who gave the consent."""
        obj.base_url = obj.base_url.rstrip("/")
        obj.acknowledged_by_id = request.user.pk
        super().save_model(request, obj, form, change)
