"""A real Dovecot for tests: its own configuration and mail under a temporary folder, free loopback ports, any user.

It takes the mailboxes' passwords, and what the server shall lack, and returns ports, and hands to put mail in and
look at it. As root the mail belongs to `nobody`; otherwise everything runs as the user who runs the tests.
"""

from __future__ import annotations

import grp
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from imapclient import IMAPClient

from tests.components import dies_with_us, need
from tests.servers.ports import free_port

PASSWORD = "correct horse"
CAPABILITY = "IMAP4rev1 SASL-IR LOGIN-REFERRALS ID ENABLE LITERAL+ UIDPLUS MOVE UNSELECT"
"""For `Dovecot(capability=…)`: a server that has no IDLE."""
_EVERYBODY = "allow_all_users=yes"


@dataclass
class Dovecot:
    """One server. `users` maps names to passwords; `introspection` is the URL that says whose an OAuth token is."""

    users: dict[str, str] = field(default_factory=lambda: {"support": PASSWORD, "sales": PASSWORD})
    capability: str = ""
    introspection: str = ""
    folder: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="fd-dove-")))
    process: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        self._program = need("dovecot")
        self.imap_port, self.imaps_port, self.lmtp_port = free_port(), free_port(), free_port()
        self.certificate = self.folder / "certificate.pem"
        self._key = self.folder / "key.pem"
        self.folder.chmod(0o755)
        self._write_files()

    def start(self) -> None:
        """Start it and wait until it answers."""
        command = [self._program, "-F", "-c", str(self.folder / "dovecot.conf")]
        with (self.folder / "output").open("ab") as output:
            self.process = subprocess.Popen(
                command, stdout=output, stderr=output, preexec_fn=dies_with_us(), start_new_session=True
            )
        until = time.monotonic() + 10
        while not _answers(self.imap_port):
            if self.process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"dovecot did not start: {self.log()}")
            time.sleep(0.02)

    def stop(self) -> None:
        """End it and every open session at once; its mail stays for the next start."""
        if self.process is not None and self.process.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(10)

    def log(self) -> str:
        return "".join(path.read_text() for path in (self.folder / "output", self.folder / "log") if path.exists())

    def doveadm(self, *words: str) -> str:
        command = ["doveadm", "-c", str(self.folder / "dovecot.conf"), *words]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    @contextmanager
    def client(self, user: str = "support") -> Iterator[Any]:
        """A second mail program on the same mailbox."""
        with IMAPClient("127.0.0.1", self.imap_port, ssl=False) as client:
            client.plain_login(user, self.users[user])
            yield client

    def append(self, *mails: bytes, user: str = "support", folder: str = "INBOX", flags: Sequence[bytes] = ()) -> None:
        """Put mails into a folder, which is made if it is not there."""
        with self.client(user) as client:
            if not client.folder_exists(folder):
                client.create_folder(folder)
            for mail in mails:
                client.append(folder, mail, flags)

    def contents(self, user: str = "support", folder: str = "INBOX") -> dict[int, tuple[bytes, ...]]:
        """UIDs and flags of a folder's mails; empty where there is no such folder."""
        with self.client(user) as client:
            if not client.folder_exists(folder):
                return {}
            client.select_folder(folder, readonly=True)
            answers = client.fetch(client.search("ALL"), ["FLAGS"])
            return {uid: answer[b"FLAGS"] for uid, answer in answers.items()}

    def empty(self) -> None:
        """Remove all mail and all folders, for the next test."""
        for user in self.users:
            with self.client(user) as client:
                for _, _, name in client.list_folders():
                    client.select_folder(name)
                    client.delete_messages("1:*", silent=True)
                    client.expunge()
                    client.close_folder()
                    if name != "INBOX":
                        client.delete_folder(name)

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _write_files(self) -> None:
        subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
        key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
        files = ["-keyout", str(self._key), "-out", str(self.certificate)]
        subprocess.run(["openssl", "req", "-x509", *key, *subject, *files], check=True, capture_output=True)
        owner, group = _mail_owner()
        for name in ("mail", "run", "state"):
            (self.folder / name).mkdir()
        if os.geteuid() == 0:
            shutil.chown(self.folder / "mail", owner, group)
        users = "".join(f"{user}:{{PLAIN}}{password}\n" for user, password in self.users.items())
        (self.folder / "users").write_text(users)
        (self.folder / "oauth2").write_text(_oauth2(self.introspection))
        (self.folder / "dovecot.conf").write_text(self._configuration(owner, group))

    def _configuration(self, owner: str, group: str) -> str:
        folder = self.folder
        lines = [
            "protocols = imap lmtp",
            "listen = 127.0.0.1",
            f"base_dir = {folder}/run",
            f"state_dir = {folder}/state",
            f"log_path = {folder}/log",
            f"mail_location = maildir:{folder}/mail/%n/Maildir",
            f"mail_home = {folder}/mail/%n",
            f"mail_uid = {owner}\nmail_gid = {group}",
            "first_valid_uid = 1\nfirst_valid_gid = 1",
            "mail_max_userip_connections = 100",
            f"ssl = yes\nssl_cert = <{self.certificate}\nssl_key = <{self._key}",
            "disable_plaintext_auth = no\nauth_failure_delay = 0",
            f"auth_mechanisms = plain login{' xoauth2 oauthbearer' if self.introspection else ''}",
            # Without this, each wrong password makes the next login slower, also the right one.
            "service anvil {\n  unix_listener anvil-auth-penalty {\n    mode = 0\n  }\n}",
            "namespace inbox {\n  inbox = yes\n}",
            _listeners(self.imap_port, self.imaps_port, self.lmtp_port),
            f"passdb {{\n  driver = passwd-file\n  args = username_format=%n {folder}/users\n}}",
            f"userdb {{\n  driver = static\n  args = uid={owner} gid={group} home={folder}/mail/%n {_EVERYBODY}\n}}",
        ]
        if self.introspection:
            lines.append(
                f"passdb {{\n  driver = oauth2\n  mechanisms = xoauth2 oauthbearer\n  args = {folder}/oauth2\n}}"
            )
        if self.capability:
            lines.append(f"protocol imap {{\n  imap_capability = {self.capability}\n}}")
        return "\n".join([*lines, *_without_root(owner, group)]) + "\n"


@contextmanager
def running(**options: Any) -> Iterator[Dovecot]:
    """A started Dovecot that is removed afterwards; skips the test where there is none."""
    server = Dovecot(**options)
    try:
        server.start()
        yield server
    finally:
        server.remove()


def _listeners(imap: int, imaps: int, lmtp: int) -> str:
    return f"""service imap-login {{
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = {imaps}
    ssl = yes
  }}
}}
service lmtp {{
  inet_listener lmtp {{
    port = {lmtp}
  }}
}}"""


def _mail_owner() -> tuple[str, str]:
    user = pwd.getpwnam("nobody") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
    return user.pw_name, grp.getgrgid(user.pw_gid).gr_name


def _without_root(owner: str, group: str) -> list[str]:
    """Nobody but root may change users or roots of processes."""
    if os.geteuid() == 0:
        return []
    services = ("anvil", "auth", "imap-login", "stats", "lmtp", "imap")
    users = [f"default_internal_user = {owner}", f"default_internal_group = {group}", f"default_login_user = {owner}"]
    return [*users, *(f"service {name} {{\n  chroot =\n}}" for name in services)]


def _oauth2(introspection: str) -> str:
    return f"introspection_mode = post\nintrospection_url = {introspection}\nusername_attribute = username\n"


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), 1) as connection:
            return connection.recv(4) == b"* OK"
    except OSError:
        return False
