"""Tell people from programs by what a request says of itself."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from typing import Literal

Kind = Literal["person", "bot", "prefetch"]

#: Words that crawlers, mail scanners, link previewers and tools use of themselves.
_BOT = re.compile(
    r"bot\b|bot/|crawl|spider|slurp|scan|preview|fetch|monitor|uptime|headless|phantom"
    r"|lighthouse|curl|wget|python|java/|okhttp|go-http|libwww|httpclient|axios|node"
    r"|facebookexternalhit|whatsapp|telegram|skypeuripreview|slack|discord|embedly"
    r"|googleimageproxy|yahoomailproxy|mimecast|proofpoint|barracuda|safelinks"
    r"|archive|validator|feed",
    re.IGNORECASE,
)


def classify(headers: Mapping[str, str]) -> Kind:
    """Return who seems to ask, by the headers User-Agent, Sec-Purpose and Purpose."""
    purpose = headers.get("Sec-Purpose", "") or headers.get("Purpose", "")
    if "prefetch" in purpose.lower() or "preview" in purpose.lower():
        return "prefetch"
    agent = headers.get("User-Agent", "")
    if not agent.startswith(("Mozilla/", "Opera/")) or _BOT.search(agent):
        return "bot"
    return "person"


def visitor_hash(salt: bytes, address: str, user_agent: str) -> str:
    """Return 32 hexadecimal digits that mean nothing once the salt is gone."""
    text = f"{address}\n{user_agent}".encode(errors="replace")
    return hmac.new(salt, text, hashlib.sha256).hexdigest()[:32]
