"""A Slack of our own: the Web API as far as the desk uses it, its files, and the door to Socket Mode, on one port.

It checks tokens and arguments as Slack does, answers `{"ok": false, "error": …}` with status 200, and can be told to
be busy, to lose an answer after it has acted, or to break. What it cannot do, it answers with `unknown_method`.
"""

from __future__ import annotations

import itertools
import json
import threading
import time
import urllib.parse
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.slack import fake_blocks, payloads
from tests.slack.fake_socket import SocketModeServer
from tests.slack.intake.websocket import Line, accept_key

BOT_TOKEN, APP_TOKEN = "xoxb-of-these-tests", "xapp-of-these-tests"

Answer = dict[str, Any]
RIGHTS = (
    "app_mentions:read", "channels:history", "chat:write", "commands", "files:read", "files:write", "groups:history",
    "im:history", "users:read", "users:read.email",
)  # fmt: skip
"""The rights of an app that was made by the manifest of the manual."""
_PEOPLE = {"U0ANN": "Ann Example", "U0BEN": "Ben Example", "U0ALICE": "Alice Agent", "U0EVE": "Alice Agent"}
"""Eve calls herself as Alice is called."""


class Refused(Exception):
    """Slack says `{"ok": false, "error": word}`."""


@dataclass
class Trouble:
    """What goes wrong next: each call takes one from the left."""

    kind: str
    method: str
    seconds: int = 0


@dataclass
class State:
    """What this Slack knows. Tests set it up and look at it."""

    channels: set[str] = field(default_factory=lambda: {payloads.CHANNEL, payloads.DM, payloads.AGENTS})
    archived: set[str] = field(default_factory=set)
    users: dict[str, str] = field(default_factory=lambda: dict(_PEOPLE))
    messages: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    troubles: deque[Trouble] = field(default_factory=deque)
    bot_tokens: set[str] = field(default_factory=lambda: {BOT_TOKEN})
    app_tokens: set[str] = field(default_factory=lambda: {APP_TOKEN})
    revoked: set[str] = field(default_factory=set)
    page: int = 200
    accounts: dict[str, dict[str, Any]] = field(default_factory=dict)
    """What users.info says of somebody besides the name."""
    files: dict[str, dict[str, Any]] = field(default_factory=dict)
    contents: dict[str, bytes] = field(default_factory=dict)
    whispers: list[dict[str, Any]] = field(default_factory=list)
    views: list[dict[str, Any]] = field(default_factory=list)
    triggers: set[str] = field(default_factory=set)
    """Those by which a window may be opened, once."""
    downloads: list[str] = field(default_factory=list)
    signed_out: bool = False
    scopes: set[str] = field(default_factory=lambda: set(RIGHTS))

    def called(self, method: str) -> list[dict[str, Any]]:
        return [arguments for name, arguments in self.calls if name == method]

    def whispered(self, user: str) -> list[str]:
        """What only this person has seen."""
        return [one["text"] for one in self.whispers if one["user"] == user]

    def posted(self, channel: str) -> list[dict[str, Any]]:
        """What bots wrote in a channel."""
        return [one for one in self.messages.get(channel, []) if one.get("bot_id")]


