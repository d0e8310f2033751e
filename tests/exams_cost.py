"""What reading a mail costs the processor, beside one parse by the standard library in the same process.

    python -m tests.exams_cost

Prints two figures with their bounds; the exit status says whether they hold. Each is the least of many turns, since
whatever else runs on the machine only adds to it.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage

from desk.mail.inbound_request import Envelope
from gateway.email.parse.normalise import normalise

MOST_PARSES, MOST_MILLISECONDS = 2.0, 15.0
_RECEIVED = datetime(2026, 1, 1, tzinfo=UTC)
_ENVELOPE = Envelope("kim@home.example.test", ("support@desk.example.test",), "192.0.2.7")
_LINE = "The printer on the second floor takes no paper since this morning, and it blinks in red.\n"
_TURNS, _EACH = 40, 20


def main() -> int:
    small, large = _mail(b""), _mail(bytes(range(256)) * 800)
    ours = _least(lambda: normalise(small, _ENVELOPE, "cost", _RECEIVED), _EACH)
    theirs = _least(lambda: message_from_bytes(small, policy=policy.default), _EACH)
    whole = _least(lambda: _parse(small), _EACH)
    file = _least(lambda: normalise(large, _ENVELOPE, "cost", _RECEIVED), 1)
    say = sys.stdout.write
    ratio = ours / theirs
    say(f"reading a mail of {len(small)} bytes: {ours * 1000:.2f} ms of processor time, {ratio:.2f} x one ")
    say(f"policy.default parse ({theirs * 1000:.2f} ms, {whole * 1000:.2f} ms with its fields read); ")
    say(f"at most {MOST_PARSES:g} x\n")
    say(f"reading a mail with a file of 200 kB: {file * 1000:.2f} ms; at most {MOST_MILLISECONDS:g} ms\n")
    return int(ratio > MOST_PARSES or file * 1000 > MOST_MILLISECONDS)


def _mail(content: bytes) -> bytes:
    mail = EmailMessage(policy=policy.SMTP)
    mail["From"], mail["To"] = "Kim Park <kim@home.example.test>", "Support <support@desk.example.test>"
    mail["Subject"], mail["Message-ID"] = "Drucker im zweiten Stock - müde", "<1.2@home.example.test>"
    mail["Date"] = "Thu, 01 Jan 2026 10:00:00 +0100"
    mail["In-Reply-To"] = mail["References"] = "<0.1@desk.example.test>"
    mail["Received"] = "from home.example.test by mx.desk.example.test with ESMTPS; Thu, 01 Jan 2026 10:00:01 +0100"
    quoted = "".join(f"> {_LINE}" for _ in range(6))
    mail.set_content(_LINE * 8 + "\nOn Wed, Dec 31, 2025 at 9:00 AM Ann <ann@desk.example.test> wrote:\n" + quoted)
    if content:
        mail.add_attachment(content, maintype="application", subtype="pdf", filename="scan.pdf")
    return mail.as_bytes()


def _parse(raw: bytes) -> tuple[str, ...]:
    """As the documentation shows it: parse, read the headers, read the text."""
    mail = message_from_bytes(raw, policy=policy.default)
    body = mail.get_body(("plain",))
    return (*map(str, mail.values()), str(body.get_content()) if body else "")


def _least(work: Callable[[], object], times: int) -> float:
    """Seconds of processor time of one, in the best of many turns."""
    best = float("inf")
    for _ in range(_TURNS):
        begun = time.process_time()
        for _ in range(times):
            work()
        best = min(best, (time.process_time() - begun) / times)
    return best


if __name__ == "__main__":
    sys.exit(main())
