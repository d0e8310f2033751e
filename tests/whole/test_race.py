"""Many senders at once, replies sent right behind their parents, two workers: nothing lost, doubled or misplaced."""

from __future__ import annotations

import random
import smtplib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from storage.open_store import Store
from tests.servers.fleet import SUPPORT, Fleet, whole_desk

pytestmark = pytest.mark.slow

MAILS, SESSIONS = 2000, 20


def _threads(count: int, seed: int) -> list[list[bytes]]:
    """Conversations of one to three mails, 30 % of all mails replies; word `tN.M` is the M-th mail of thread N."""
    rnd, made, threads = random.Random(seed), 0, []
    while made < count:
        length = min(rnd.choice([1, 1, 1, 2, 2, 3]), count - made)
        threads.append([_mail(len(threads), place) for place in range(length)])
        made += length
    return threads


def _mail(thread: int, place: int) -> bytes:
    parent = (
        f"In-Reply-To: <t{thread}.{place - 1}@mail.test>\r\nReferences: <t{thread}.0@mail.test>\r\n" if place else ""
    )
    return (
        f"From: Person {thread} <p{thread}@home.example.test>\r\nTo: {SUPPORT}\r\n"
        f"Subject: {'Re: ' if place else ''}Matter {thread}\r\nMessage-ID: <t{thread}.{place}@mail.test>\r\n{parent}"
        f"\r\nt{thread}.{place}\r\n\r\nThe printer on floor {thread % 9} does not print.\r\n"
    ).encode()


def _send_all(fleet: Fleet, threads: list[list[bytes]]) -> None:
    with smtplib.SMTP("127.0.0.1", fleet.port, timeout=60) as smtp:
        for thread in threads:
            for mail in thread:
                smtp.sendmail("p@home.example.test", [SUPPORT], mail)


@pytest.mark.services
def test_two_thousand_mails_from_twenty_sessions_all_land_on_their_own_ticket(any_store: Store, tmp_path: Path) -> None:
    threads = _threads(MAILS, seed=20)
    shares = [threads[number::SESSIONS] for number in range(SESSIONS)]
    with whole_desk(any_store, tmp_path / "fleet", 2, FRONTDESK_ACKNOWLEDGE="no") as fleet:
        with ThreadPoolExecutor(SESSIONS) as pool:
            list(pool.map(lambda share: _send_all(fleet, share), shares))
        fleet.wait_until_settled(120)
        words = fleet.words()
        assert sorted(word for found in words.values() for word in found) == sorted(
            f"t{number}.{place}" for number, thread in enumerate(threads) for place in range(len(thread))
        )
        assert all(len({word.split(".")[0] for word in found}) == 1 for found in words.values())
        assert len(words) == len(threads)
        replies = MAILS - len(threads)
        assert fleet.states() == {"ticketed": len(threads), "appended": replies}