class FakeSlack:
    """Start it with `with`; `api_url` goes into FRONTDESK_SLACK_API_URL, `socket` is its Socket Mode."""

    def __init__(self) -> None:
        self.state = State()
        self.socket = SocketModeServer()
        self.lock = threading.RLock()
        self._moments = itertools.count(900_000)
        self.numbers = itertools.count(1)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> FakeSlack:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()
        self._server.shutdown()
        self._server.server_close()

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self._server.server_address[1]}"

    @property
    def api_url(self) -> str:
        return f"http://{self.host}/api/"

    def wait(self, condition: Callable[[], bool], seconds: float = 20) -> None:
        """Until that holds."""
        until = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < until, "it did not happen"
            threading.Event().wait(0.01)

    def next_ts(self) -> str:
        return payloads.ts(next(self._moments))

    def share(self, file_id: str, name: str, content: bytes, kind: str = "text/plain", **more: Any) -> dict[str, Any]:
        """Somebody has a file in Slack; what a message says of it."""
        slug = name.lower().replace(" ", "_")
        url = f"http://{self.host}/files-pri/{file_id}/download/{slug}"
        file = {"id": file_id, "name": name, "title": name, "mimetype": kind, "size": len(content), "mode": "hosted"}
        self.state.files[file_id] = file | {"url_private": url, "url_private_download": url} | more
        self.state.contents[file_id] = content
        return self.state.files[file_id]

    def downloaded(self, path: str, token: str) -> tuple[int, bytes, str, str]:
        """Status, body, type and Location of a file: a page to sign in for whoever shows no good token."""
        with self.lock:
            self.state.downloads.append(token)
            file_id = path.split("/")[2]
            file = self.state.files.get(file_id)
            if self.state.signed_out or token not in self.state.bot_tokens:
                return 200, b"<html>Sign in to Slack</html>", "text/html", ""
            if file is None:
                return 404, b"", "text/plain", ""
            if file.get("redirect"):
                return 302, b"", "text/html", str(file["redirect"])
            return 200, self.state.contents[file_id], str(file["mimetype"]), ""

    def call(self, method: str, token: str, arguments: dict[str, Any]) -> Answer:
        """One Web API call, after its transport has been read."""
        with self.lock:
            self.state.calls.append((method, arguments))
            known = _METHODS.get(method)
            if known is None:
                return _refusal("unknown_method")
            try:
                self._check_token(token, wants_app_token=method == "apps.connections.open")
                return {"ok": True} | known(self, arguments)
            except Refused as refused:
                return _refusal(str(refused))

    def _check_token(self, token: str, *, wants_app_token: bool) -> None:
        right, wrong = self.state.bot_tokens, self.state.app_tokens
        if wants_app_token:
            right, wrong = wrong, right
        if not token:
            raise Refused("not_authed")
        if token in self.state.revoked:
            raise Refused("token_revoked")
        if token in wrong:
            raise Refused("not_allowed_token_type")
        if token not in right:
            raise Refused("invalid_auth")

    def trouble(self, method: str) -> str:
        """What goes wrong with this call: "busy:SECONDS", "lose", "break", "html" or nothing."""
        with self.lock:
            if self.state.troubles and self.state.troubles[0].method == method:
                trouble = self.state.troubles.popleft()
                return f"{trouble.kind}:{trouble.seconds}"
        return ""


def _refusal(word: str) -> Answer:
    return {"ok": False, "error": word}


def _auth_test(slack: FakeSlack, arguments: dict[str, Any]) -> Answer:
    return {
        "url": "https://desk.slack.example/",
        "team": "Desk",
        "user": "frontdesk",
        "team_id": payloads.TEAM,
        "user_id": payloads.BOT_USER,
        "bot_id": payloads.BOT_ID,
        "is_enterprise_install": False,
    }


def _connections_open(slack: FakeSlack, arguments: dict[str, Any]) -> Answer:
    return {"url": f"ws://{slack.host}/link/?{urllib.parse.urlencode({'ticket': slack.socket.new_ticket()})}"}


def _post_message(slack: FakeSlack, arguments: dict[str, Any]) -> Answer:
    channel, text = _channel(slack, arguments), arguments.get("text", "")
    if channel in slack.state.archived:
        raise Refused("is_archived")
    if not text and not arguments.get("blocks"):
        raise Refused("no_text")
    message = {
        "type": "message",
        "subtype": "bot_message",
        "user": payloads.BOT_USER,
        "bot_id": payloads.BOT_ID,
        "app_id": payloads.APP,
        "team": payloads.TEAM,
        "text": text[:40_000],
        "ts": slack.next_ts(),
    } | _blocks(arguments)
    del message["subtype"]
    if thread_ts := arguments.get("thread_ts"):
        message["thread_ts"] = thread_ts
    if metadata := _structure(arguments.get("metadata")):
        if not isinstance(metadata, dict) or set(metadata) != {"event_type", "event_payload"}:
            raise Refused("invalid_metadata_format")
        message["metadata"] = metadata
    slack.state.messages.setdefault(channel, []).append(message)
    return {"channel": channel, "ts": message["ts"], "message": message}


def _replies(slack: FakeSlack, arguments: dict[str, Any]) -> Answer:
    channel, root = _channel(slack, arguments), arguments.get("ts", "")
    if not root:
        raise Refused("invalid_arguments")
    found = [one for one in slack.state.messages.get(channel, []) if root in (one.get("thread_ts"), one["ts"])]
    return _paged(slack, found, arguments, "thread_not_found")


def _history(slack: FakeSlack, arguments: dict[str, Any]) -> Answer:
    channel = _channel(slack, arguments)
    found = [one for one in slack.state.messages.get(channel, []) if not one.get("thread_ts")]
    return _paged(slack, found, arguments, "")


def _paged(slack: FakeSlack, found: list[dict[str, Any]], arguments: dict[str, Any], none: str) -> Answer:
    if not found and none:
        raise Refused(none)
    after = float(arguments.get("oldest") or 0)
    found = [one for one in found if float(one["ts"]) > after]
    start, size = int(arguments.get("cursor") or 0), min(int(arguments.get("limit") or 100), slack.state.page)
    shown = [dict(one) for one in found[start : start + size]]
    if str(arguments.get("include_all_metadata", "0")).lower() not in ("1", "true"):
        for one in shown:
            one.pop("metadata", None)
    more = start + size < len(found)
    cursor = {"response_metadata": {"next_cursor": str(start + size)}} if more else {}
    return {"messages": shown, "has_more": more} | cursor


