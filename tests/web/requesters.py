"""A desk whose requesters look at their requests: real mails in, the pages as they are mounted in production."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from starlette.testclient import TestClient

from console.routes import create_app
from desk.portal import status_links
from desk.tickets.ticket import Actor, ActorKind
from gateway.web.app import routes
from storage.open_store import Store
from storage.people import people
from storage.tables.tickets import metadata
from storage.tickets import tickets
from tests.small_desk import BOB, SmallDesk
from usecases.tickets import conversation
from usecases.tickets.conversation import Written

PLACE = "https://desk.example.test"
_TOKEN = re.compile(r'name="token" value="([^"]+)"')
_LINK = re.compile(r"https?://[^/\s]+(/(?:status|my/open)/[0-9a-z-]+)")


class RequesterDesk(SmallDesk):
    """A small desk with pages; `client` is one browser, `browser()` another."""

    def __init__(self, store: Store, **settings: Any) -> None:
        given = replace(store.settings, public_url=PLACE, **settings)
        super().__init__(replace(store, settings=given))
        self.app = create_app(self.store, given, routes(self.store, given, clock=lambda: self.now), lambda: self.now)
        self.client = self.browser()

    def browser(self, peer: str = "192.0.2.7") -> TestClient:
        headers = {"Accept-Language": "en"}
        return TestClient(self.app, PLACE, follow_redirects=False, client=(peer, 4000), headers=headers)

    def get(self, path: str, **options: Any) -> Any:
        return self.client.get(path, **options)

    def text(self, path: str, **options: Any) -> str:
        answer = self.get(path, **options)
        assert answer.status_code == 200, answer.text
        return str(answer.text)

    def press(self, page: str, path: str, files: Any = None, **fields: str) -> Any:
        """Send a form of a page; its token is the page's own."""
        found = _TOKEN.search(self.get(page).text)
        assert found
        return self.client.post(path, data={"token": found[1], **fields}, files=files)

    def answer(self, base: str, text: str, files: Any = None) -> Any:
        return self.press(base, f"{base}/answer", files, text=text)

    def link(self, ticket: int, address: str = BOB, days: int = 30) -> str:
        """The path of a genuine link."""
        with self.store.database.reading() as session:
            person = people.by_address(session, address)
        assert person
        secret, age = self.store.secret, timedelta(days=days)
        return "/status/" + status_links.status_token(ticket, person.id, person.link_version, age, secret, self.now)

    def mailed_link(self, kind: str, recipient: str = BOB) -> str:
        """The path of the link in the newest mail of that kind, as its plain text has it."""
        body = self.sent(kind, recipient)[-1].get_body(("plain",))
        assert body
        found = _LINK.search(body.get_content())
        assert found, body.get_content()
        return found[1]

    def sign_in(self, address: str = BOB) -> None:
        """As a requester does: ask, read the mail, press the button."""
        assert self.press("/my", "/my/ask", email=address).status_code == 303
        entry = self.mailed(address)
        assert self.press(entry, entry).headers["location"] == "/my"

    def awaited(self, address: str) -> str:
        """The same, once it is there: a real server mails it after its answer."""
        until = time.monotonic() + 30
        while time.monotonic() < until:
            with suppress(TypeError):
                return self.mailed(address)
            time.sleep(0.05)
        raise AssertionError("no mail came")

    def mailed(self, address: str) -> str:
        """The path in the newest mail with the link to all requests."""
        outbound = metadata.tables["outbound"]
        where = (outbound.c.kind == "requests-link", outbound.c.recipient == address)
        with self.store.database.reading() as session:
            query = sa.select(outbound.c.content).where(*where).order_by(outbound.c.id.desc())
            content: Any = session.execute(query).scalars().first()
        found = _LINK.search(content["text"])
        assert found
        return found[1]

    @property
    def agent(self) -> Actor:
        return Actor(ActorKind.AGENT, self.alice.id, "Alice Agent")

    def reply(self, number: int, text: str, attachments: Any = ()) -> None:
        with self.store.database.transaction() as session:
            ticket = tickets.get(session, number, lock=True)
            assert ticket
            conversation.reply(
                session, ticket, Written(self.agent, text, self.now, via="console", attachments=attachments)
            )
        self.work()

    def note(self, number: int, text: str) -> None:
        with self.store.database.transaction() as session:
            ticket = tickets.get(session, number, lock=True)
            assert ticket
            conversation.note(session, ticket, Written(self.agent, text, self.now, via="console"))

    def everything(self) -> Mapping[str, Any]:
        """All rows of all tables, to see that nothing was changed."""
        with self.store.database.reading() as session:
            return {
                name: sorted(map(repr, session.execute(sa.select(table)).all()))
                for name, table in metadata.tables.items()
            }
