"""Every process killed with -9 at random moments: what was answered 250 is there exactly once."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from storage.mail import outbound
from storage.open_store import Store, open_store
from tests.components import postgres_folder
from tests.conftest import SECRET
from tests.servers import postgres
from tests.servers.fleet import SUPPORT, Fleet, wait_until, whole_desk

pytestmark = [pytest.mark.services, pytest.mark.slow]


def _mail(name: str) -> bytes:
    return (
        f"From: {name}@home.example.test\r\nTo: {SUPPORT}\r\nSubject: Matter {name}\r\n"
        f"Message-ID: <{name}@mail.test>\r\n\r\n{name}\r\n"
    ).encode()


class _Sender(threading.Thread):
    """Sends its mails in order; one that was not answered 250 is sent again until it is."""

    def __init__(self, fleet: Fleet, number: int, count: int) -> None:
        super().__init__(daemon=True)
        self.fleet, self.names = fleet, [f"s{number}-{i}" for i in range(count)]
        self.acknowledged: list[str] = []

    def run(self) -> None:
        for name in self.names:
            while not self.fleet.send(_mail(name), f"{name}@home.example.test"):
                time.sleep(0.05)
            self.acknowledged.append(name)


@pytest.fixture
def own_postgres() -> Iterator[postgres.Postgres]:
    server = postgres.Postgres(postgres_folder())
    try:
        server.start()
        server.make_template()
        yield server
    finally:
        server.stop()


def test_killed_gateway_worker_valkey_and_postgresql_lose_and_double_nothing(
    own_postgres: postgres.Postgres, store: Store, tmp_path: Path
) -> None:
    with own_postgres.fresh_database() as url:
        opened = open_store(replace(store.settings, database_url=url, secret_key=SECRET))
        with whole_desk(opened, tmp_path / "fleet", 2) as fleet:
            senders = [_Sender(fleet, number, 60) for number in range(4)]
            for sender in senders:
                sender.start()
            _chaos(fleet, own_postgres, senders, seed=7)
            for sender in senders:
                sender.join(60)
            assert all(len(sender.acknowledged) == 60 for sender in senders)
            fleet.wait_until_settled()
            names = sorted(word for found in fleet.words().values() for word in found)
            assert names == sorted(name for sender in senders for name in sender.names)
            _check_acknowledgements(fleet, 240)
        opened.close()


def _chaos(fleet: Fleet, server: postgres.Postgres, senders: list[_Sender], seed: int) -> None:
    rnd = random.Random(seed)
    victims = ["gateway", "worker1", "valkey", "postgresql", "worker2", "flush"] * 2
    rnd.shuffle(victims)
    for victim in victims:
        time.sleep(rnd.uniform(0.1, 0.6))
        if victim == "postgresql":
            server.kill()
            server.start()
        elif victim == "flush":
            fleet.flush()
        else:
            fleet.kill(victim)
            fleet.start(victim)


def _check_acknowledgements(fleet: Fleet, count: int) -> None:
    def done() -> bool:
        with fleet.store.database.reading() as session:
            totals = outbound.totals(session)
        return totals.get("caught", 0) == 2 * count and set(totals) == {"caught"}

    # A letter whose sender was killed is tried again when its lease ends, under the same Message-ID.
    wait_until(done, "acknowledgements are missing or doubled", 180)


def test_the_work_of_a_killed_worker_is_done_by_the_next_one(any_store: Store, tmp_path: Path) -> None:
    with Fleet(any_store, tmp_path / "fleet") as fleet:
        fleet.start("valkey")
        fleet.start("gateway")
        for number in range(100):
            assert fleet.send(_mail(f"k{number}"), "k@home.example.test")
        fleet.start("worker1")
        wait_until(lambda: any_store is not None and "worker_started" in fleet.log("worker1"), "no worker")
        fleet.kill("worker1")
        fleet.start("worker2")
        fleet.wait_until_settled()
        assert fleet.states() == {"ticketed": 100}


def test_sigterm_drains_and_nothing_is_done_twice(any_store: Store, tmp_path: Path) -> None:
    with whole_desk(any_store, tmp_path / "fleet", 1) as fleet:
        for number in range(50):
            assert fleet.send(_mail(f"d{number}"), "d@home.example.test")
        assert fleet.stop("worker1") == 0
        assert fleet.stop("gateway") == 0
        fleet.start("worker2")
        fleet.wait_until_settled()
        assert fleet.states() == {"ticketed": 50}


def test_a_valkey_that_is_away_changes_nothing_for_senders_and_tickets_appear_when_it_returns(
    any_store: Store, tmp_path: Path
) -> None:
    with whole_desk(any_store, tmp_path / "fleet", 1) as fleet:
        fleet.kill("valkey")
        for number in range(20):
            assert fleet.send(_mail(f"v{number}"), "v@home.example.test")
        assert fleet.states() == {}
        fleet.start("valkey")
        fleet.wait_until_settled()
        assert fleet.states() == {"ticketed": 20}


def test_a_database_that_is_away_is_answered_451_and_intake_is_back_by_itself(
    own_postgres: postgres.Postgres, store: Store, tmp_path: Path
) -> None:

    with own_postgres.fresh_database() as url:
        opened = open_store(replace(store.settings, database_url=url, secret_key=SECRET))
        with whole_desk(opened, tmp_path / "fleet", 1) as fleet:
            assert fleet.send(_mail("before"), "b@home.example.test")
            fleet.wait_until_settled()
            own_postgres.kill()
            assert not fleet.send(_mail("while"), "b@home.example.test")
            own_postgres.start()
            wait_until(lambda: fleet.send(_mail("after"), "b@home.example.test"), "intake did not come back")
            fleet.wait_until_settled()
            assert sorted(word for found in fleet.words().values() for word in found) == ["after", "before"]
        opened.close()
