"""The same again, or lost on the way to the workers: one ticket, one acknowledgement, whatever the queue was told."""

from __future__ import annotations

import smtplib
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
import redis

from storage.mail import outbound
from storage.open_store import Store
from storage.runtime.queue import QUEUES, broker, message
from tests.servers.dovecot import running as dovecot_running
from tests.servers.fleet import SUPPORT, Fleet, wait_until, whole_desk
from tests.whole.fixtures_town import CAROL, fetch_from

pytestmark = [pytest.mark.services, pytest.mark.slow]

ONE_OF_EACH = {"acknowledgement": 1, "notice": 1}


def test_the_same_bytes_from_five_sessions_at_once_are_one_ticket(any_store: Store, tmp_path: Path) -> None:
    with whole_desk(any_store, tmp_path / "fleet", 2) as fleet:
        raw, together = _mail(1), Barrier(5)
        with ThreadPoolExecutor(5) as pool:
            assert list(pool.map(lambda _: _send_at_once(fleet, raw, together), range(5))) == [{}] * 5
        fleet.wait_until_settled()
        _wait_for_letters(fleet, ONE_OF_EACH)
        assert fleet.words() == {1: ["mail 1"]} and fleet.states() == {"ticketed": 1}


def test_a_mail_that_comes_by_smtp_and_lies_in_the_fetched_mailbox_is_one_ticket(store: Store, tmp_path: Path) -> None:
    with dovecot_running() as dovecot, Fleet(store, tmp_path / "fleet") as fleet:
        fetch_from(fleet, dovecot)
        fleet.start("valkey", "gateway", "worker1")
        assert fleet.send(_trace("mx1.example.test") + _mail(1), CAROL)
        with smtplib.LMTP("127.0.0.1", dovecot.lmtp_port) as lmtp:
            lmtp.sendmail(CAROL, [SUPPORT], _trace("mx2.example.test") + _trace("inner.example.test") + _mail(1))
        wait_until(lambda: sum(fleet.states().values()) == 2, "the copy was not fetched", 40)
        _wait_for_letters(fleet, ONE_OF_EACH)
        assert fleet.words() == {1: ["mail 1"]} and fleet.states() == {"ticketed": 1, "duplicate-of": 1}


def test_fifty_messages_for_one_row_are_one_ticket_and_one_acknowledgement(any_store: Store, tmp_path: Path) -> None:
    with Fleet(any_store, tmp_path / "fleet") as fleet:
        fleet.start("valkey", "gateway")
        assert fleet.send(_mail(1), CAROL)
        queue = broker(f"unix://{fleet.socket}", for_workers=False)
        for _ in range(50):
            for actor in ("ingest", "events", "deliver"):
                queue.enqueue(message(actor, 1))
        queue.close()
        fleet.start("worker1", "worker2")
        fleet.wait_until_settled()
        wait_until(lambda: _waiting(fleet) == 0, "the queue was not emptied")
        _wait_for_letters(fleet, ONE_OF_EACH)
        assert fleet.words() == {1: ["mail 1"]} and fleet.states() == {"ticketed": 1}


def test_a_poisoned_queue_holds_up_nobody(store: Store, tmp_path: Path) -> None:
    with whole_desk(store, tmp_path / "fleet") as fleet, redis.Redis(unix_socket_path=fleet.socket) as queue:
        assert fleet.send(_mail(1), CAROL)
        fleet.wait_until_settled()
        # A name without a message, and a message that is no JSON.
        queue.rpush("dramatiq:requests", "{not json")
        queue.hset("dramatiq:requests.msgs", "poison", "{not json")
        queue.rpush("dramatiq:requests", "poison")
        wait_until(lambda: "DecodeError" in fleet.log("worker1"), "the poison was not met")
        for number in range(2, 6):
            assert fleet.send(_mail(number), CAROL)
        fleet.wait_until_settled(15)
        assert fleet.states() == {"ticketed": 5}


def test_a_queue_entry_that_is_lost_is_swept(store: Store, tmp_path: Path) -> None:
    with Fleet(store, tmp_path / "fleet") as fleet:
        fleet.start("valkey", "gateway")
        assert fleet.send(_mail(1), CAROL)
        wait_until(lambda: _waiting(fleet) > 0, "nothing was enqueued")
        with redis.Redis(unix_socket_path=fleet.socket) as queue:
            queue.delete("dramatiq:requests", "dramatiq:requests.msgs")
        fleet.start("worker1")
        fleet.wait_until_settled(15)
        _wait_for_letters(fleet, ONE_OF_EACH)
        assert fleet.words() == {1: ["mail 1"]}


def _mail(number: int) -> bytes:
    head = f"From: Carol Example <{CAROL}>\r\nTo: {SUPPORT}\r\nSubject: Matter {number}\r\n"
    return f"{head}Message-ID: <same-{number}@mail.home.example.test>\r\n\r\nmail {number}\r\n".encode()


def _trace(host: str) -> bytes:
    return f"Received: from {host} by next.example.test with ESMTP; Mon, 2 Nov 2026 09:00:00 +0000\r\n".encode()


def _send_at_once(fleet: Fleet, raw: bytes, together: Barrier) -> dict[str, tuple[int, bytes]]:
    """Recipients that were refused: none. All sessions say DATA at the same moment."""
    with smtplib.SMTP("127.0.0.1", fleet.port, timeout=30) as smtp:
        together.wait(20)
        return smtp.sendmail(CAROL, [SUPPORT], raw)


def _waiting(fleet: Fleet) -> int:
    with redis.Redis(unix_socket_path=fleet.socket) as queue:
        return sum(int(queue.hlen(f"dramatiq:{name}.msgs")) for name in QUEUES)


def _wait_for_letters(fleet: Fleet, kinds: dict[str, int]) -> None:
    """Until these letters and no others were written and caught."""

    def done() -> bool:
        with fleet.store.database.reading() as session:
            rows = outbound.messages_of_ticket(session, 1)
        return {row["state"] for row in rows} == {"caught"} and Counter(row["kind"] for row in rows) == kinds

    wait_until(done, f"not the letters {kinds}")
