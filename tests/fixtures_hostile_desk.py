"""A running desk under hostile mail: sends cases through its real doors and says what each cost and what became of it.

It takes a folder for the desk, and cases as bytes, and returns for each case what the door answered, the rows that it
left in the ledger, the processor time that the sandbox took, and the memory of the largest sandbox child. It judges
nothing.
"""

from __future__ import annotations

import os
import smtplib
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from desk.config.settings import Settings
from storage.open_store import Store, open_store
from storage.people import people
from storage.people.people import NewAgent
from storage.tables.tickets import inbound
from tests.servers.fleet import SUPPORT, Fleet, store_time

SALES = "sales@desk.example.test"
CAROL, DAVE, NEIGHBOUR = "carol@customer.example.test", "dave@other.example.test", "nora@neighbour.example.test"
BOB = "bob@corp.example.test"
OURS = "mx.desk.example.test"
"""Whose Authentication-Results this desk believes."""

_TICK = os.sysconf("SC_CLK_TCK")
_WAIT = b"\n%%WAIT%%\n"


@dataclass
class Done:
    """What became of one case. `answer` is the door's last word; `rows` are the new rows of the ledger."""

    answer: str = ""
    rows: list[dict[str, Any]] = field(default_factory=list)
    cpu: float = 0.0
    seconds: float = 0.0


class HostileDesk:
    """A whole desk with ticket 1 of Carol and ticket 2 of Dave."""

    def __init__(self, store: Store, fleet: Fleet) -> None:
        self.store, self.fleet = store, fleet
        self.watch = JailWatch(fleet.processes["gateway"].pid)
        self._last = 0

    def set_up(self) -> None:
        for sender in (CAROL, DAVE):
            assert self.fleet.send(plain_mail(sender, "printer"), sender)
            self.fleet.wait_until_settled()
        self._last = max(row["id"] for row in self._rows_since(0))

    def mail(self, raw: bytes, sender: str, recipients: Sequence[str]) -> Done:
        """One mail by SMTP, whatever bytes it has."""
        return self._measured(lambda: _hand_in(self.fleet.port, raw, sender, recipients))

    def dialogue(self, script: bytes) -> Done:
        """Raw bytes to the SMTP port, with a look at the answer wherever the script says so."""
        return self._measured(lambda: _speak(self.fleet.port, script.split(_WAIT)))

    def other(self, act: Any) -> Done:
        """Anything else that may leave rows; `act` returns the answer."""
        return self._measured(act)

    def settle(self, done: Sequence[Done]) -> None:
        """Wait until all is settled, then read the rows again as they ended."""
        self.fleet.wait_until_settled(120)
        with self.store.database.reading() as session:
            for one in done:
                ids = [row["id"] for row in one.rows]
                query = sa.select(inbound).where(inbound.c.id.in_(ids)).order_by(inbound.c.id)
                one.rows = [dict(row._mapping) for row in session.execute(query)]

    def logs(self) -> str:
        return "\n".join(path.read_text(errors="replace") for path in sorted(self.fleet.folder.glob("*.log")))

    def _measured(self, act: Any) -> Done:
        begun, before = time.monotonic(), self.watch.cpu()
        answer = act()
        seconds = time.monotonic() - begun
        rows = [row for row in self._rows_since(self._last) if row["envelope"].get("mail_from") != NEIGHBOUR]
        self._last = max([self._last, *(row["id"] for row in rows)])
        return Done(answer, rows, self.watch.cpu() - before, seconds)

    def _rows_since(self, last: int) -> list[dict[str, Any]]:
        with self.store.database.reading() as session:
            query = sa.select(inbound).where(inbound.c.id > last).order_by(inbound.c.id)
            return [dict(row._mapping) for row in session.execute(query)]


@contextmanager
def hostile_desk(folder: Path, **environment: str) -> Iterator[HostileDesk]:
    """The desk as its own processes on SQLite, with a sender of ordinary mail beside it."""
    settings = Settings(
        data_dir=str(folder / "data"),
        secret_key="a key of the examination, known to everybody",
        mail_domain="desk.example.test",
        authserv_id=OURS,
    )
    store = open_store(settings, migrate=True)
    with Fleet(store, folder / "fleet", FRONTDESK_AUTHSERV_ID=OURS, **environment) as fleet:
        with store.database.transaction() as session:
            team = people.add_team(session, "Sales")
            people.add_mailbox(session, SALES, "Sales", team.id)
            people.add_agent(session, NewAgent(BOB, "Bob Agent", "agent", "", [team.id]), store_time())
        fleet.start("valkey", "gateway", "worker1", "http")
        desk = HostileDesk(store, fleet)
        desk.watch.start()
        try:
            desk.set_up()
            yield desk
        finally:
            desk.watch.stop()
    store.close()


