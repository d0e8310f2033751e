"""Who takes part in a ticket's public conversation, as what, and what each part allows by mail.

Values in, an answer out. To be named gives no hold: not in a Message-ID, not in copy. Nobody is put in copy of answers
by the desk: the requester's own first mail may do it, and agents; whoever comes later is suggested to the agents.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from enum import StrEnum

from desk.mail.authentication import Verdict
from desk.mail.inbound_request import InboundRequest
from desk.signed import reply_address


class Participation(StrEnum):
    """As what an address takes part. The words are stored."""

    REQUESTER = "requester"
    SENDER = "sender"
    """Wrote here; gets no copies."""
    ADDED = "added"
    """An agent put them in copy."""
    CC = "cc"
    """The requester's proven first mail had them in copy."""
    ASKED = "asked"
    """Somebody who takes part wrote to them as well; gets no copies."""
    NAMED = "named"
    """Stands in an unproven mail, and no more."""
    FORWARDER = "forwarder"
    """The agent who passed the request on."""


COPIED = frozenset({Participation.ADDED, Participation.CC})
"""These get copies of answers."""
WRITERS = frozenset({Participation.REQUESTER, Participation.SENDER, Participation.ADDED, Participation.FORWARDER})
"""These wrote here or were let in by an agent: what they write belongs here, also if they write to the desk alone."""
SIGNED = WRITERS | {Participation.CC}
"""These were sent our signed addresses and Message-IDs by the desk itself."""
ADDRESSED = frozenset({Participation.CC, Participation.ASKED})
"""These were written to in public: what they answer in public belongs here."""


def may_append(part: str | None, verdict: Verdict, *, signed: bool, in_public: bool) -> bool:
    """Whether a mail of somebody with that part (None: none) belongs to the ticket that it names.

    `signed`: it names the ticket by our signed address or Message-ID; then the verdict does not matter. `in_public`:
    the requester and the desk are both among its visible recipients.
    """
    if signed and part in SIGNED:
        return True
    return verdict is not Verdict.FAIL and (part in WRITERS or (part in ADDRESSED and in_public))


def is_public(request: InboundRequest, requester: str, mailboxes: Collection[str]) -> bool:
    """Whether a mail was sent to the requester and, for all to see, to the desk: nothing in it is for the desk alone.

    The desk in Bcc, and whatever a Resent- field says, is seen by nobody.
    """
    seen = {party.address for party in (*request.to, *request.cc)}
    return requester in seen and any(reply_address.without_token(each) in mailboxes for each in seen)


def newcomers(
    people: Mapping[str, str], writer: str, addressed: Iterable[str], verdict: Verdict, *, opens: bool
) -> dict[str, Participation]:
    """Who takes part from this message on, and as what; who is there already keeps their part.

    A mail that our server could not verify brings nobody.
    """
    wrote = {} if writer in people else {writer: Participation.SENDER}
    if verdict is Verdict.FAIL:
        return wrote
    if opens:
        part = Participation.CC if verdict is Verdict.PASS else Participation.ASKED
    else:
        part = Participation.ASKED if verdict is Verdict.PASS and people.get(writer) in SIGNED else Participation.NAMED
    return wrote | {each: part for each in addressed if each not in people and each != writer}


def after_merge(part: str) -> Participation:
    """As what somebody of a ticket that an agent merges away takes part in the one that is left."""
    return Participation.ADDED if part == Participation.REQUESTER else Participation(part)
