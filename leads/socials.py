"""Find a business's own pages on social platforms among its links. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

#: Platform by host.
_PLATFORMS = {
    "facebook.com": "facebook",
    "fb.com": "facebook",
    "fb.me": "facebook",
    "instagram.com": "instagram",
    "linkedin.com": "linkedin",
    "x.com": "x",
    "twitter.com": "x",
    "youtube.com": "youtube",
    "youtu.be": "youtube",
    "tiktok.com": "tiktok",
    "pinterest.com": "pinterest",
    "yelp.com": "yelp",
    "threads.net": "threads",
    "threads.com": "threads",
    "bsky.app": "bluesky",
    "nextdoor.com": "nextdoor",
    "tripadvisor.com": "tripadvisor",
    "houzz.com": "houzz",
    "xing.com": "xing",
    "vimeo.com": "vimeo",
    "t.me": "telegram",
    "wa.me": "whatsapp",
    "github.com": "github",
}
#: Paths that share, embed or explain and are nobody's own page.
_NOT_A_PROFILE = re.compile(
    r"^/?(?:$|sharer?|share\b|intent|dialog|plugins|tr\b|embed|watch|hashtag|search"
    r"|login|signup|home\b|policies|privacy|legal|about/?$|help|developers|widgets"
    r"|pin/create|shareArticle|sharing|tr\?|photo|reel/|p/|status|wp-|v\d)",
    re.IGNORECASE,
)


def find_socials(links: Iterable[str]) -> dict[str, str]:
    """Give the first page on each platform by the platform's name."""
    found: dict[str, str] = {}
    for link in links:
        if platform := platform_of(link):
            found.setdefault(platform, _whole(link)[:500])
    return found


def _whole(link: str) -> str:
    """Give a link without blanks around it, and with a scheme where it takes the page's."""
    link = link.strip()
    return f"https:{link}" if link.startswith("//") else link


def platform_of(link: str) -> str:
    """Name the platform on which a link is somebody's page, else nothing."""
    try:
        split = urlsplit(_whole(link))
        host = (split.hostname or "").lower()
    except ValueError:
        return ""
    if split.scheme not in ("http", "https"):
        return ""
    host = re.sub(r"^(?:www|m|mobile|[a-z]{2}(?:-[a-z]{2})?|web)\.", "", host)
    path = split.path
    if host not in _PLATFORMS or _NOT_A_PROFILE.match(path):
        return ""
    return _PLATFORMS[host]
