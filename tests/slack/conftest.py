"""A fake Slack, a desk's door in both modes, and what the ledger holds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
import sqlalchemy as sa
from slack_bolt import App
from starlette.applications import Starlette

from desk.config.settings import Settings
from desk.mail.inbound_request import InboundRequest, from_json
from gateway.slack import http
from gateway.slack.events import bolt_app
from gateway.slack.socket_mode import SocketMode
from storage.open_store import Store
from storage.tables.tickets import inbound
from tests.slack.agents_desk import AgentsDesk, over_http, over_socket, small
from tests.slack.fake_slack import APP_TOKEN, BOT_TOKEN, FakeSlack
from tests.slack.serving import SIGNING_SECRET, Poster, now, served
from tests.small_desk import SmallDesk


@pytest.fixture
def slack() -> Iterator[FakeSlack]:
    with FakeSlack() as server:
        yield server


@pytest.fixture
def slack_settings(store: Store, slack: FakeSlack) -> Settings:
    return replace(
        store.settings,
        slack_bot_token=BOT_TOKEN,
        slack_app_token=APP_TOKEN,
        slack_signing_secret=SIGNING_SECRET,
        slack_api_url=slack.api_url,
    )


@pytest.fixture
def app(store: Store, slack_settings: Settings) -> App:
    return bolt_app(store, slack_settings, now)


@pytest.fixture
def post(app: App) -> Iterator[Poster]:
    """The signed mode behind a real web server."""
    with served(Starlette(routes=http.routes(app, SIGNING_SECRET))) as port:
        yield Poster(port)


@pytest.fixture
def line(app: App, slack_settings: Settings, slack: FakeSlack) -> Iterator[SocketMode]:
    """A Socket Mode line that stands."""
    mode = SocketMode(app, slack_settings, ping_seconds=0.2)
    mode.start()
    slack.socket.wait_for_hello(1)
    yield mode
    mode.close()


@pytest.fixture
def small_desk(store: Store, slack_settings: Settings) -> SmallDesk:
    return SmallDesk(replace(store, settings=slack_settings))


@pytest.fixture(params=["signed HTTP", "Socket Mode"])
def agents(request: pytest.FixtureRequest, small_desk: SmallDesk, slack: FakeSlack) -> Iterator[AgentsDesk]:
    """A desk whose agents work in Slack, over either mode."""
    small(small_desk)
    app = bolt_app(small_desk.store, small_desk.store.settings, now)
    if request.param == "signed HTTP":
        with served(Starlette(routes=http.routes(app, SIGNING_SECRET))) as port:
            yield AgentsDesk(small_desk, slack, over_http(Poster(port)))
        return
    line = SocketMode(app, small_desk.store.settings, ping_seconds=0.2)
    line.start()
    yield AgentsDesk(small_desk, slack, over_socket(slack))
    line.close()


@pytest.fixture
def http_agents(small_desk: SmallDesk, slack: FakeSlack) -> Iterator[AgentsDesk]:
    """The same over signed HTTP only, for what does not depend on the mode."""
    small(small_desk)
    app = bolt_app(small_desk.store, small_desk.store.settings, now)
    with served(Starlette(routes=http.routes(app, SIGNING_SECRET))) as port:
        yield AgentsDesk(small_desk, slack, over_http(Poster(port)))


@pytest.fixture
def written(store: Store) -> Callable[[], list[InboundRequest]]:
    """The requests in the ledger, oldest first."""

    def read() -> list[InboundRequest]:
        with store.database.reading() as session:
            rows = session.execute(sa.select(inbound.c.request).order_by(inbound.c.id)).scalars()
            return [from_json(row) for row in rows]

    return read
