"""Slack's end of Socket Mode: hello, envelopes, acks, redelivery of what was not acked, and a wish to reconnect."""

from __future__ import annotations

import json
import secrets
import threading
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

from tests.slack.intake.websocket import CLOSE, PING, PONG, TEXT, Line

MOST_RETRIES = 3


@dataclass
class Envelope:
    """One delivery of one payload; a redelivery is another envelope of the same payload."""

    payload: dict[str, Any]
    kind: str
    attempt: int
    sent_at: float
    id: str = field(default_factory=lambda: str(uuid.uuid4()))

    def frame(self) -> bytes:
        body = {
            "envelope_id": self.id,
            "payload": self.payload,
            "type": self.kind,
            "accepts_response_payload": self.kind != "events_api",
        }
        if self.kind == "events_api":
            body |= {"retry_attempt": self.attempt, "retry_reason": "timeout" if self.attempt else ""}
        return json.dumps(body).encode()


class SocketModeServer:
    """`send` delivers; what is not acked within `patience` seconds comes again, at most three times."""

    def __init__(self, patience: float = 1.0) -> None:
        self.patience = patience
        self.acked: list[str] = []
        self.answers: list[dict[str, Any]] = []
        """What came along with an ack: the words that a typed command is answered with."""
        self.sent: dict[str, Envelope] = {}
        self.hellos = 0
        self._tickets: set[str] = set()
        self._lines: list[Line] = []
        self._changed = threading.Condition()
        self._closed = False
        threading.Thread(target=self._redeliver, daemon=True).start()

    def new_ticket(self) -> str:
        with self._changed:
            ticket = secrets.token_hex(8)
            self._tickets.add(ticket)
            return ticket

    def use_ticket(self, ticket: str) -> bool:
        """A URL of apps.connections.open opens one line, once."""
        with self._changed:
            if ticket not in self._tickets:
                return False
            self._tickets.remove(ticket)
            return True

    def serve(self, line: Line) -> None:
        """One line until it ends; runs in the connection's own thread."""
        hello = {"type": "hello", "num_connections": 1, "connection_info": {"app_id": "A0DESK"}}
        line.send(json.dumps(hello | {"debug_info": {"host": "fake", "approximate_connection_time": 18060}}).encode())
        with self._changed:
            self._lines.append(line)
            self.hellos += 1
            self._changed.notify_all()
        while (frame := line.receive()) is not None:
            opcode, data = frame
            if opcode == PING:
                line.send(data, PONG)
            elif opcode == TEXT:
                self._take_ack(json.loads(data))
            elif opcode == CLOSE:
                break
        with self._changed:
            self._lines.remove(line)
            self._changed.notify_all()

    def send(self, payload: dict[str, Any], attempt: int = 0) -> Envelope:
        """Deliver one payload on the newest line, once there is one."""
        kind = "events_api" if payload.get("type") == "event_callback" else "interactive"
        kind = "slash_commands" if "command" in payload else kind
        envelope = Envelope(payload, kind, attempt, time.monotonic())
        line = self._newest_line()
        with self._changed:
            self.sent[envelope.id] = envelope
        try:
            line.send(envelope.frame())
        except OSError:
            # The line broke under it: it stays without an ack, and comes again.
            return envelope
        return envelope

    def ask_to_reconnect(self, reason: str = "refresh_requested") -> None:
        """Slack renews its lines about every hour and says so on the old one."""
        self._newest_line().send(json.dumps({"type": "disconnect", "reason": reason, "debug_info": {}}).encode())

    def cut_all(self) -> None:
        with self._changed:
            lines = list(self._lines)
        for line in lines:
            line.cut()

    def wait_until_acked(self, count: int, seconds: float = 20) -> None:
        """Until so many different payloads have been acked."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.settled()) >= count, seconds), f"{len(self.settled())} acked"

    def wait_for_hello(self, count: int, seconds: float = 20) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: self.hellos >= count, seconds), f"{self.hellos} lines so far"

    def settled(self) -> set[str]:
        """The payloads (by their JSON) of which a delivery was acked."""
        return {_key(self.sent[one].payload) for one in self.acked if one in self.sent}

    def close(self) -> None:
        self._closed = True
        self.cut_all()

    def _take_ack(self, answer: dict[str, Any]) -> None:
        with self._changed:
            self.acked.append(answer["envelope_id"])
            if answer.get("payload"):
                self.answers.append(answer["payload"])
            self._changed.notify_all()

    def _newest_line(self) -> Line:
        with self._changed:
            assert self._changed.wait_for(lambda: bool(self._lines), 20), "nobody is connected"
            return self._lines[-1]

    def _redeliver(self) -> None:
        while not self._closed:
            time.sleep(0.05)
            for envelope in self._unanswered():
                self.send(envelope.payload, envelope.attempt + 1)

    def _unanswered(self) -> list[Envelope]:
        with self._changed:
            if not self._lines:
                return []
            settled, newest = self.settled(), {_key(one.payload): one for one in self.sent.values()}
            late = time.monotonic() - self.patience
            waiting = [one for key, one in newest.items() if key not in settled and one.sent_at < late]
            return [one for one in waiting if one.attempt < MOST_RETRIES]


def _key(payload: dict[str, Any]) -> str:
    return json.dumps(payload, sort_keys=True)
