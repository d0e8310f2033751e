"""`python -m benchmarks.kills`: processes killed and restarted while mail comes in; what was lost, what is there twice.

In: which scenario, which database, how many mails, how many kills. Out: one row for the table in `docs/running.md`. The
desk is made of real processes (a gateway, two workers, a Valkey, a PostgreSQL of our own); senders send again what was
not answered 250, as mail servers do. Each mail has a word of its own, which is looked for in the tickets.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import sqlalchemy as sa

from desk.config.settings import Settings
from desk.mail.states import OutboundKind
from storage.open_store import Store, open_store
from storage.tables.tickets import inbound, outbound
from tests.components import postgres_folder
from tests.servers import postgres
from tests.servers.fleet import SUPPORT, Fleet, whole_desk

KEY = "a key of the benchmark, known to everybody"
SENDERS = 4
PATIENCE = 150.0
WORKERS = ("worker1", "worker2")


def mail(name: str) -> bytes:
    return (
        f"From: {name}@home.example.test\r\nTo: {SUPPORT}\r\nSubject: Matter {name}\r\n"
        f"Message-ID: <{name}@mail.test>\r\n\r\n{name}\r\n"
    ).encode()


@dataclass
class Load:
    """Senders, each of which sends its mails in order until each was answered 250."""

    fleet: Fleet
    names: list[list[str]]
    tries: Counter[str] = field(default_factory=Counter)
    threads: list[threading.Thread] = field(default_factory=list)

    def start(self) -> None:
        self.threads = [threading.Thread(target=self._send, args=(names,), daemon=True) for names in self.names]
        for thread in self.threads:
            thread.start()

    def _send(self, names: Sequence[str]) -> None:
        for name in names:
            while not self._sent(name):
                time.sleep(0.1)

    def _sent(self, name: str) -> bool:
        self.tries[name] += 1
        return self.fleet.send(mail(name), f"{name}@home.example.test")

    @property
    def running(self) -> bool:
        return any(thread.is_alive() for thread in self.threads)


@dataclass(frozen=True)
class Scene:
    fleet: Fleet
    server: postgres.Postgres | None
    dice: random.Random
    load: Load
    kills: int


def kill_all_sorts(scene: Scene) -> int:
    """-9 to whatever comes, and the queue emptied; each comes back at once."""
    sorts = ["gateway", *WORKERS, "valkey", "flush", *(["postgresql"] if scene.server else [])]
    victims = (sorts * (scene.kills // len(sorts) + 1))[: scene.kills]
    scene.dice.shuffle(victims)
    for victim in victims:
        time.sleep(scene.dice.uniform(0.1, 1.2))
        if victim == "postgresql" and scene.server:
            scene.server.kill()
            scene.server.start()
        elif victim == "flush":
            scene.fleet.flush()
        else:
            scene.fleet.kill(victim)
            scene.fleet.start(victim)
    return len(victims)


def kill_workers(scene: Scene) -> int:
    """-9 to a worker in the middle of its work, again and again; another one goes on."""
    for number in range(scene.kills):
        time.sleep(scene.dice.uniform(0.3, 1.5))
        victim = WORKERS[number % 2]
        scene.fleet.kill(victim)
        scene.fleet.start(victim)
    return scene.kills


def restart_in_turn(scene: Scene) -> int:
    """SIGTERM to each process, one after the other: it finishes what it began and comes back."""
    for number in range(scene.kills):
        time.sleep(scene.dice.uniform(0.3, 1.0))
        victim = ("gateway", *WORKERS)[number % 3]
        status = scene.fleet.stop(victim)
        assert status == 0, f"{victim} ended with {status}"
        scene.fleet.start(victim)
    return scene.kills


def queue_away(scene: Scene) -> int:
    """Valkey is gone for ten seconds, and empty when it comes back."""
    for _ in range(scene.kills):
        time.sleep(1.0)
        scene.fleet.kill("valkey")
        time.sleep(10.0)
        scene.fleet.start("valkey")
    return scene.kills


SCENES: dict[str, Callable[[Scene], int]] = {
    "all": kill_all_sorts,
    "workers": kill_workers,
    "restart": restart_in_turn,
    "queue": queue_away,
}


def measure(scenario: str, kind: str, mails: int, kills: int, seed: int) -> str:
    """One row: what was sent and what became of it."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="fd-kills-")))
        server, store = _opened(kind, folder, stack)
        fleet = stack.enter_context(whole_desk(store, folder / "fleet", len(WORKERS)))
        load = Load(fleet, [[f"s{n}x{i}" for i in range(mails // SENDERS)] for n in range(SENDERS)])
        load.start()
        done = SCENES[scenario](Scene(fleet, server, random.Random(seed), load, kills))
        last = time.monotonic()
        _wait(lambda: not load.running, "senders are not done")
        _wait(lambda: fleet.settled() and _all_left(store), "not settled")
        seconds = time.monotonic() - last
        return _row(scenario, kind, load, done, seconds, store, fleet)


def _opened(kind: str, folder: Path, stack: ExitStack) -> tuple[postgres.Postgres | None, Store]:
    server, url = None, ""
    if kind == "PostgreSQL":
        server = postgres.Postgres(postgres_folder())
        stack.callback(server.stop)
        server.start()
        server.make_template()
        url = stack.enter_context(server.fresh_database())
    settings = Settings(data_dir=str(folder / "data"), database_url=url, secret_key=KEY)
    store = open_store(settings, migrate=True)
    stack.callback(store.close)
    return server, store


def _wait(until: Callable[[], bool], otherwise: str) -> None:
    end = time.monotonic() + PATIENCE
    while not until():
        if time.monotonic() > end:
            raise SystemExit(otherwise)
        time.sleep(0.2)


def _all_left(store: Store) -> bool:
    with store.database.reading() as session:
        waiting = sa.select(sa.func.count()).where(outbound.c.state.in_(("queued", "sending")))
        return int(session.execute(waiting).scalar_one()) == 0


def _thanked(store: Store) -> Counter[str]:
    with store.database.reading() as session:
        rows = sa.select(outbound.c.recipient).where(outbound.c.kind == OutboundKind.ACKNOWLEDGEMENT)
        return Counter(session.execute(rows).scalars())


def _row(scenario: str, kind: str, load: Load, kills: int, seconds: float, store: Store, fleet: Fleet) -> str:
    names = [name for some in load.names for name in some]
    words = Counter(_texts(fleet))
    thanked = _thanked(store)
    with store.database.reading() as session:
        rows = session.execute(sa.select(sa.func.count()).select_from(inbound)).scalar_one()
    lost = sum(words[name] == 0 for name in names)
    doubled = sum(max(0, words[name] - 1) for name in names)
    late = sum(max(0, count - 1) for count in thanked.values())
    missing = sum(not thanked[f"{name}@home.example.test"] for name in names)
    again = sum(load.tries.values()) - len(names)
    cells = (scenario, kind, kills, len(names), again, rows, lost, doubled, f"{missing}, {late}", f"{seconds:.0f}")
    return f"| {' | '.join(map(str, cells))} |"


def _texts(fleet: Fleet) -> Iterator[str]:
    for texts in fleet.words().values():
        yield from texts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scenario", choices=SCENES)
    parser.add_argument("database", choices=("SQLite", "PostgreSQL"))
    parser.add_argument("--mails", type=int, default=1000)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=7)
    args = parser.parse_args()
    sys.stdout.write(measure(args.scenario, args.database, args.mails, args.kills, args.seed) + "\n")


if __name__ == "__main__":
    main()
