"""Admin's sidebar: the pages by what people do there."""

from __future__ import annotations

from typing import Any

from django.urls import reverse_lazy


def _item(title: str, icon: str, url_name: str) -> dict[str, Any]:
    return {"title": title, "icon": icon, "link": reverse_lazy(f"admin:{url_name}")}


NAVIGATION: list[dict[str, Any]] = [
    {
        "title": "Find",
        "items": [
            _item("Leads", "storefront", "leads_lead_changelist"),
            _item("Scrape jobs", "travel_explore", "leads_scrapejob_changelist"),
            _item("Recurring scrapes", "update", "leads_recurringscrape_changelist"),
            _item("Source notices", "warning", "leads_sourcenotice_changelist"),
            _item("Doubtful pairs", "join", "leads_leadpair_changelist"),
            _item("Imports", "upload_file", "leads_leadimport_changelist"),
            _item("Exports", "download", "leads_leadexport_changelist"),
            _item("Fetches", "language", "leads_fetch_changelist"),
            _item("robots.txt files", "smart_toy", "leads_robotsfile_changelist"),
            _item("Paces of hosts", "speed", "leads_hostpace_changelist"),
            _item("Pauses of hosts", "pause_circle", "leads_hostpause_changelist"),
            _item("Stored pages", "inventory", "leads_storedpage_changelist"),
            _item("Source consents", "handshake", "leads_sourceconsent_changelist"),
        ],
    },
    {
        "title": "Show",
        "items": [
            _item("Demo sites", "web", "demos_demosite_changelist"),
        ],
    },
    {
        "title": "Invite",
        "items": [
            _item("Campaigns", "campaign", "campaigns_campaign_changelist"),
            _item("Recipients", "group", "campaigns_recipient_changelist"),
            _item("E-mails", "outgoing_mail", "campaigns_email_changelist"),
            _item("Conversations", "forum", "campaigns_conversation_changelist"),
            _item("Templates", "draft", "campaigns_template_changelist"),
            _item("Accounts", "alternate_email", "campaigns_account_changelist"),
            _item("Mailboxes", "mark_email_unread", "campaigns_mailbox_changelist"),
            _item("Providers' feeds", "rss_feed", "campaigns_providerfeed_changelist"),
            _item("Came in", "move_to_inbox", "campaigns_incomingmessage_changelist"),
            _item("Shared limits", "speed", "campaigns_sendinglimit_changelist"),
            _item("Inbox (test mail)", "inbox", "campaigns_sinkmessage_changelist"),
            _item("Suppressions", "block", "leads_suppression_changelist"),
        ],
    },
    {
        "title": "Run",
        "items": [
            _item("Tasks", "task_alt", "tasks_task_changelist"),
            _item("Workflows", "account_tree", "tasks_workflow_changelist"),
            _item("Archive", "inventory_2", "tasks_archivedtask_changelist"),
            _item("Schedules", "calendar_clock", "tasks_schedule_changelist"),
            _item("Webhooks", "webhook", "tasks_webhook_changelist"),
            _item("Deliveries", "outbox", "tasks_webhookdelivery_changelist"),
            _item("Queues", "queue", "tasks_queue_changelist"),
            _item("Actors", "function", "tasks_actor_changelist"),
            _item("Workers", "memory", "tasks_worker_changelist"),
            _item("Leases", "lock_clock", "tasks_lease_changelist"),
            _item("Paces", "speed", "tasks_pace_changelist"),
        ],
    },
]
