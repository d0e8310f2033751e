"""Mails that the tests of the mail reader are made of, and the one call that they all make."""

from __future__ import annotations

import base64
from datetime import UTC, datetime

from desk.mail.inbound_request import Envelope, InboundRequest
from gateway.email.parse.normalise import Normalised, normalise

RECEIVED = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
ENVELOPE = Envelope("ann@example.com", ("support@desk.example",), "192.0.2.7")
HEADER = (
    "From: Ann Example <ann@example.com>\r\nTo: support@desk.example\r\nSubject: Printer\r\n"
    "Message-ID: <one@example.com>\r\nDate: Mon, 02 Mar 2026 10:00:00 +0100\r\nMIME-Version: 1.0\r\n"
)


def mail(body: str | bytes, *fields: str, without: str = "") -> bytes:
    """A mail of Ann's with further header fields, or without one of the usual."""
    lines = [line for line in HEADER.split("\r\n") if line and not (without and line.startswith(without + ":"))]
    head = "\r\n".join([*lines, *fields]) + "\r\n\r\n"
    return head.encode() + (body.encode() if isinstance(body, str) else body)


def multipart(kind: str, *parts: str) -> bytes:
    """A multipart mail; each part is its header lines, an empty line and its body."""
    body = "".join(f"--b\r\n{part}\r\n" for part in parts) + "--b--\r\n"
    return mail(body, f'Content-Type: multipart/{kind}; boundary="b"')


def b64(data: bytes) -> str:
    return base64.encodebytes(data).decode()


def read_whole(raw: bytes, envelope: Envelope = ENVELOPE) -> Normalised:
    return normalise(raw, envelope, "smtp:support@desk.example", RECEIVED)


def read(raw: bytes, envelope: Envelope = ENVELOPE) -> InboundRequest:
    return read_whole(raw, envelope).request
