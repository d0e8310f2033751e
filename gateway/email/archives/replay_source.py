"""Mails to replay: from an mbox file, a Maildir, a folder of .eml files, one .eml file, or an IMAP folder.

They come one at a time with a label, in the same order every time. Nothing is changed at the source: IMAP folders are
opened with EXAMINE.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from imapclient.exceptions import IMAPClientError

from gateway.email.archives.mbox import is_mbox, read_mbox
from gateway.email.imap.config import PORTS, ImapConfig, SecretSource
from gateway.email.imap.credentials import Credentials
from gateway.email.imap.errors import ImapError
from gateway.email.imap.fetch import Fetcher, FetchLimits, describe
from gateway.email.imap.folder import Folder
from gateway.email.imap.login import connect, drop, explain
from storage.mail.imap_folders import Mark

PASSWORD_VARIABLE = "FRONTDESK_REPLAY_PASSWORD"
_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_AT_ONCE = 200


class BadReplaySource(ValueError):
    """There is nothing to read there; the text says what was expected, and holds no password."""


@dataclass(frozen=True, slots=True)
class _Place:
    config: ImapConfig
    folder: str


def read_mails(spec: str, environ: Mapping[str, str] | None = None) -> Iterator[tuple[str, bytes]]:
    """Every mail with a label that tells where it lies. Raises BadReplaySource, at the latest at the first mail."""
    if spec.startswith(("imap://", "imaps://")):
        return _from_imap(_place(spec), os.environ if environ is None else environ)
    path = Path(spec)
    if path.is_dir():
        return _from_maildir(path) if _is_maildir(path) else _from_folder(path)
    if path.is_file():
        return _from_file(path)
    raise BadReplaySource(f"{spec}: there is no such file or folder")


def _from_file(path: Path) -> Iterator[tuple[str, bytes]]:
    with path.open("rb") as file:
        beginning = file.read(256)
        file.seek(0)
        if not is_mbox(beginning):
            yield path.name, file.read()
            return
        for number, raw in enumerate(read_mbox(file), 1):
            yield f"{path.name}#{number}", raw


def _from_folder(path: Path) -> Iterator[tuple[str, bytes]]:
    files = sorted(file for file in path.rglob("*") if file.suffix.lower() == ".eml" and file.is_file())
    if not files:
        raise BadReplaySource(f"{path}: holds no .eml files, and is no Maildir (cur, new)")
    for file in files:
        yield file.relative_to(path).as_posix(), file.read_bytes()


def _is_maildir(path: Path) -> bool:
    return (path / "cur").is_dir() or (path / "new").is_dir()


def _from_maildir(path: Path) -> Iterator[tuple[str, bytes]]:
    """Oldest first, by the second in the name; flags move a mail from new to cur and must not change its place."""
    files = [file for part in ("cur", "new") for file in (path / part).glob("[!.]*") if file.is_file()]
    for file in sorted(files, key=lambda file: _delivery(file.name)):
        yield f"{file.parent.name}/{file.name}", file.read_bytes()


def _delivery(name: str) -> tuple[int, str]:
    unique = name.partition(":")[0]
    second = unique.partition(".")[0]
    return int(second) if second.isascii() and second.isdigit() else 0, unique


def _place(spec: str) -> _Place:
    try:
        url = urlsplit(spec)
        port = url.port
    except ValueError:
        raise BadReplaySource("the address should be imaps://user@host:port/FOLDER") from None
    if not url.hostname or not url.username:
        raise BadReplaySource("the address should be imaps://user@host:port/FOLDER")
    if url.password:
        raise BadReplaySource(f"the password does not belong into the address; put it into {PASSWORD_VARIABLE}")
    clear = url.scheme == "imap" and url.hostname in _LOOPBACK
    tls = "ssl" if url.scheme == "imaps" else "none" if clear else "starttls"
    folder = unquote(url.path.strip("/")) or "INBOX"
    secret = SecretSource(env=PASSWORD_VARIABLE)
    config = ImapConfig(
        url.hostname, port or PORTS[tls], tls, unquote(url.username), (folder,), "password", secret, None,
        after="nothing", start="all", guarded=False,
    )  # fmt: skip
    return _Place(config, folder)


def _from_imap(place: _Place, environ: Mapping[str, str]) -> Iterator[tuple[str, bytes]]:
    try:
        client = connect(place.config, Credentials(place.config, environ, time.monotonic))
    except ImapError as error:
        raise BadReplaySource(str(error)) from None
    folder = Folder(client, place.folder, place.config)
    tries: Counter[int] = Counter()
    fetcher = Fetcher(client, place.folder, FetchLimits(), tries, lambda: None)
    try:
        mark = Mark(folder.select().uidvalidity)
        while uids := folder.pending(mark, None)[:_AT_ONCE]:
            for batch in fetcher.batches(describe(client, uids)):
                yield from ((f"{place.folder}#{mail.uid}", mail.raw) for mail in batch)
            mark = Mark(mark.uidvalidity, uids[-1])
    except (ImapError, IMAPClientError, OSError) as error:
        raise BadReplaySource(explain(error, place.config)) from None
    finally:
        drop(client)
