"""A disk that is full: 452, nothing half-written, and all is well again when there is room, without a restart.

The disk is a small tmpfs in a mount namespace of its own, so it is gone with its processes. That needs root.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import smtplib
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from storage.open_store import Store
from tests.components import dies_with_us, skip_for_want_of
from tests.servers.fleet import ROOT, SUPPORT, Fleet, wait_until
from tests.whole.fixtures_town import mail

pytestmark = [pytest.mark.services, pytest.mark.slow]

FULL = "452 4.3.1"
SIZE = 40_000_000


def test_no_room_for_files_is_answered_452_and_the_same_mail_is_taken_when_there_is_room(
    store: Store, tmp_path: Path
) -> None:
    blobs = store.blobs.folder
    with _small_disk(blobs) as disk, _FleetOn(disk, store, tmp_path / "fleet") as fleet:
        fleet.start("valkey", "gateway", "worker1")
        assert _sent(fleet, _large(1)).startswith("250")
        for left in (0, 1_000_000, 3_200_000):
            disk.fill(left)
            assert _sent(fleet, _large(2)).startswith(FULL), f"with {left} bytes left"
            assert _sent(fleet, _small(left)).startswith("250"), "what needs no file was refused"
            _check_files(disk.inside)
            disk.free()
        assert _sent(fleet, _large(2)).startswith("250")
        fleet.wait_until_settled()
        assert fleet.states() == {"ticketed": 5}
        subjects = [word for found in fleet.words().values() for word in found]
        assert sorted(subjects) == ["large 1", "large 2", "small 0", "small 1000000", "small 3200000"]


def test_no_room_for_the_database_is_answered_452_and_every_250_is_one_ticket(store: Store, tmp_path: Path) -> None:
    folder = store.settings.data
    with Fleet(store, tmp_path / "prepared"):
        store.close()
    with _small_disk(folder) as disk, _FleetOn(disk, store, tmp_path / "fleet") as fleet:
        fleet.start("valkey", "gateway", "worker1")
        assert _sent(fleet, _large(1)).startswith("250")
        wait_until(lambda: disk.frontdesk("ledger")["unsettled"] == 0, "the first mail was not settled")
        disk.fill(0)
        taken = [n for n in range(40) if _sent(fleet, _small(n), but=FULL).startswith("250")]
        refused = [n for n in range(40) if n not in taken]
        assert refused, "the disk was not full"
        assert _sent(fleet, _large(2)).startswith(FULL)
        disk.free()
        again = [_sent(fleet, _small(n)) for n in refused] + [_sent(fleet, _large(2))]
        assert all(said.startswith("250") for said in again), again
        wait_until(lambda: disk.frontdesk("ledger")["unsettled"] == 0, "not all was settled", 60)
        ledger = disk.frontdesk("ledger")
        assert ledger["accepted"] == ledger["states"]["ticketed"] == 42
        subjects = [found["subject"] for found in disk.frontdesk("ticket", "list")]
        assert sorted(subjects) == sorted(["large 1", "large 2", *(f"small {n}" for n in range(40))])
        _check_files(disk.inside / "blobs")


class _Disk:
    """A file system of SIZE bytes over `folder`, which only the processes of one namespace see."""

    def __init__(self, folder: Path, holder: subprocess.Popen[bytes]) -> None:
        self.folder = folder
        self.enter = ["nsenter", "-t", str(holder.pid), "-m", "--"]
        self.inside = Path(f"/proc/{holder.pid}/root{folder}")
        self.environment: dict[str, str] = {}

    def fill(self, left: int) -> None:
        """Leave only so many bytes free."""
        room = shutil.disk_usage(self.inside).free - left
        with (self.inside / "ballast").open("wb") as ballast:
            os.posix_fallocate(ballast.fileno(), 0, room)

    def free(self) -> None:
        (self.inside / "ballast").unlink()

    def frontdesk(self, *words: str) -> Any:
        """What a command of the desk says in JSON, asked where its files are."""
        command = [*self.enter, sys.executable, str(ROOT / "frontdesk.py"), *words, "--json"]
        done = subprocess.run(command, env=self.environment, capture_output=True, timeout=60)
        assert done.returncode == 0, done.stderr.decode()
        return json.loads(done.stdout)


class _FleetOn(Fleet):
    """A fleet whose own processes live on a small disk."""

    def __init__(self, disk: _Disk, store: Store, folder: Path) -> None:
        super().__init__(store, folder)
        self.disk = disk
        disk.environment = self._environment()

    def _command(self, name: str) -> list[str]:
        command = super()._command(name)
        return command if name == "valkey" else [*self.disk.enter, *command]


@contextmanager
def _small_disk(folder: Path) -> Iterator[_Disk]:
    """The disk, with what lies in the folder now."""
    if os.geteuid() != 0 or not shutil.which("unshare") or not shutil.which("nsenter"):
        skip_for_want_of("mount namespace (unshare, as root)")
    folder.mkdir(exist_ok=True)
    aside = folder.with_name(f"{folder.name}-aside")
    shutil.copytree(folder, aside)
    mount = f'mount -t tmpfs -o size={SIZE} frontdesk-test "$0" && cp -a "$1/." "$0" && echo ready && exec sleep 3600'
    holder = subprocess.Popen(
        ["unshare", "-m", "--propagation", "private", "sh", "-c", mount, str(folder), str(aside)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        preexec_fn=dies_with_us(),
    )
    try:
        assert holder.stdout is not None
        if holder.stdout.readline() != b"ready\n":
            skip_for_want_of("mount namespace (unshare, as root)")
        yield _Disk(folder, holder)
    finally:
        holder.kill()
        holder.wait()


def _sent(fleet: Fleet, raw: bytes, but: str = "") -> str:
    """The answer to one mail; anything but 250 and what is expected shows itself in the comparison."""
    with smtplib.SMTP("127.0.0.1", fleet.port, timeout=60) as smtp:
        smtp.ehlo()
        smtp.mail("carol@home.example.test")
        smtp.rcpt(SUPPORT)
        code, text = smtp.data(raw)
    said = f"{code} {text.decode()}"
    assert not but or said.startswith(("250", but)), said
    return said


def _small(number: int) -> bytes:
    return mail("carol@home.example.test", SUPPORT, f"small {number}", f"small {number}\n\n{'x ' * 4000}").as_bytes()


def _large(number: int) -> bytes:
    """A mail with a file of 2 MB; the same each time, as a sender would send it again."""
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = "carol@home.example.test", SUPPORT, f"large {number}"
    made["Message-ID"] = f"<large-{number}@mail.home.example.test>"
    made.set_content(f"large {number}\n")
    content = random.Random(number).randbytes(2_000_000)
    made.add_attachment(content, maintype="application", subtype="octet-stream", filename="scan.bin")
    # Of a certain boundary, so that it is the same bytes again.
    made.set_boundary(f"part-{number}")
    return made.as_bytes()


def _check_files(folder: Path) -> None:
    """Every file is whole: its content has the hash that its name says."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.name != "ballast"]
    assert files
    for path in files:
        assert hashlib.sha256(path.read_bytes()).hexdigest() == path.parent.name + path.name, path
