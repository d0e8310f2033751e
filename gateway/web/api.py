"""The inbound JSON API: programs send requests with a token, and may repeat them under an Idempotency-Key.

A wrong body is answered 4xx with a sentence that says what to do. Unknown fields are refused, so that no client sets
what only the desk may set.
"""

from __future__ import annotations

import base64
import binascii
import math
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import anyio
import structlog
from starlette.requests import Request
from starlette.responses import JSONResponse

from desk.channels import Channel
from desk.tickets.form_fields import Answers
from desk.web.clean_input import BadInput, NotJson, read_json
from desk.web.client_ip import neighbourhood
from gateway.web import body
from gateway.web import texts as web_texts
from gateway.web.body import MEGABYTE, BadBody
from gateway.web.request_context import RequestContext, Unavailable
from gateway.web.submission import MOST_LETTERS, File, InvalidFields, Submission, Way, checked, incoming
from storage.access import api_tokens
from storage.access.api_tokens import ApiToken
from storage.mail import inbound
from storage.runtime.idempotency import KeyReused

log = structlog.get_logger()

SCOPE = "inbound"
_FIELDS = (*MOST_LETTERS, "category", "fields", "attachments")
MOST_GIVEN = 100
_FILE_FIELDS = {"name", "content", "media_type"}
_KEY = re.compile(r"[!-~]{1,200}")
_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


class Refused(Exception):
    """The request is answered with an error: its status, its code and text, the fields that are wrong."""

    def __init__(
        self, status: int, code: str, fields: Mapping[str, str] | None = None, wait: float = 0, size: int = 0
    ) -> None:
        super().__init__(code)
        self.status, self.code, self.wait = status, code, wait
        self.detail: dict[str, Any] = {"code": code, "message": web_texts.API_PROBLEMS[code].format(size=size)}
        if fields:
            self.detail["fields"] = dict(fields)

    def answer(self) -> JSONResponse:
        headers = dict(_HEADERS)
        if self.wait:
            headers["Retry-After"] = str(math.ceil(self.wait))
        if self.status == 401:
            headers["WWW-Authenticate"] = "Bearer"
        return JSONResponse({"error": self.detail}, self.status, headers)


