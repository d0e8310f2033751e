"""A small OAuth 2.0 server for tests: a token endpoint (RFC 6749) and the introspection that Dovecot asks."""

from __future__ import annotations

import json
import threading
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class OAuthServer(ThreadingHTTPServer):
    """Trades refresh tokens for access tokens. `rotate` replaces the refresh token each time, as Microsoft does."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.refresh_token = "refresh-0-verysecret"
        self.client_secret = "client-verysecret"
        self.rotate = False
        self.lasts = 3600
        self.issued: list[str] = []
        self.valid: dict[str, str] = {}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def issue(self, user: str = "support") -> str:
        token = f"access-{len(self.issued)}-verysecret"
        self.issued.append(token)
        self.valid[token] = user
        return token

    def token_answer(self, form: dict[str, str]) -> tuple[int, dict[str, object]]:
        if form.get("client_secret") != self.client_secret or form.get("client_id") != "frontdesk":
            return 401, {"error": "invalid_client"}
        if form.get("refresh_token") != self.refresh_token:
            return 400, {"error": "invalid_grant", "error_description": f"{form.get('refresh_token')} is revoked"}
        answer: dict[str, object] = {"access_token": self.issue(), "expires_in": self.lasts, "token_type": "Bearer"}
        if self.rotate:
            self.refresh_token = f"refresh-{len(self.issued)}-verysecret"
            answer["refresh_token"] = self.refresh_token
        return 200, answer

    def introspection(self, token: str) -> tuple[int, dict[str, object]]:
        user = self.valid.get(token)
        return (200, {"active": True, "username": user}) if user else (401, {"active": False})


class _Handler(BaseHTTPRequestHandler):
    server: OAuthServer

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode()
        form = {key: values[0] for key, values in urllib.parse.parse_qs(body).items()}
        if self.path == "/token":
            self._answer(*self.server.token_answer(form))
        else:
            bearer = self.headers.get("Authorization", "").removeprefix("Bearer ")
            self._answer(*self.server.introspection(form.get("token") or bearer))

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name in the base class
        return None

    def _answer(self, status: int, content: dict[str, object]) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def running() -> Iterator[OAuthServer]:
    with OAuthServer() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
