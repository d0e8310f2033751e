"""Fetches mails from the selected folder, in UID order and small batches; one that fails does not block others.

It only peeks: nothing on the server changes. A mail that is too large or cannot be fetched comes with the reason.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from imapclient import IMAPClient
from imapclient.exceptions import IMAPClientError

from gateway.email.imap.errors import ImapError

MOST_TRIES = 5
"""After so many attempts that failed on this very mail, only its header is fetched, and it is set aside."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """One mail; `incomplete` is the reason why `raw` is not all of it."""

    uid: int
    raw: bytes
    incomplete: str = ""


@dataclass(frozen=True, slots=True)
class Described:
    """What the server says of a mail before it is fetched."""

    uid: int
    size: int
    arrived_at: datetime | None


@dataclass(frozen=True, slots=True)
class FetchLimits:
    """How much is asked for at once: mails and bytes of a batch, bytes of a part, and the largest mail taken whole."""

    most_bytes: int = 40_000_000
    batch: int = 25
    batch_bytes: int = 4 * 1024 * 1024
    part_bytes: int = 1024 * 1024


def describe(client: Any, uids: Sequence[int]) -> list[Described]:
    """Size and arrival of those of the mails that still exist, in UID order."""
    try:
        answers = client.fetch(uids, ["RFC822.SIZE", "INTERNALDATE"])
    except ValueError:
        # A date that nobody can read; its size is all that is needed.
        answers = client.fetch(uids, ["RFC822.SIZE"])
    return [_described(uid, answers[uid]) for uid in sorted(answers)]


class Fetcher:
    """Fetches from the selected folder. `tries` counts the failures of each UID and outlives the connection.

    `tick` is called between parts: the moment to renew a lease, and to raise if the work has to stop.
    """

    def __init__(
        self, client: Any, place: str, limits: FetchLimits, tries: Counter[int], tick: Callable[[], None]
    ) -> None:
        self._client = client
        self._place = place
        self._limits = limits
        self._tries = tries
        self._tick = tick

    def batches(self, mails: Sequence[Described]) -> Iterator[list[Fetched]]:
        """The mails in batches; those that vanish meanwhile are left out, so that a batch may be empty."""
        for group in self._groups(mails):
            self._tick()
            yield self._fetch(group)

    def _groups(self, mails: Sequence[Described]) -> Iterator[list[Described]]:
        group: list[Described] = []
        size = 0
        for mail in mails:
            alone = self._tries[mail.uid] > 0 or mail.size > self._limits.part_bytes
            full = len(group) >= self._limits.batch or size + mail.size > self._limits.batch_bytes
            if group and (alone or full):
                yield group
                group, size = [], 0
            if alone:
                yield [mail]
                continue
            group.append(mail)
            size += mail.size
        if group:
            yield group

    def _fetch(self, group: list[Described]) -> list[Fetched]:
        # Counted before the attempt: what kills the connection, or us, is known by its count next time.
        self._tries.update(mail.uid for mail in group)
        found = self._together(group) if len(group) > 1 else None
        if found is None:
            found = [one for mail in group if (one := self._alone(mail))]
        for mail in group:
            del self._tries[mail.uid]
        return found

    def _together(self, group: list[Described]) -> list[Fetched] | None:
        """None if the server could not give all of them, or an answer cannot be read: then each is asked for alone."""
        try:
            answers = self._client.fetch([mail.uid for mail in group], ["BODY.PEEK[]"])
        except (IMAPClientError, ValueError) as error:
            if isinstance(error, IMAPClient.AbortError):
                raise
            return None
        bodies = {uid: _body(answer) for uid, answer in answers.items()}
        if None in bodies.values():
            return None
        return [Fetched(uid, body) for uid, body in sorted(bodies.items()) if body is not None]

    def _alone(self, mail: Described) -> Fetched | None:
        """One mail; None if it is there no more. Raises ImapTrouble where the server refuses, while tries are left."""
        if self._tries[mail.uid] > MOST_TRIES:
            return self._given_up(mail)
        try:
            if mail.size > self._limits.most_bytes:
                return self._beginning(mail)
            if mail.size > self._limits.part_bytes:
                return self._in_parts(mail)
            return self._whole(mail)
        except (IMAPClientError, ValueError) as error:
            if isinstance(error, IMAPClient.AbortError):
                raise
            raise ImapError(f"{self._place}: UID {mail.uid} cannot be fetched: {error}") from None

    def _whole(self, mail: Described) -> Fetched | None:
        answer = self._client.fetch([mail.uid], ["BODY.PEEK[]"]).get(mail.uid)
        if answer is None:
            return None
        body = _body(answer)
        if body is None:
            raise ValueError("the answer holds no content")
        return Fetched(mail.uid, body)

    def _in_parts(self, mail: Described) -> Fetched | None:
        """The size is a hint, since some servers guess it; the last part is the short one."""
        content = bytearray()
        while len(content) <= self._limits.most_bytes:
            self._tick()
            part = self._part(mail.uid, len(content))
            content += part
            if len(part) < self._limits.part_bytes:
                return Fetched(mail.uid, bytes(content)) if content else None
        return Fetched(mail.uid, bytes(content[: self._limits.part_bytes]), self._too_large(mail))

    def _beginning(self, mail: Described) -> Fetched | None:
        part = self._part(mail.uid, 0)
        return Fetched(mail.uid, part, self._too_large(mail)) if part else None

    def _part(self, uid: int, offset: int) -> bytes:
        answer = self._client.fetch([uid], [f"BODY.PEEK[]<{offset}.{self._limits.part_bytes}>"]).get(uid)
        return (_body(answer) or b"") if answer else b""

    def _given_up(self, mail: Described) -> Fetched:
        why = (
            f"the server could not give this mail in {MOST_TRIES} attempts; it stays in {self._place} as UID {mail.uid}"
        )
        return Fetched(mail.uid, self._header(mail) + f"{why}\r\n".encode(), why)

    def _header(self, mail: Described) -> bytes:
        """The header if the server has at least that; the same words every time, so that a copy is recognised."""
        if self._tries[mail.uid] == MOST_TRIES + 1:
            try:
                answer = self._client.fetch([mail.uid], ["BODY.PEEK[HEADER]"]).get(mail.uid) or {}
            except (IMAPClientError, ValueError) as error:
                if isinstance(error, IMAPClient.AbortError):
                    raise
                answer = {}
            if header := _body(answer):
                return header
        return f"Subject: A mail that could not be fetched (UID {mail.uid})\r\n\r\n".encode()

    def _too_large(self, mail: Described) -> str:
        return (
            f"the mail has {mail.size} bytes, more than the {self._limits.most_bytes} that are taken; "
            f"this is its beginning, all of it stays in {self._place} as UID {mail.uid}"
        )


def _described(uid: int, answer: dict[bytes, Any]) -> Described:
    arrived_at = answer.get(b"INTERNALDATE")
    if isinstance(arrived_at, datetime):
        arrived_at = arrived_at.astimezone(UTC)
    size = answer.get(b"RFC822.SIZE")
    return Described(uid, size if isinstance(size, int) else 0, arrived_at)


def _body(answer: dict[bytes, Any]) -> bytes | None:
    """The content in a FETCH answer, under whatever the server calls the section that was asked for."""
    for key, value in answer.items():
        if key.upper().startswith((b"BODY[", b"RFC822")) and isinstance(value, bytes):
            return value
    return None
