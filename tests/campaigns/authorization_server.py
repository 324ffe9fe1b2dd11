"""An authorization server: codes bound to client, redirect address and PKCE challenge."""

from __future__ import annotations

import base64
import hashlib
from urllib.parse import parse_qsl, urlencode, urlsplit

import requests

from tests.campaigns.web_server import WebServer


class AuthorizationServer(WebServer):
    """Grants what is asked as RFC 6749 and 7636 have it; keeps what it refused."""

    def __init__(self, client_id="the-client-id", client_secret="the-client-secret"):
        self.client = (client_id, client_secret)
        self.codes = {}
        self.refused = []
        self.refresh_token = "the-granted-refresh-token"
        super().__init__(self.give)

    def consent(self, url):
        """Play the owner who allows it; give the address to which the browser is sent."""
        answer = requests.get(url, timeout=5)
        assert answer.status_code == 200, answer.json()
        return answer.json()["location"]

    def give(self, asked):
        where = urlsplit(asked.path)
        if where.path == "/authorize":
            return self.authorize(dict(parse_qsl(where.query)))
        return self.trade(asked.form)

    def authorize(self, asked):
        if asked["client_id"] != self.client[0] or asked["response_type"] != "code":
            return 400, {"error": "invalid_request"}
        if asked["code_challenge_method"] != "S256":
            return 400, {"error": "invalid_request"}
        code = f"code-{len(self.codes) + 1}"
        self.codes[code] = asked
        back = urlencode({"code": code, "state": asked["state"]})
        return 200, {"location": f"{asked['redirect_uri']}?{back}"}

    def trade(self, asked):
        granted = self.codes.pop(asked.get("code"), None)
        verifier = asked.get("code_verifier", "").encode()
        digest = hashlib.sha256(verifier).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        fits = (
            granted is not None
            and asked["grant_type"] == "authorization_code"
            and (asked["client_id"], asked.get("client_secret")) == self.client
            and asked["redirect_uri"] == granted["redirect_uri"]
            and challenge == granted["code_challenge"]
            and 43 <= len(verifier) <= 128
        )
        if not fits:
            self.refused.append(asked)
            return 400, {"error": "invalid_grant"}
        tokens = {"access_token": "the-access-token", "expires_in": 3600}
        if self.refresh_token:
            tokens["refresh_token"] = self.refresh_token
        return 200, tokens
