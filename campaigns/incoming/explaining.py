"""Explain from files how what came back is read: bounces, replies, agents."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from campaigns.incoming.agents import is_bot
from campaigns.incoming.classifying import Kind, classify
from campaigns.incoming.mime import MAX_BYTES
from campaigns.incoming.replies import new_text_of_mail


class BounceExplainer:
    """`explain bounce FILE…`: what a message is, and whom it is about."""

    help = "what a message is: bounce, complaint, auto_reply, reply or other"

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the files."""
        parser.add_argument("file", type=Path, nargs="+")

    def explain(self, *, file: list[Path], **_: Any) -> Iterable[dict[str, Any]]:
        """Give one object for each file: kind, recipients, reason."""
        for path in file:
            raw, problem = _content(path)
            if problem:
                yield {
                    "file": str(path),
                    "kind": str(Kind.OTHER),
                    "recipients": [],
                    "reason": problem,
                    "is_readable": False,
                }
                continue
            found = classify(raw)
            yield {
                "file": str(path),
                "kind": str(found.kind),
                "recipients": [
                    {
                        "address": each.address,
                        "status": each.status,
                        "hard": each.hard,
                        "reason": each.reason,
                        "final_address": each.final_address,
                        "words": each.words,
                    }
                    for each in found.recipients
                ],
                "reason": found.reason,
            }


class ReplyExplainer:
    """`explain reply FILE`: the new text without quotes and signature."""

    help = "the new text of a reply, an .eml file or a plain text"

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the files."""
        parser.add_argument("file", type=Path, nargs="+")

    def explain(self, *, file: list[Path], **_: Any) -> Iterable[dict[str, Any]]:
        """Give one object for each file: its text."""
        for path in file:
            raw, problem = _content(path)
            if problem:
                yield {
                    "file": str(path),
                    "text": "",
                    "reason": problem,
                    "is_readable": False,
                }
            else:
                yield {"file": str(path), "text": new_text_of_mail(raw)}


class AgentExplainer:
    """`explain agent`: which user agents on standard input are machines."""

    help = "whether user agents, one a line on standard input, are machines"

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare nothing: agents hold blanks and quotes, so they come by standard input."""

    def explain(self, **_: Any) -> Iterable[dict[str, Any]]:
        """Give one object for each line: the agent, and whether it is a machine."""
        for line in sys.stdin.buffer:
            agent = line.decode("utf-8", "replace").rstrip("\r\n")
            yield {"agent": agent, "bot": is_bot(agent)}


def _content(path: Path) -> tuple[bytes, str]:
    """Return what a file holds, as far as it is read, and why it can't be."""
    try:
        with path.open("rb") as opened:
            return opened.read(MAX_BYTES), ""
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "its name is none"
        return b"", f"{str(path)!r} can't be read ({why}): check its name."
