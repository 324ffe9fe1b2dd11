"""Hand one mail over to a provider's server on this machine."""

from __future__ import annotations

from campaigns.providers.backends import Provider
from campaigns.providers.delivering import deliver

MESSAGE_ID = "<5e0c7a4e-9f0b-4c35-9a3f-0c6ed2a3a001@brightside.example>"
KEY, SECRET = "k3y-of-ada", "s3cret-of-ada"


class Commits:
    def __init__(self):
        self.count = 0

    def __call__(self):
        self.count += 1


def send(web, letter, kind="postmark", *, before_data=lambda: None, **values):
    provider = Provider(
        kind,
        KEY,
        SECRET,
        **{"url": web.url, "domain": "brightside.example", "seconds": 20, **values},
    )
    return deliver(provider, letter, before_data=before_data)