def _users_info(slack: FakeSlack, arguments: dict[str, Any]) -> Answer:
    user = arguments.get("user", "")
    if user not in slack.state.users:
        raise Refused("user_not_found")
    name = slack.state.users[user]
    short = name.split()[0].lower() if name.split() else ""
    profile = {"real_name": name, "display_name": short, "email": f"{short}@people.example.test"}
    known = {"id": user, "team_id": payloads.TEAM, "name": short, "real_name": name, "profile": profile}
    known |= {"deleted": False, "is_bot": False, "is_restricted": False, "is_ultra_restricted": False}
    return {"user": known | slack.state.accounts.get(user, {})}


def _permalink(slack: FakeSlack, arguments: dict[str, Any]) -> Answer:
    channel, moment = _channel(slack, arguments), arguments.get("message_ts", "")
    if moment not in {one["ts"] for one in slack.state.messages.get(channel, [])}:
        raise Refused("message_not_found")
    link = f"https://desk.slack.example/archives/{channel}/p{moment.replace('.', '')}"
    return {"channel": channel, "permalink": link}


def _blocks(arguments: dict[str, Any]) -> Answer:
    """Blocks are checked as Slack checks them."""
    blocks = _structure(arguments.get("blocks"))
    if not blocks:
        return {}
    if fake_blocks.wrong(blocks):
        raise Refused("invalid_blocks")
    return {"blocks": blocks}


def _update(slack: FakeSlack, arguments: dict[str, Any]) -> Answer:
    channel, moment = _channel(slack, arguments), arguments.get("ts", "")
    found = [one for one in slack.state.messages.get(channel, []) if one["ts"] == moment]
    if not found:
        raise Refused("message_not_found")
    if not found[0].get("bot_id"):
        raise Refused("cant_update_message")
    found[0] |= {"text": arguments.get("text", "")} | _blocks(arguments)
    return {"channel": channel, "ts": moment, "text": found[0]["text"], "message": found[0]}


def _ephemeral(slack: FakeSlack, arguments: dict[str, Any]) -> Answer:
    user = arguments.get("user", "")
    if _channel(slack, arguments) and user not in slack.state.users:
        raise Refused("user_not_in_channel")
    slack.state.whispers.append({name: arguments.get(name, "") for name in ("channel", "user", "text", "thread_ts")})
    return {"message_ts": slack.next_ts()}


def _views_open(slack: FakeSlack, arguments: dict[str, Any]) -> Answer:
    trigger, view = arguments.get("trigger_id", ""), _structure(arguments.get("view"))
    if trigger not in slack.state.triggers:
        raise Refused("expired_trigger_id" if trigger else "invalid_arguments")
    slack.state.triggers.remove(trigger)
    if not isinstance(view, dict) or fake_blocks.wrong_view(view):
        raise Refused("invalid_arguments")
    opened = view | {"id": f"V{next(slack.numbers):09d}", "team_id": payloads.TEAM, "state": {"values": {}}}
    slack.state.views.append(opened)
    return {"view": opened}


def _file_info(slack: FakeSlack, arguments: dict[str, Any]) -> Answer:
    if "files:read" not in slack.state.scopes:
        raise Refused("missing_scope")
    if arguments.get("file") not in slack.state.files:
        raise Refused("file_not_found")
    return {"file": slack.state.files[arguments["file"]]}


def _upload_url(slack: FakeSlack, arguments: dict[str, Any]) -> Answer:
    if "files:write" not in slack.state.scopes:
        raise Refused("missing_scope")
    if not arguments.get("filename") or not str(arguments.get("length", "")).isdigit():
        raise Refused("invalid_arguments")
    file_id = f"F{next(slack.numbers):09d}"
    name, size = arguments["filename"], int(arguments["length"])
    slack.state.files[file_id] = {"id": file_id, "name": name, "title": name, "size": size, "uploading": True}
    return {"upload_url": f"http://{slack.host}/upload/{file_id}", "file_id": file_id}


