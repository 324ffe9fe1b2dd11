"""How admin looks: its names, and what stands in the sidebar."""

from __future__ import annotations

from typing import Any

from django.urls import reverse_lazy


def _sidebar_item(title: str, icon: str, url_name: str) -> dict[str, Any]:
    return {"title": title, "icon": icon, "link": reverse_lazy(f"admin:{url_name}")}


UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "FlipTech Pro",
    "SITE_HEADER": "FlipTech Pro",
    "SITE_SYMBOL": "rocket_launch",
    "SHOW_HISTORY": True,
    "DASHBOARD_CALLBACK": "fliptech_site.dashboard.fill",
    "SIDEBAR": {
        "show_search": True,
        "navigation": [
            {
                "title": "Find",
                "items": [
                    _sidebar_item("Leads", "storefront", "leads_lead_changelist"),
                    _sidebar_item(
                        "Scrape jobs", "travel_explore", "leads_scrapejob_changelist"
                    ),
                    _sidebar_item(
                        "Doubtful pairs", "join", "leads_leadpair_changelist"
                    ),
                    _sidebar_item(
                        "Imports", "upload_file", "leads_leadimport_changelist"
                    ),
                    _sidebar_item("Exports", "download", "leads_leadexport_changelist"),
                    _sidebar_item("Fetches", "language", "leads_fetch_changelist"),
                    _sidebar_item(
                        "Source consents", "handshake", "leads_sourceconsent_changelist"
                    ),
                ],
            },
            {
                "title": "Show",
                "items": [
                    _sidebar_item("Demo sites", "web", "demos_demosite_changelist"),
                ],
            },
            {
                "title": "Invite",
                "items": [
                    _sidebar_item(
                        "Campaigns", "campaign", "campaigns_campaign_changelist"
                    ),
                    _sidebar_item(
                        "Recipients", "group", "campaigns_recipient_changelist"
                    ),
                    _sidebar_item(
                        "E-mails", "outgoing_mail", "campaigns_email_changelist"
                    ),
                    _sidebar_item(
                        "Templates", "draft", "campaigns_template_changelist"
                    ),
                    _sidebar_item(
                        "Accounts", "alternate_email", "campaigns_account_changelist"
                    ),
                    _sidebar_item(
                        "Inbox (test mail)", "inbox", "campaigns_sinkmessage_changelist"
                    ),
                    _sidebar_item(
                        "Suppressions", "block", "leads_suppression_changelist"
                    ),
                ],
            },
            {
                "title": "Run",
                "items": [
                    _sidebar_item("Tasks", "task_alt", "tasks_task_changelist"),
                    _sidebar_item(
                        "Workflows", "account_tree", "tasks_workflow_changelist"
                    ),
                    _sidebar_item(
                        "Schedules", "calendar_clock", "tasks_schedule_changelist"
                    ),
                    _sidebar_item("Queues", "queue", "tasks_queue_changelist"),
                    _sidebar_item("Actors", "function", "tasks_actor_changelist"),
                    _sidebar_item("Workers", "memory", "tasks_worker_changelist"),
                    _sidebar_item("Leases", "lock_clock", "tasks_lease_changelist"),
                    _sidebar_item("Paces", "speed", "tasks_pace_changelist"),
                ],
            },
        ],
    },
}
