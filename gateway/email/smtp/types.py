"""Types that the mail channel shares: a received mail, its outcome, and the settings of the SMTP server."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from pathlib import Path

from desk.mail.inbound_request import Envelope

MEGABYTE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class RawMail:
    """One mail as it was sent, dots unstuffed and nothing else changed; `source` names its accepted recipients.

    `quarantine` is the reason why nobody shall try to read it (it is not whole, or reading it failed again and again).
    """

    raw: bytes
    envelope: Envelope
    source: str
    received_at: datetime
    quarantine: str = ""


class Outcome(Enum):
    """What became of a mail: only STORED is answered 250, and only after the commit."""

    STORED = "stored"
    UNAVAILABLE = "unavailable"
    DISK_FULL = "disk-full"


class DiskFull(Exception):
    """Nothing can be written until somebody makes room; the sender is asked to come back (452 4.3.1)."""


@dataclass(frozen=True, slots=True)
class SmtpSettings:
    """The settings of the SMTP and LMTP servers.

    `smtp` and `lmtp` are where they listen: `host:port`, `[v6]:port` (port 0 picks a free one) or `unix:/path`.
    `exempt` are the networks of our own relays: no cap per address and no rate holds there, nor on a unix socket.
    `receiving_bytes` is what all mails on their way in may hold in memory together.
    """

    hostname: str = "localhost"
    smtp: tuple[str, ...] = ("127.0.0.1:2525",)
    lmtp: tuple[str, ...] = ()
    certificate: Path | None = None
    key: Path | None = None
    most_bytes: int = 40 * MEGABYTE
    most_recipients: int = 100
    most_connections: int = 2000
    most_connections_per_address: int = 100
    most_commands: int = 1000
    most_errors: int = 100
    most_hops: int = 50
    mails_a_minute: int = 300
    exempt: tuple[str, ...] = ("127.0.0.0/8", "::1/128")
    idle_seconds: float = 300.0
    crowded_idle_seconds: float = 10.0
    data_seconds: float = 600.0
    answer_seconds: float = 30.0
    stop_seconds: float = 20.0
    receiving_bytes: int = 96 * MEGABYTE
    most_in_a_commit: int = 100
