"""Tells open pages which tickets have changed: one reader of the events for all pages of this process.

While pages are connected, the hub reads the new events a few times a second and hands the numbers of their tickets to
every page. Pages ask for what they show themselves, so nobody is told more than a number.
"""

from __future__ import annotations

import asyncio

import anyio.to_thread
import sqlalchemy as sa
import structlog

from storage.db.session import Database
from storage.tickets import changes

PAUSE = 0.25
"""Seconds between two looks at the events."""
LATE = 20
"""For so many looks an event is waited for that commits after one with a higher number (five seconds)."""
MOST_WAITING = 500
"""So many changes wait for a page; one that takes none meanwhile misses some, and is told so."""

log = structlog.get_logger()


class Subscriber:
    """One connected page: its changes, as pairs (newest event, tickets)."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[tuple[int, list[int]]] = asyncio.Queue(MOST_WAITING)
        self.missed = False

    def put(self, newest: int, ticket_ids: list[int]) -> None:
        try:
            self._queue.put_nowait((newest, ticket_ids))
        except asyncio.QueueFull:
            self.missed = True

    async def get(self, seconds: float) -> tuple[int, list[int]] | None:
        """The next change; None if there is none for so long."""
        try:
            return await asyncio.wait_for(self._queue.get(), seconds)
        except TimeoutError:
            return None


class LiveHub:
    """The open pages of one process. It is used in the server's event loop only."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._pages: set[Subscriber] = set()
        self._reader: asyncio.Task[None] | None = None
        self._seen: dict[int, int] = {}
        self._floor = 0
        self._looks = 0

    async def subscribe(self, after: int | None) -> Subscriber:
        """A page that hears of every change from now on, and of those since the event `after`."""
        page = Subscriber()
        if self._reader is None or self._reader.done():
            self._seen.clear()
            self._floor = await anyio.to_thread.run_sync(self._read_newest)
            self._reader = asyncio.create_task(self._read_on())
        self._pages.add(page)
        if after is not None:
            await self._catch_up(page, after)
        return page

    def leave(self, page: Subscriber) -> None:
        self._pages.discard(page)

    async def _catch_up(self, page: Subscriber, after: int) -> None:
        events = await anyio.to_thread.run_sync(self._read_events, after)
        page.missed = len(events) >= changes.MOST
        if events and not page.missed:
            page.put(events[-1][0], sorted({ticket for _, ticket in events}))

    async def _read_on(self) -> None:
        while self._pages:
            try:
                await self._look()
            except (sa.exc.SQLAlchemyError, OSError) as error:
                log.warning("live_events_not_read", error=type(error).__name__)
                await asyncio.sleep(2)
            await asyncio.sleep(PAUSE)

    async def _look(self) -> None:
        """Reads from the last event that is old enough: a lower number may have been committed after a higher one."""
        self._looks += 1
        events = await anyio.to_thread.run_sync(self._read_events, self._floor)
        fresh = [(event, ticket) for event, ticket in events if event not in self._seen]
        self._seen |= dict.fromkeys((event for event, _ in fresh), self._looks)
        self._floor = max((e for e, look in self._seen.items() if self._looks - look >= LATE), default=self._floor)
        self._seen = {event: look for event, look in self._seen.items() if event > self._floor}
        if fresh:
            tickets = sorted({ticket for _, ticket in fresh})
            for page in self._pages:
                page.put(events[-1][0], tickets)

    def _read_newest(self) -> int:
        with self._database.reading() as session:
            return changes.newest_event(session)

    def _read_events(self, after: int) -> list[tuple[int, int]]:
        with self._database.reading() as session:
            return changes.events_after(session, after)
