"""Conversations in admin: a list as of a mail program, a thread, and the answer."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.views.decorators.http import require_POST
from unfold.decorators import display

from campaigns.admin.showing import EMAIL_COLOURS, boxed_html
from campaigns.answering import write_answer
from campaigns.incoming.cleaning import html_part
from campaigns.models import Conversation, Email, IncomingMessage
from campaigns.receiving.conversations import (
    close,
    entries_of,
    mark_read,
    mark_unread,
)
from campaigns.states import SENDABLE, EmailState
from fliptech_site.errors import InvalidInput
from leads.admin.showing import ReadOnlyAdmin

_SNIPPET = 200
#: A cell of a narrow list has room for two lines, however long they are.
_ONE_LINE = mark_safe(
    "display:block;max-width:min(30rem,58vw);overflow:hidden;text-overflow:ellipsis;"
    "white-space:nowrap"
)


@admin.register(Conversation)
class ConversationAdmin(ReadOnlyAdmin):
    """Who wrote to us, what waits for an answer, and the threads."""

    list_display = ("person", "newest", "status", "last_at")
    list_display_links = ("person",)
    list_filter = ("needs_answer", "is_unread", "account")
    search_fields = ("address", "name", "subject")
    list_select_related = ("account", "lead")
    list_per_page = 50
    show_full_result_count = False
    ordering = ("-last_at",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Conversation]:
        """Bring the newest text along."""
        newest = IncomingMessage.objects.filter(conversation=OuterRef("pk"))
        texts = newest.order_by("-received_at").values("text")[:1]
        rows: QuerySet[Conversation] = super().get_queryset(request)
        return rows.annotate(newest_text=Subquery(texts))

    def has_answer_permission(self, request: HttpRequest) -> bool:
        """Say whether this person may write to people."""
        return bool(request.user.has_perm("campaigns.change_conversation"))

    def get_urls(self) -> list[URLPattern]:
        """Add what the thread's page posts, and the page inside a mail's frame."""
        wrap = self.admin_site.admin_view
        return [
            path(
                "<int:pk>/answer/",
                wrap(require_POST(self.answer)),
                name="campaigns_conversation_answer",
            ),
            path(
                "<int:pk>/mark/",
                wrap(require_POST(self.mark)),
                name="campaigns_conversation_mark",
            ),
            path(
                "message/<int:pk>/html/",
                wrap(self.html_page),
                name="campaigns_conversation_html",
            ),
            *super().get_urls(),
        ]

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show the thread; looking at it marks it as read."""
        conversation = self._visible(request, object_id)
        if conversation.is_unread and self.has_answer_permission(request):
            mark_read(conversation.pk)
        return self._page(request, conversation)

    def answer(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Write an answer and let it be sent; show the page again if that can't be."""
        conversation = self._writable(request, pk)
        text = request.POST.get("text", "")
        key = request.POST.get("request_key", "")[:60] or uuid4().hex
        try:
            email = write_answer(
                conversation,
                text,
                user=request.user,  # type: ignore[arg-type]
                request_key=f"{pk}:{key}",
            )
        except InvalidInput as error:
            return self._page(request, conversation, text=text, problem=str(error))
        messages.success(request, f"Your answer to {conversation} {_where(email)}")
        return HttpResponseRedirect(_address_of(pk))

    def mark(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Close a conversation, or let it stand out again."""
        conversation = self._writable(request, pk)
        if request.POST.get("as") == "unread":
            mark_unread(conversation.pk)
        else:
            close(conversation.pk)
            messages.success(request, f"{conversation} needs no answer.")
        return HttpResponseRedirect(reverse("admin:campaigns_conversation_changelist"))

    def html_page(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Answer with a message's HTML, cleaned, for its frame."""
        message = IncomingMessage.objects.filter(
            pk=pk, conversation__isnull=False
        ).first()
        if message is None or not self.has_view_permission(request):
            raise Http404
        return boxed_html(html_part(bytes(message.raw)) or "<p>No HTML part.</p>")

    def _page(
        self,
        request: HttpRequest,
        conversation: Conversation,
        *,
        text: str = "",
        problem: str = "",
    ) -> HttpResponse:
        context = self.admin_site.each_context(request) | {
            "title": str(conversation),
            "opts": self.model._meta,
            "conversation": conversation,
            "entries": entries_of(conversation),
            "colours": EMAIL_COLOURS,
            "may_answer": self.has_answer_permission(request),
            "request_key": uuid4().hex,
            "text": text,
            "problem": problem,
        }
        status = 422 if problem else 200
        return render(request, "campaigns/conversation.html", context, status=status)

    def _visible(self, request: HttpRequest, object_id: str) -> Conversation:
        if not self.has_view_permission(request):
            raise PermissionDenied
        found: Conversation | None = self.get_object(request, object_id)
        if found is None:
            raise Http404
        return found

    def _writable(self, request: HttpRequest, pk: int) -> Conversation:
        conversation = self._visible(request, str(pk))
        if not self.has_answer_permission(request):
            raise PermissionDenied
        return conversation

    @display(description="From", header=True)
    def person(self, conversation: Conversation) -> tuple[SafeString, str]:
        """The name, bold while unread, and the address."""
        weight = 700 if conversation.is_unread else 400
        name = format_html(
            '<span style="{};font-weight:{}">{}</span>',
            _ONE_LINE,
            weight,
            str(conversation),
        )
        return name, conversation.address

    @display(description="Newest")
    def newest(self, conversation: Any) -> SafeString:
        """The subject and the beginning of the newest message."""
        text = " ".join((conversation.newest_text or "").split())
        return format_html(
            '<span style="display:block"><span style="{0}">{1}</span>'
            '<span style="{0};opacity:.85">{2}</span></span>',
            _ONE_LINE,
            conversation.subject or "(no subject)",
            text[:_SNIPPET],
        )

    @display(
        description="State",
        label={"needs an answer": "warning", "unread": "info", "answered": "success"},
    )
    def status(self, conversation: Conversation) -> str:
        """Whether somebody has to do something."""
        if conversation.needs_answer:
            return "needs an answer"
        return "unread" if conversation.is_unread else "answered"


def _where(email: Email) -> str:
    """Say how far an answer is whose form was just sent, maybe a second time."""
    if email.state == EmailState.SENT:
        return "was sent."
    if email.state in SENDABLE:
        return "is on its way: no daily limit and no working hours hold it."
    return f"is {email.get_state_display()}: see below."


def _address_of(pk: int) -> str:
    return reverse("admin:campaigns_conversation_change", args=[pk])
