"""The whole journey where the desk fetches its mailbox: by IDLE at once, marked only when stored, through a kill -9."""

from __future__ import annotations

import smtplib
import threading
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from storage.open_store import Store
from storage.tables import runtime as runtime_tables
from storage.tables import tickets as ticket_tables
from tests.servers.dovecot import Dovecot
from tests.servers.dovecot import running as dovecot_running
from tests.servers.fleet import SUPPORT, Fleet, store_time, wait_until
from tests.whole.fixtures_town import around, fetch_from, mail
from tests.whole.journey import walk

pytestmark = [pytest.mark.services, pytest.mark.slow]

SEEN = b"\\Seen"


def test_a_fetched_mail_is_answered_and_the_answer_reaches_the_requester(any_store: Store, tmp_path: Path) -> None:
    with Fleet(any_store, tmp_path / "fleet") as fleet, around(fleet) as town:
        fetch_from(fleet, town.dovecot)
        fleet.start("valkey", "gateway", "worker1")
        walk(fleet, town)
        wait_until(lambda: _seen(town.dovecot) == 7, "not all that was fetched is marked", 10)


def test_idle_brings_a_mail_to_a_ticket_within_three_seconds(store: Store, tmp_path: Path) -> None:
    with dovecot_running() as dovecot, Fleet(store, tmp_path / "fleet") as fleet:
        fetch_from(fleet, dovecot, poll_seconds=600)
        fleet.start("valkey", "gateway", "worker1")
        _deliver(dovecot, 1)
        wait_until(lambda: fleet.states() == {"ticketed": 1}, f"nothing was fetched:\n{fleet.log('gateway')[-2000:]}")
        _deliver(dovecot, 2)
        wait_until(lambda: fleet.states() == {"ticketed": 2}, "IDLE was not heard after LMTP")
        dovecot.append(_raw(3))
        wait_until(lambda: fleet.states() == {"ticketed": 3}, "IDLE was not heard after APPEND")


@pytest.mark.parametrize("any_store", ["postgresql"], indirect=True)
def test_a_gateway_killed_while_it_fetches_marks_nothing_unstored_and_fetches_nothing_twice(
    any_store: Store, tmp_path: Path
) -> None:
    with dovecot_running() as dovecot, Fleet(any_store, tmp_path / "fleet") as fleet:
        fetch_from(fleet, dovecot)
        fleet.start("valkey")
        with _Watch(fleet, dovecot) as watch:
            for numbers in (range(40), range(40, 80)):
                _kill_while_it_fetches(fleet, dovecot, numbers)
            fleet.start("gateway", "worker1")
            wait_until(lambda: _seen(dovecot) == 80, "not all is marked")
        assert watch.looks and not watch.wrong
        fleet.wait_until_settled()
        assert fleet.states() == {"ticketed": 80}
        assert sorted(word for found in fleet.words().values() for word in found) == sorted(map(_words, range(80)))


def _kill_while_it_fetches(fleet: Fleet, dovecot: Dovecot, numbers: range) -> None:
    """Mails arrive one by one; in the middle of them the gateway is gone."""
    fleet.start("gateway")
    arriving = threading.Thread(target=_deliver, args=(dovecot, *numbers))
    arriving.start()
    wait_until(lambda: _stored(fleet) > numbers.start, "nothing is fetched")
    fleet.kill("gateway")
    arriving.join()
    _let_leases_end(fleet.store)


class _Watch(threading.Thread):
    """Looks again and again: no mail is marked that is not in the ledger."""

    def __init__(self, fleet: Fleet, dovecot: Dovecot) -> None:
        super().__init__(daemon=True)
        self.fleet, self.dovecot = fleet, dovecot
        self.looks = 0
        self.wrong: list[tuple[int, int]] = []
        self._over = threading.Event()

    def __enter__(self) -> _Watch:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self.join()

    def run(self) -> None:
        while not self._over.wait(0.02):
            # In this order: what is marked first must be stored by the time of the second look.
            seen, stored = _seen(self.dovecot), _stored(self.fleet)
            self.looks += 1
            if seen > stored:
                self.wrong.append((seen, stored))


def _let_leases_end(store: Store) -> None:
    """A killed gateway's lease runs out by itself; this is the time that it takes."""
    with store.database.transaction() as session:
        session.execute(sa.update(runtime_tables.leases).values(until=store_time() - timedelta(seconds=1)))


def _words(number: int) -> str:
    return f"The door {number} squeaks."


def _raw(number: int) -> bytes:
    sender = f"n{number}@home.example.test"
    return mail(sender, SUPPORT, f"Door {number}", _words(number)).as_bytes()


def _deliver(dovecot: Dovecot, *numbers: int) -> None:
    for number in numbers:
        with smtplib.LMTP("127.0.0.1", dovecot.lmtp_port) as lmtp:
            lmtp.sendmail(f"n{number}@home.example.test", [SUPPORT], _raw(number))


def _seen(dovecot: Dovecot) -> int:
    return sum(SEEN in flags for flags in dovecot.contents().values())


def _stored(fleet: Fleet) -> int:
    with fleet.store.database.reading() as session:
        return int(session.execute(sa.select(sa.func.count()).select_from(ticket_tables.inbound)).scalar_one())
