"""The atheris target: any bytes are read within two seconds of CPU, or refused with Unreadable; nothing else.

    python -m tests.fuzz.reader [-max_total_time=300] [FOLDER]

It starts from the mails of tests/fuzz/seeds.py, with the words of tests/fuzz/mail.dict, and keeps what reached new code
in the folder (a new one under the system's temporary folder if none is named). Needs the extra `fuzz`.
"""

from __future__ import annotations

import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["desk", "gateway"]):
    from desk.mail.inbound_request import Envelope, Unreadable, from_json, to_json
    from gateway.email.parse.normalise import normalise

from tests.fuzz.seeds import seeds

SECONDS = 2.0
_RECEIVED = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
_ENVELOPE = Envelope("ann@example.com", ("support@desk.example",), "192.0.2.7")


def read(raw: bytes) -> None:
    """One mail; raises on whatever must not happen."""
    started = time.process_time()
    try:
        done = normalise(raw, _ENVELOPE, "fuzz", _RECEIVED)
    except Unreadable:
        return
    taken = time.process_time() - started
    if taken > SECONDS:
        raise AssertionError(f"took {taken:.1f} s")
    request = done.request
    if from_json(to_json(request)) != request:
        raise AssertionError("does not survive JSON")
    if bool(request.reply.strip()) != bool(request.text.strip()):
        raise AssertionError("the reply lost all the words")
    if {item.sha256 for item in request.attachments} != {digest for digest, _ in done.files}:
        raise AssertionError("files and attachments differ")


def main() -> None:
    options = [word for word in sys.argv[1:] if word.startswith("-")]
    folders = [word for word in sys.argv[1:] if not word.startswith("-")]
    corpus = Path(folders[0]) if folders else Path(tempfile.mkdtemp(prefix="frontdesk-fuzz-"))
    corpus.mkdir(parents=True, exist_ok=True)
    for number, raw in enumerate(seeds()):
        (corpus / f"seed-{number:03}.eml").write_bytes(raw)
    words = Path(__file__).with_name("mail.dict")
    usual = ["-max_len=16384", "-timeout=20", f"-dict={words}", f"-artifact_prefix={corpus}/found-"]
    atheris.Setup([sys.argv[0], *usual, *options, str(corpus)], read)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