class JailWatch(threading.Thread):
    """Looks at the jail's children every few milliseconds: their processor time and their largest memory."""

    def __init__(self, gateway: int) -> None:
        super().__init__(daemon=True)
        self.gateway, self.largest = gateway, 0
        self._seen: dict[int, float] = {}
        self._over = threading.Event()

    def run(self) -> None:
        while not self._over.wait(0.02):
            self._look()

    def stop(self) -> None:
        self._over.set()
        self.join(5)

    def cpu(self) -> float:
        """Seconds of processor time that all children took so far, the ended ones too."""
        self._look()
        return sum(self._seen.values())

    def _look(self) -> None:
        for pid in _children(self.gateway):
            found = _use_of(pid)
            if found:
                self._seen[pid] = found[0]
                self.largest = max(self.largest, found[1])


class Neighbour(threading.Thread):
    """Somebody who sends an ordinary mail every so often, and notes how long each took to be answered."""

    def __init__(self, port: int, pause: float = 0.2) -> None:
        super().__init__(daemon=True)
        self.port, self.pause = port, pause
        self.seconds: list[float] = []
        self.failed = 0
        self._over = threading.Event()

    def run(self) -> None:
        while not self._over.wait(self.pause):
            begun = time.monotonic()
            answer = _hand_in(self.port, plain_mail(NEIGHBOUR, f"question {len(self.seconds)}"), NEIGHBOUR, [SUPPORT])
            self.seconds.append(time.monotonic() - begun)
            self.failed += not answer.startswith("250")

    def stop(self) -> None:
        self._over.set()
        self.join(10)


def plain_mail(sender: str, subject: str) -> bytes:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = sender, SUPPORT, subject
    mail["Message-ID"] = f"<{abs(hash((sender, subject)))}.{time.monotonic_ns()}@{sender.partition('@')[2]}>"
    mail.set_content("The printer on the second floor has stopped.\n")
    return mail.as_bytes()


def _hand_in(port: int, raw: bytes, sender: str, recipients: Sequence[str]) -> str:
    """The bytes as they are: smtplib's sendmail would mend line ends that a case has broken."""
    body = b"\r\n".join(b"." + line if line.startswith(b".") else line for line in raw.split(b"\r\n"))
    try:
        with smtplib.SMTP("127.0.0.1", port, timeout=60) as smtp:
            smtp.ehlo("sender.example.test")
            for command in (f"MAIL FROM:<{sender}>", *(f"RCPT TO:<{one}>" for one in recipients), "DATA"):
                code, said = smtp.docmd(command)
                if code >= 400:
                    return f"{code} {said.decode(errors='replace')}"
            smtp.send(body + (b"" if body.endswith(b"\r\n") else b"\r\n") + b".\r\n")
            code, said = smtp.getreply()
            return f"{code} {said.decode(errors='replace')}"
    except (OSError, smtplib.SMTPException) as error:
        return f"{type(error).__name__} {error}"


def _speak(port: int, pieces: Sequence[bytes]) -> str:
    said: list[str] = []
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as peer:
            peer.settimeout(2)
            said.append(_heard(peer))
            for piece in pieces:
                peer.sendall(piece)
                said.append(_heard(peer))
    except OSError as error:
        said.append(type(error).__name__)
    return " | ".join(said)


def _heard(peer: socket.socket) -> str:
    try:
        return peer.recv(65_536).decode("ascii", "replace").strip()[-80:]
    except OSError:
        return "nothing"


def _children(pid: int) -> list[int]:
    """The children of all threads of a process: the sandbox is started by whichever thread needs it."""
    found: list[int] = []
    try:
        for task in Path(f"/proc/{pid}/task").iterdir():
            found += [int(word) for word in (task / "children").read_text().split()]
    except OSError:
        pass
    return found


def _use_of(pid: int) -> tuple[float, int] | None:
    """Processor seconds and the most bytes of memory of a process."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return None
    peak = next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:")), 0)
    return (int(fields[11]) + int(fields[12])) / _TICK, peak