@dataclass(frozen=True, slots=True)
class Api:
    """The endpoints."""

    context: RequestContext

    async def send(self, request: Request) -> JSONResponse:
        """Checks the token, reads the body, then stores the request in a thread."""
        try:
            token = await anyio.to_thread.run_sync(self._token, request)
            self._slow_down(token)
            raw = await self._body(request)
            return await anyio.to_thread.run_sync(self._send, request, token, raw, limiter=self.context.threads)
        except Refused as error:
            return error.answer()

    def state(self, request: Request) -> JSONResponse:
        """The state of a request of this token, and its ticket."""
        try:
            token = self._token(request)
            return _answer(self._row(token, request.path_params["inbound_id"]), 200)
        except Refused as error:
            return error.answer()

    async def _body(self, request: Request) -> bytes:
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            raise Refused(415, "media_type")
        most = self.context.limits.bytes * 4 // 3 + MEGABYTE
        try:
            return await body.whole(request, most)
        except BadBody as error:
            code = error.problem if error.problem in web_texts.API_PROBLEMS else "not_json"
            raise Refused(error.status, code, size=most // MEGABYTE) from None

    def _token(self, request: Request) -> ApiToken:
        kind, _, value = request.headers.get("authorization", "").partition(" ")
        api_token = self._find_token(value.strip()) if kind.lower() == "bearer" else None
        if api_token is None:
            # Counted only now: wrong tokens from the same address do not block a valid one.
            place = neighbourhood(self.context.came_from(request))
            wait = self.context.wrong_tokens.take(place, self.context.clock())
            raise Refused(429, "often", wait=wait) if wait else Refused(401, "no_token")
        if SCOPE not in api_token.scopes:
            raise Refused(403, "scope")
        return api_token

    def _find_token(self, value: str) -> ApiToken | None:
        try:
            with self.context.reachable(), self.context.store.database.reading() as session:
                return api_tokens.find(session, value)
        except Unavailable:
            raise Refused(503, "down", wait=self.context.retry_seconds) from None

    def _slow_down(self, token: ApiToken) -> None:
        wait = self.context.by_token.take(str(token.id), self.context.clock())
        if wait:
            raise Refused(429, "often", wait=wait)

    def _send(self, request: Request, token: ApiToken, raw: bytes) -> JSONResponse:
        # The token is part of the id, so that no client can choose the id of somebody's mail.
        key = f"api:{token.id}:{_key(request)}"
        typed, files, topic, given = _read(raw)
        peer, now = self.context.came_from(request), self.context.clock()
        try:
            answers, wrong = (
                self.context.form_fields().check_values(topic, given) if topic or given else (Answers(), {})
            )
            typed = replace(typed, answers=answers)
            sent = checked(typed, self.context.own_addresses(), subject_needed=False, also=wrong)
            incoming_request = incoming(sent, files, Way(Channel.API, f"api:{token.id}", key, peer), now)
            inbound_id = self.context.accept(incoming_request, key, now)
        except InvalidFields as error:
            raise Refused(422, "fields", error.problems) from None
        except KeyReused:
            raise Refused(422, "key_reused") from None
        except Unavailable:
            raise Refused(503, "down", wait=self.context.retry_seconds) from None
        log.info("api_request_accepted", inbound_id=inbound_id)
        return _accepted(inbound_id)

    def _row(self, token: ApiToken, inbound_id: int) -> Mapping[str, Any]:
        try:
            with self.context.reachable(), self.context.store.database.reading() as session:
                row = inbound.get(session, inbound_id) if inbound_id < 2**63 else None
        except Unavailable:
            raise Refused(503, "down", wait=self.context.retry_seconds) from None
        if row is None or row["source"] != f"api:{token.id}":
            raise Refused(404, "missing")
        return row


def _accepted(inbound_id: int) -> JSONResponse:
    """The same answer for the first and every further time."""
    place = f"/api/v1/inbound/{inbound_id}"
    return JSONResponse({"id": inbound_id, "state": "accepted", "url": place}, 202, {"Location": place} | _HEADERS)


def _answer(row: Mapping[str, Any], status: int) -> JSONResponse:
    settled = row["settled_at"]
    shown = {"id": row["id"], "state": row["state"], "ticket": row["ticket_id"], "reason": row["reason"]}
    shown["received_at"] = row["received_at"].isoformat()
    shown["settled_at"] = settled.isoformat() if settled else None
    return JSONResponse(shown, status, _HEADERS)


def _key(request: Request) -> str:
    key = request.headers.get("idempotency-key")
    if key is None:
        return secrets.token_hex(16)
    if not _KEY.fullmatch(key):
        raise Refused(422, "key")
    return key


def _read(raw: bytes) -> tuple[Submission, list[File], str, dict[str, Any]]:
    """The request, its files, its category and its custom fields."""
    data = _object(raw)
    problems = {
        name[:100]: web_texts.UNKNOWN_FIELD.format(allowed=", ".join(_FIELDS)) for name in data if name not in _FIELDS
    }
    problems |= {
        name: web_texts.NOT_TEXT for name in (*MOST_LETTERS, "category") if not isinstance(data.get(name, ""), str)
    }
    given = data.get("fields", {})
    if not isinstance(given, dict) or len(given) > MOST_GIVEN or not all(map(_is_plain, given.values())):
        problems["fields"] = web_texts.NOT_FIELDS
    files = _files(data.get("attachments", []))
    if files is None:
        problems["attachments"] = web_texts.NOT_FILES
    if problems or files is None:
        raise Refused(422, "fields", {name.encode("ascii", "replace").decode(): why for name, why in problems.items()})
    texts = Submission(**{name: data.get(name, "") for name in MOST_LETTERS})
    return texts, files, data.get("category", "").strip(), given


def _is_plain(value: Any) -> bool:
    return value is None or isinstance(value, str | int | float | bool)


def _object(raw: bytes) -> dict[str, Any]:
    try:
        data = read_json(raw)
    except BadInput as error:
        refused = Refused(400 if isinstance(error, NotJson) else 422, "not_json")
        refused.detail["message"] += f" ({error})"
        raise refused from None
    if not isinstance(data, dict):
        raise Refused(422, "not_json")
    return data


def _files(data: Any) -> list[File] | None:
    """The attachments, or None where they are not what they should be."""
    if not isinstance(data, list) or len(data) > 10:
        return None
    files = [_file(item) for item in data]
    return [file for file in files if file] if all(files) else None


def _file(item: Any) -> File | None:
    if not isinstance(item, dict) or not item.keys() <= _FILE_FIELDS or not {"name", "content"} <= item.keys():
        return None
    if not all(isinstance(value, str) for value in item.values()):
        return None
    try:
        content = base64.b64decode(item["content"], validate=True)
    except (binascii.Error, ValueError):
        return None
    return File(item["name"], item.get("media_type", ""), content)
