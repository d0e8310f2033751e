"""The message-id index: an id belongs to whoever claimed it first, and a rival waits to see whose it is."""

from __future__ import annotations

import random
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from desk.tickets.threading import mail_key
from storage.mail import inbound, message_id_index
from storage.mail.inbound import Arrival
from storage.mail.message_id_index import IndexedId
from storage.open_store import Store

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)


def test_of_many_who_claim_an_id_at_once_all_see_the_same_first(any_store: Store) -> None:
    keys = [f"k{n}@x" for n in range(20)]

    def claim(number: int) -> list[int]:
        with any_store.database.transaction() as session:
            found = message_id_index.claim(session, dict.fromkeys(random.Random(number).sample(keys, 20), number))
        return [found[key].inbound_id for key in keys]

    with ThreadPoolExecutor(8) as pool:
        seen = list(pool.map(claim, range(1, 17)))
    assert all(one == seen[0] for one in seen)


def test_a_rival_waits_and_then_sees_where_the_id_belongs(any_store: Store) -> None:
    seen: list[IndexedId] = []

    def rival() -> None:
        with any_store.database.transaction() as session:
            seen.append(message_id_index.claim(session, {"a@x": 2})["a@x"])

    thread = threading.Thread(target=rival)
    with any_store.database.transaction() as session:
        message_id_index.claim(session, {"a@x": 1})
        thread.start()
        message_id_index.assign(session, [IndexedId("a@x", 1, 77, 5, "h")])
    thread.join(20)
    assert seen == [IndexedId("a@x", 1, 77, 5, "h")]


def test_what_was_rolled_back_is_free_again(any_store: Store) -> None:
    try:
        with any_store.database.transaction() as session:
            message_id_index.claim(session, {"a@x": 1})
            raise KeyboardInterrupt
    except KeyboardInterrupt:
        pass
    with any_store.database.transaction() as session:
        assert (
            message_id_index.claim(session, {"a@x": 2})["a@x"].inbound_id == 2
            and message_id_index.claim(session, {}) == {}
        )


def test_the_longest_ids_and_sources_fit_the_indexes(any_store: Store) -> None:
    rng = random.Random(7)
    wide = "".join(chr(rng.randrange(0x10000, 0x1FFFF)) for _ in range(998))
    recipients = ",".join(f"{rng.randbytes(30).hex()}@desk.example.test" for _ in range(100))
    with any_store.database.transaction() as session:
        message_id_index.claim(session, {mail_key(wide): 1})
        inbound.store(session, [Arrival("email", recipients, wide, "h", NOW)])
        inbound.store(session, [Arrival("email", recipients, wide, "h", NOW)])
        assert inbound.totals(session, NOW).repeats == 1