def _complete_upload(slack: FakeSlack, arguments: dict[str, Any]) -> Answer:
    channel, done = arguments.get("channel_id", ""), []
    if channel not in slack.state.channels:
        raise Refused("channel_not_found")
    for wanted in _structure(arguments.get("files")) or []:
        file = slack.state.files.get(wanted["id"])
        if file is None or wanted["id"] not in slack.state.contents:
            raise Refused("file_not_found")
        file |= {"title": wanted.get("title") or file["name"]}
        file.pop("uploading", None)
        done.append(file)
    message = {"type": "message", "user": payloads.BOT_USER, "bot_id": payloads.BOT_ID, "text": "", "files": done}
    message |= {"ts": slack.next_ts(), "thread_ts": arguments.get("thread_ts", "")}
    slack.state.messages.setdefault(channel, []).append(message)
    return {"files": [{"id": one["id"], "title": one["title"]} for one in done]}


def _channel(slack: FakeSlack, arguments: dict[str, Any]) -> str:
    channel = arguments.get("channel", "")
    if channel not in slack.state.channels:
        raise Refused("channel_not_found")
    return str(channel)


def _structure(value: Any) -> Any:
    """An argument that is a structure: as it is in a JSON body, as JSON text in a form."""
    if not isinstance(value, str) or not value:
        return value
    try:
        return json.loads(value)
    except ValueError:
        raise Refused("invalid_metadata_format") from None


_METHODS: dict[str, Callable[[FakeSlack, dict[str, Any]], Answer]] = {
    "auth.test": _auth_test,
    "apps.connections.open": _connections_open,
    "chat.postMessage": _post_message,
    "conversations.replies": _replies,
    "conversations.history": _history,
    "users.info": _users_info,
    "chat.getPermalink": _permalink,
    "chat.update": _update,
    "chat.postEphemeral": _ephemeral,
    "views.open": _views_open,
    "files.info": _file_info,
    "files.getUploadURLExternal": _upload_url,
    "files.completeUploadExternal": _complete_upload,
}


def _handler(slack: FakeSlack) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            url = urllib.parse.urlsplit(self.path)
            method = url.path.removeprefix("/api/")
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if url.path.startswith("/upload/"):
                with slack.lock:
                    slack.state.contents[url.path.removeprefix("/upload/")] = body
                self._send(200, b"OK", "text/plain", {})
                return
            kind, _, detail = slack.trouble(method).partition(":")
            if kind == "break":
                self.connection.close()
            elif kind == "busy":
                self._reply(429, _refusal("ratelimited"), {"Retry-After": detail})
            elif kind == "html":
                self._send(503, b"<html>down for a moment</html>", "text/html", {})
            else:
                answer = self._called(method, url.query, body)
                if kind == "lose":
                    self.connection.close()
                else:
                    self._reply(200, answer, {"X-OAuth-Scopes": ",".join(sorted(slack.state.scopes))})

        def _called(self, method: str, query: str, body: bytes) -> Answer:
            arguments: dict[str, Any] = dict(urllib.parse.parse_qsl(query))
            kind = self.headers.get("Content-Type", "").partition(";")[0].strip()
            if kind == "application/json":
                try:
                    arguments |= json.loads(body or b"{}")
                except ValueError:
                    return _refusal("invalid_json")
            elif kind in ("application/x-www-form-urlencoded", ""):
                arguments |= dict(urllib.parse.parse_qsl(body.decode()))
            else:
                return _refusal("invalid_post_type")
            token = self.headers.get("Authorization", "").removeprefix("Bearer ")
            return slack.call(method, token or arguments.pop("token", ""), arguments)

        def do_GET(self) -> None:
            """A file, or the upgrade to a WebSocket."""
            if self.path.startswith("/files-pri/"):
                kind, _, detail = slack.trouble("download").partition(":")
                if kind == "busy":
                    self._send(429, b"", "text/plain", {"Retry-After": detail})
                    return
                token = self.headers.get("Authorization", "").removeprefix("Bearer ")
                status, content, kind, location = slack.downloaded(self.path, token)
                self._send(status, content, kind, {"Location": location} if location else {})
                return
            query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(self.path).query))
            if not slack.socket.use_ticket(query.get("ticket", "")):
                self._send(403, b"", "text/plain", {})
                return
            self.send_response(101)
            self.send_header("Upgrade", "websocket")
            self.send_header("Connection", "Upgrade")
            self.send_header("Sec-WebSocket-Accept", accept_key(self.headers["Sec-WebSocket-Key"]))
            self.end_headers()
            self.close_connection = True
            slack.socket.serve(Line(self.connection))

        def _reply(self, status: int, answer: Answer, headers: dict[str, str]) -> None:
            self._send(status, json.dumps(answer).encode(), "application/json; charset=utf-8", headers)

        def _send(self, status: int, body: bytes, kind: str, headers: dict[str, str]) -> None:
            self.send_response(status)
            for name, value in ({"Content-Type": kind, "Content-Length": str(len(body))} | headers).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: Any) -> None:
            return

    return Handler
