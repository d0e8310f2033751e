"""The reply budget: how many automatic mails may leave within an hour to a mailbox, to a domain, about a ticket.

Mails beyond it are kept and not sent. Spellings of an address count as one mailbox. The domain's limit does not hold
where the sender is proven. Answers to commands of a proven agent have the limit of notices, others that of
acknowledgements.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from desk.channels import Transport
from desk.mail.reply_budget import victim, victim_domain
from desk.mail.states import OutboundKind, OutboundState
from storage.db.session import Session
from storage.mail import outbound
from storage.mail.outbound import OutboundMessage

BUDGET_TIME = timedelta(hours=1)
TO_REQUESTERS = (OutboundKind.ACKNOWLEDGEMENT, OutboundKind.REMINDER)
"""What requesters get from nobody in person."""
COMMAND_ANSWER = OutboundKind.COMMAND_ANSWER
MOST_NOTICES = 30
"""Notices about one ticket, and answers to commands, that one agent gets: a loop that carries no sign ends here."""


@dataclass(frozen=True, slots=True)
class Limits:
    """So many an hour; 0 for a domain: no limit."""

    address: int
    domain: int


@dataclass
class _Counts:
    """What has left within the hour, and what of this batch will."""

    victims: Counter[str] = field(default_factory=Counter)
    domains: Counter[str] = field(default_factory=Counter)
    commands: Counter[str] = field(default_factory=Counter)
    notices: Counter[tuple[int | None, str]] = field(default_factory=Counter)


def within_budget(
    session: Session, letters: Sequence[OutboundMessage], proven: Collection[str], limits: Limits, now: datetime
) -> list[OutboundMessage]:
    """The same letters; those beyond a limit are kept and not sent. `proven`: keys of letters to proven senders."""
    counts = _load(session, letters, now - BUDGET_TIME)
    return [_checked(letter, counts, letter.dedupe_key in proven, limits) for letter in letters]


def _load(session: Session, letters: Sequence[OutboundMessage], since: datetime) -> _Counts:
    counts = _Counts()
    budgeted = [one.recipient for one in letters if one.kind in (*TO_REQUESTERS, COMMAND_ANSWER)]
    if budgeted:
        recent = outbound.recent_recipients(session, since)
        exact = outbound.recent_automatic(session, budgeted, since)
        # The exact count knows all of an address, the recent one its other spellings.
        for address, number in (recent | exact).items():
            counts.victims[victim(address)] += number
            counts.domains[victim_domain(address)] += number
        counts.commands.update(outbound.recent_automatic(session, budgeted, since, (COMMAND_ANSWER,)))
    tickets = sorted({one.ticket_id for one in letters if one.kind == OutboundKind.NOTICE and one.ticket_id})
    if tickets:
        counts.notices.update(outbound.recent_notices(session, tickets, since))
    return counts


def _checked(letter: OutboundMessage, counts: _Counts, is_proven: bool, limits: Limits) -> OutboundMessage:
    if letter.state != OutboundState.QUEUED or letter.transport != Transport.MAIL:
        return letter
    reason = _reason(letter, counts, is_proven, limits)
    if not reason:
        return letter
    return replace(letter, state=OutboundState.SUPPRESSED, reason=f"more than {reason} within an hour")


def _reason(letter: OutboundMessage, counts: _Counts, is_proven: bool, limits: Limits) -> str:
    """Which limit the letter passes; it is counted where it passes none."""
    if letter.kind == OutboundKind.NOTICE:
        within = _take(counts.notices, (letter.ticket_id, letter.recipient), MOST_NOTICES)
        return "" if within else _words(MOST_NOTICES, "about this ticket")
    if letter.kind == COMMAND_ANSWER and is_proven:
        within = _take(counts.commands, letter.recipient, MOST_NOTICES)
        return "" if within else _words(MOST_NOTICES, "to this address")
    if letter.kind not in (*TO_REQUESTERS, COMMAND_ANSWER):
        return ""
    domain = victim_domain(letter.recipient)
    if domain and limits.domain and not is_proven and counts.domains[domain] >= limits.domain:
        return _words(limits.domain, "to this domain")
    if not _take(counts.victims, victim(letter.recipient), limits.address):
        return _words(limits.address, "to this address")
    counts.domains[domain] += 1
    return ""


def _take(counter: Counter[Any], key: Any, limit: int) -> bool:
    counter[key] += 1
    return counter[key] <= limit


def _words(limit: int, where: str) -> str:
    return f"{limit} automatic mails {where}"
