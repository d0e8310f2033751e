"""Labelled header blocks as groups, forms, other desks, monitoring, shops, absences and people's programs write them.

Every second block (`is_held`) was kept unseen while the rules were written. Run as a module it prints both halves'
figures: `python -m tests.gateway.email.parse.header_blocks`.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from desk.mail.author import author, is_own_list, is_unattended
from desk.mail.automatic import LISTED
from desk.mail.inbound_request import AutoKind, Envelope, InboundRequest
from gateway.email.parse.normalise import normalise
from tests.gateway.email.mails import RECEIVED

FOLDER = Path(__file__).parent / "header_blocks"
OURS = frozenset({"support@desk.example"})
_PEER = Envelope("bounce@web.example", ("support@desk.example",), "192.0.2.7")
_KINDS = {
    AutoKind.NONE: "person",
    AutoKind.REPLY: "auto-reply",
    AutoKind.NOTICE: "notice",
    AutoKind.LIST: "newsletter",
    AutoKind.RECEIPT: "receipt",
    AutoKind.BOUNCE: "bounce",
    AutoKind.OWN: "own",
}


@dataclass(frozen=True)
class Block:
    """One labelled mail. `answer` is yes or no, `person` the address or `-`."""

    name: str
    writer: str
    answer: str
    person: str
    raw: bytes
    is_held: bool

    @property
    def wanted(self) -> tuple[str, str, str]:
        return self.writer, self.answer, self.person


def blocks() -> list[Block]:
    """All blocks, in the order of the files."""
    made: list[Block] = []
    for path in sorted(FOLDER.glob("*.txt")):
        for part in path.read_text(encoding="utf-8").split("\n== ")[0:]:
            title, _, content = part.partition("\n")
            if title.startswith("#"):
                continue
            names = [word.strip() for word in title.removeprefix("== ").split("|")]
            whole = content.rstrip("\n")
            raw = (whole if "\n\n" in whole else whole + "\n\nThe words of the mail.") + "\n"
            made.append(Block(names[0], names[1], names[2], names[3], raw.encode(), len(made) % 2 == 1))
    return made


def read(block: Block) -> InboundRequest:
    null = b"Return-Path: <>" in block.raw
    envelope = Envelope("", _PEER.rcpt_to, _PEER.peer) if null else _PEER
    return normalise(block.raw, envelope, "smtp:support@desk.example", RECEIVED).request


def judged(block: Block) -> tuple[str, str, str]:
    """(writer, answer, person) as the desk sees them."""
    request = read(block)
    behind = author(request, OURS)
    person = behind.party.address if behind else request.sender.address
    silent = request.no_answer
    if silent.startswith(LISTED) and is_own_list(request, OURS):
        silent = ""
    reachable = not is_unattended(person) and person not in OURS
    writer = _KINDS[request.auto]
    answer = "yes" if writer == "person" and not silent and reachable else "no"
    return writer, answer, person if writer == "person" else "-"


def main(*, with_held: bool) -> None:
    for held in (False, True) if with_held else (False,):
        half = [block for block in blocks() if block.is_held is held]
        missed = [(block, judged(block)) for block in half if judged(block) != block.wanted]
        mixed = sum((block.writer == "person") != (judged(block)[0] == "person") for block in half)
        for block, seen in missed:
            sys.stdout.write(f"{block.name}: {' | '.join(seen)}, should be {' | '.join(block.wanted)}\n")
        name = "kept unseen" if held else "seen"
        sys.stdout.write(
            f"{name}: {len(half) - len(missed)} of {len(half)}; person taken for machine or back: {mixed}\n"
        )


if __name__ == "__main__":
    main(with_held="--all" in sys.argv)
