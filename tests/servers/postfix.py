"""A real Postfix for tests: its own configuration, queue and log under a temporary folder, one loopback port, no DNS.

It takes where mail for each domain goes, and returns a port that takes mail from outside for these domains, and the
desk's outgoing mail. It vouches as a receiving MTA should: whatever Authentication-Results came with a mail is
removed, and for envelope senders of corp.example.test one of its own is put on top, which says pass only for mail
from CORP_PEER, the one machine that may send for that domain. Nothing leaves loopback. Postfix wants to be started by
root.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.components import dies_with_us, need, skip_for_want_of
from tests.servers.ports import free_port

AUTHSERV_ID = "mx.desk.example.test"
CORP_PEER = "127.0.0.2"
_UNKNOWN = "5.1.1 There is nobody of that name here"
_NOBODY = f"check_recipient_access static:{{550 {_UNKNOWN}}}"
_QUEUE = ("active", "bounce", "corrupt", "defer", "deferred", "flush", "hold", "incoming", "private", "public", "trace")


@dataclass
class Postfix:
    """One server. `transports` maps domains or addresses to places such as `smtp:[127.0.0.1]:2525` or
    `lmtp:inet:127.0.0.1:24`; `refused` are addresses that it refuses when it hears them, `gone` those that it takes
    and then returns to the sender."""

    transports: Mapping[str, str]
    refused: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    folder: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="fd-post-")))
    port: int = 0
    process: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        postfix = need("postfix")
        if os.geteuid() != 0:
            shutil.rmtree(self.folder)
            skip_for_want_of("postfix, which only root can start")
        self._master = _setting(postfix, "daemon_directory") / "master"
        self.port, self._far_port = free_port(), free_port()
        self._write_files()

    def start(self) -> None:
        """Start it and wait until it greets."""
        self.process = subprocess.Popen(
            [self._master, "-d", "-c", str(self.folder)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            preexec_fn=dies_with_us(),
            start_new_session=True,
        )
        until = time.monotonic() + 15
        while not self._greets():
            if self.process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"postfix did not start:\n{self.log()}")
            time.sleep(0.02)

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(10)
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def log(self) -> str:
        path = self.folder / "log"
        return path.read_text(errors="replace") if path.exists() else ""

    def _greets(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), 1) as connection:
                connection.settimeout(1)
                return connection.recv(4) == b"220 "
        except OSError:
            return False

    def _write_files(self) -> None:
        # Postfix's own processes are no root, and must get through to their queue.
        self.folder.chmod(0o755)
        self._make_folders()
        gone = dict.fromkeys(self.gone, f"smtp:[127.0.0.1]:{self._far_port}")
        self._write("transports", "".join(f"{name} {place}\n" for name, place in {**self.transports, **gone}.items()))
        self._write("refused", "".join(f"{address} 550 {_UNKNOWN}\n" for address in self.refused))
        # The verdict travels from smtpd to cleanup under a name that no sender can know.
        verdict = f"X-Verdict-{secrets.token_hex(16)}"
        said = {CORP_PEER: "pass", "0.0.0.0/0": "fail"}
        lines = [
            f"{peer} PREPEND {verdict}: dmarc={result} header.from=corp.example.test" for peer, result in said.items()
        ]
        self._write("corp_peers", "\n".join(lines) + "\n")
        self._write("senders", "corp.example.test from_corp\n")
        replace = f"/^{verdict}: (.*)$/ REPLACE Authentication-Results: {AUTHSERV_ID}; $1"
        self._write("header_checks", f"/^Authentication-Results:/ IGNORE\n{replace}\n")
        self._write("main.cf", self._main())
        self._write("master.cf", self._services())

    def _make_folders(self) -> None:
        """What `postfix check` would make, in a tenth of the time."""
        for name in ("queue", "queue/pid"):
            (self.folder / name).mkdir()
        for name in ("data", *(f"queue/{name}" for name in _QUEUE)):
            (self.folder / name).mkdir(mode=0o700)
            shutil.chown(self.folder / name, "postfix")

    def _write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text)

    def _main(self) -> str:
        folder = self.folder
        domains = sorted({name.rpartition("@")[2] for name in self.transports})
        lines = [
            "compatibility_level = 3.6",
            f"queue_directory = {folder}/queue",
            f"data_directory = {folder}/data",
            f"maillog_file = {folder}/log",
            f"maillog_file_prefixes = {folder}",
            f"myhostname = {AUTHSERV_ID}",
            "mydestination =\nlocal_recipient_maps =\nalias_maps =\nalias_database =",
            "inet_interfaces = 127.0.0.1\ninet_protocols = ipv4\nsmtp_bind_address = 127.0.0.1",
            "mynetworks = 127.0.0.0/8\nsmtpd_peername_lookup = no",
            "smtp_dns_support_level = disabled\nsmtp_host_lookup = native\nlmtp_host_lookup = native",
            f"relay_domains = {' '.join(domains)}",
            f"transport_maps = texthash:{folder}/transports",
            "default_transport = error:5.1.2 This test knows no such domain",
            "smtpd_restriction_classes = from_corp",
            f"from_corp = check_client_access cidr:{folder}/corp_peers",
            f"smtpd_sender_restrictions = check_sender_access texthash:{folder}/senders",
            f"smtpd_recipient_restrictions = check_recipient_access texthash:{folder}/refused",
            "smtpd_relay_restrictions = permit_auth_destination, reject",
            f"header_checks = regexp:{folder}/header_checks",
            "minimal_backoff_time = 2s\nqueue_run_delay = 2s\nmaximal_backoff_time = 5s\nnotify_classes =",
            "message_size_limit = 50000000\nmailbox_size_limit = 0",
        ]
        return "\n".join(lines) + "\n"

    def _services(self) -> str:
        """Only what is needed: no local delivery, no pickup, nothing that runs a program."""
        inside = [
            ("cleanup", "unix", "n", 0, "cleanup"),
            ("qmgr", "unix", "n", 1, "qmgr"),
            ("tlsmgr", "unix", "-", 1, "tlsmgr"),
            ("rewrite", "unix", "-", "-", "trivial-rewrite"),
            *((name, "unix", "-", 0, "bounce") for name in ("bounce", "defer", "trace")),
            ("verify", "unix", "-", 1, "verify"),
            ("proxymap", "unix", "-", "-", "proxymap"),
            *((name, "unix", "-", "-", name) for name in ("smtp", "lmtp", "error")),
            ("retry", "unix", "-", "-", "error"),
            ("anvil", "unix", "-", 1, "anvil"),
            ("scache", "unix", "-", 1, "scache"),
            ("postlog", "unix-dgram", "n", 1, "postlogd"),
        ]
        # Another host, as far as this one can see; it knows nobody.
        far = f"-o myhostname=mx.home.example.test -o {{ smtpd_recipient_restrictions = {_NOBODY} }}"
        lines = [
            f"127.0.0.1:{self.port} inet n - n - - smtpd",
            f"127.0.0.1:{self._far_port} inet n - n - - smtpd {far}",
        ]
        for name, kind, private, most, program in inside:
            wakes = "300" if program == "qmgr" else "-"
            lines.append(f"{name} {kind} {private} - n {wakes} {most} {program}")
        return "\n".join(lines) + "\n"


@contextmanager
def running(transports: Mapping[str, str], **options: tuple[str, ...]) -> Iterator[Postfix]:
    """A started Postfix that is removed afterwards; skips the test where there is none."""
    server = Postfix(transports, **options)  # type: ignore[arg-type]
    try:
        server.start()
        yield server
    finally:
        server.remove()


def _setting(postfix: str, name: str) -> Path:
    command = [str(Path(postfix).with_name("postconf")), "-d", "-h", name]
    return Path(subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip())
