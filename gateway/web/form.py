"""The request form of the web: shows it, checks what a visitor sends, and stores it. It works without scripts.

Each page has a signed token of its own: it makes a double click one request, and proves that the page is ours.
"""

from __future__ import annotations

import hmac
import math
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import anyio
import structlog
from jinja2 import Environment, PackageLoader
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from desk.channels import Channel
from desk.portal.status_links import read_receipt_token, receipt_token
from desk.signed.reply_address import sign
from desk.tickets.form_fields import TOPIC
from gateway.web import article_hints, body
from gateway.web import texts as web_texts
from gateway.web.body import BadBody, Posted
from gateway.web.form_fields import PREFIX, FormFields
from gateway.web.request_context import RequestContext, Unavailable
from gateway.web.submission import InvalidFields, Submission, Way, checked, incoming
from storage.knowledge.articles import Article
from storage.runtime.idempotency import KeyReused

log = structlog.get_logger()

HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
_TOKEN = re.compile(r"([0-9a-f]{32})\.([a-z2-7]{26})")
_TRAP = "website"
_jinja = Environment(loader=PackageLoader("gateway.web"), autoescape=True, trim_blocks=True, lstrip_blocks=True)


class FormRefused(Exception):
    """The page is shown once more, with what was typed and the reason."""

    def __init__(self, status: int, problem: str, wait: float = 0) -> None:
        super().__init__(problem)
        self.status, self.problem, self.wait = status, problem, wait


@dataclass(frozen=True, slots=True)
class FormInput:
    """The values of the form, as typed."""

    texts: Submission
    topic: str = ""
    given: Mapping[str, str] = field(default_factory=dict)


class ArticlesSuggested(Exception):
    """Articles that the visitor should see before the request is sent."""

    def __init__(self, articles: Sequence[Article]) -> None:
        super().__init__(f"{len(articles)} articles")
        self.articles = articles


@dataclass(frozen=True, slots=True)
class Form:
    """The endpoints of the page."""

    context: RequestContext

    def show(self, request: Request) -> Response:
        """An empty form; the address may choose the topic."""
        return self._page(FormInput(Submission(), request.query_params.get(TOPIC, "")), 200)

    def thanks(self, request: Request) -> Response:
        sent = request.query_params.get("sent", "")
        known = read_receipt_token(sent, self.context.store.secret, self.context.clock())
        return _html("thanks.html", 200, desk=self.context.settings.desk_name, receipt=sent if known else "")

    async def solved(self, request: Request) -> Response:
        """An article answered the question: it is counted, and nothing is sent."""
        posted = await self._posted(request)
        if isinstance(posted, Response):
            return posted
        try:
            await anyio.to_thread.run_sync(
                self._solved, posted, self.context.came_from(request), limiter=self.context.threads
            )
        except (FormRefused, Unavailable):
            log.info("form_help_not_counted")
        finally:
            for upload in posted.uploads:
                await upload.close()
        return _html("solved.html", 200, desk=self.context.settings.desk_name)

    async def send(self, request: Request) -> Response:
        """Reads the form, then stores it in a thread."""
        posted = await self._posted(request)
        if isinstance(posted, Response):
            return posted
        try:
            peer = self.context.came_from(request)
            return await anyio.to_thread.run_sync(self._send, posted, peer, limiter=self.context.threads)
        finally:
            for upload in posted.uploads:
                await upload.close()

    async def _posted(self, request: Request) -> Posted | Response:
        """The form, or the page that says why it cannot be read."""
        limits = self.context.limits
        try:
            return await body.form(request, limits.bytes, limits.files)
        except BadBody as error:
            return self._page(FormInput(Submission()), error.status, self._sentence(error.problem))

    def _solved(self, posted: Posted, peer: str) -> None:
        self._key(posted.texts.get("token", ""))
        with self.context.reachable():
            if not self.context.help_wait(peer):
                article_hints.count_helped(self.context.store, posted.texts.get("article", ""), self.context.clock())

    def _send(self, posted: Posted, peer: str) -> Response:
        typed = _form_input(posted)
        try:
            inbound_id = self._take(typed, posted, peer)
        except ArticlesSuggested as error:
            return self._hints(typed, error.articles, posted.texts["token"])
        except InvalidFields as error:
            return self._page(typed, 422, fields=error.problems, posted=posted)
        except FormRefused as error:
            return self._page(
                typed, error.status, self._sentence(error.problem, error.wait), wait=error.wait, posted=posted
            )
        except Unavailable:
            return self._page(typed, 503, self._sentence("down"), wait=self.context.retry_seconds, posted=posted)
        return RedirectResponse(f"/request/thanks{self._receipt(inbound_id)}", 303, headers=dict(HEADERS))

    def _receipt(self, inbound_id: int) -> str:
        """Where its state can be seen, if the desk shows such pages."""
        if not (self.context.settings.status_pages and self.context.settings.public_url):
            return ""
        return f"?sent={receipt_token(inbound_id, self.context.store.secret, self.context.clock())}"

    def _take(self, typed: FormInput, posted: Posted, peer: str) -> int:
        key = self._key(posted.texts.get("token", ""))
        if posted.texts.get(_TRAP, ""):
            log.info("form_trap_filled")
            raise FormRefused(422, "trap")
        answers, wrong = self.context.form_fields().check_answers(typed.topic, typed.given)
        texts = replace(typed.texts, answers=answers)
        sent = checked(texts, self.context.own_addresses(), subject_needed=True, also=wrong)
        if not posted.texts.get("asked") and not posted.uploads:
            self._offer(sent)
        wait = self.context.form_wait(peer, sent.email)
        if wait:
            raise FormRefused(429, "often", wait)
        now = self.context.clock()
        request = incoming(sent, posted.files(), Way(Channel.WEB, "form", key, peer), now)
        try:
            inbound_id = self.context.accept(request, f"form:{key}", now)
        except KeyReused:
            raise FormRefused(422, "used") from None
        log.info("form_accepted", inbound_id=inbound_id)
        return inbound_id

    def _offer(self, sent: Submission) -> None:
        """Files cannot be carried over to the next page, so a request with files is stored at once."""
        with self.context.reachable():
            articles = article_hints.suggest_articles(self.context.store, sent, self.context.clock())
        if articles:
            raise ArticlesSuggested(articles)

    def _hints(self, typed: FormInput, articles: Sequence[Article], token: str) -> Response:
        desk = self.context.settings.desk_name
        return _html("hints.html", 200, desk=desk, typed=typed, articles=articles, token=token)

    def _key(self, token: str) -> str:
        match = _TOKEN.fullmatch(token)
        if match is None or not hmac.compare_digest(match[2], sign("form", match[1], self.context.store.secret)):
            raise FormRefused(422, "token")
        return match[1]

    def _page(
        self,
        typed: FormInput,
        status: int,
        problem: str = "",
        fields: Mapping[str, str] | None = None,
        wait: float = 0,
        posted: Posted | None = None,
    ) -> Response:
        nonce = secrets.token_hex(16)
        asked = self._form_fields()
        response = _html(
            "form.html",
            status,
            desk=self.context.settings.desk_name,
            typed=typed,
            problem=problem,
            wrong=fields or {},
            asked=asked,
            labels={**web_texts.PAGE, **asked.labels()},
            had_files=bool(posted and posted.uploads),
            token=f"{nonce}.{sign('form', nonce, self.context.store.secret)}",
            files_hint=web_texts.PAGE["files_hint"].format(**self._sizes()),
        )
        if wait:
            response.headers["Retry-After"] = str(math.ceil(wait))
        return response

    def _form_fields(self) -> FormFields:
        """No fields while the database is away: the page is shown all the same."""
        try:
            return self.context.form_fields()
        except Unavailable:
            return FormFields()

    def _sentence(self, problem: str, wait: float = 0) -> str:
        return web_texts.FORM_PROBLEMS[problem].format(minutes=math.ceil(wait / 60), **self._sizes())

    def _sizes(self) -> dict[str, int]:
        return {"count": self.context.limits.files, "size": self.context.limits.bytes // body.MEGABYTE}


def _form_input(posted: Posted) -> FormInput:
    name, email, subject, text = (posted.texts.get(one, "") for one in ("name", "email", "subject", "body"))
    texts = Submission(name, email, subject, text)
    given = {name.removeprefix(PREFIX): text for name, text in posted.texts.items() if name.startswith(PREFIX)}
    return FormInput(texts, posted.texts.get(TOPIC, "").strip(), given)


def _html(template: str, status: int, **values: object) -> Response:
    html = _jinja.get_template(template).render(words=web_texts.PAGE, language=web_texts.LANGUAGE, **values)
    return Response(html, status, dict(HEADERS), "text/html; charset=utf-8")
