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
from storage.mail.outbound_message import OutboundMessage
from storage.mail.recent_automatic import RecentAutomatic

BUDGET_TIME = timedelta(hours=1)
TO_REQUESTERS = (OutboundKind.ACKNOWLEDGEMENT, OutboundKind.REMINDER)
"""Automatic messages to requesters."""
COMMAND_ANSWER = OutboundKind.COMMAND_ANSWER
MOST_NOTICES = 30
"""Notices about one ticket, and answers to commands, that one agent gets: an unrecognised mail loop ends here."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Messages an hour; 0 for a domain: no limit."""

    address: int
    domain: int


@dataclass
class _Counts:
    """The messages of the last hour and of this batch."""

    victims: Counter[str] = field(default_factory=Counter)
    domains: Counter[str] = field(default_factory=Counter)
    commands: Counter[str] = field(default_factory=Counter)
    notices: Counter[tuple[int | None, str]] = field(default_factory=Counter)


def within_budget(
    session: Session,
    messages: Sequence[OutboundMessage],
    proven: Collection[str],
    limits: Limits,
    recent: RecentAutomatic,
    now: datetime,
) -> list[OutboundMessage]:
    """The same messages; those beyond a limit are kept and not sent. `proven`: keys of messages to proven senders."""
    counts = _load(session, messages, recent, now - BUDGET_TIME)
    return [_limited(message, counts, message.dedupe_key in proven, limits) for message in messages]


def _load(session: Session, messages: Sequence[OutboundMessage], recent: RecentAutomatic, since: datetime) -> _Counts:
    counts = _Counts()
    budgeted = [message.recipient for message in messages if message.kind in (*TO_REQUESTERS, COMMAND_ANSWER)]
    if budgeted:
        counted = recent.count(session, since)
        counts.domains.update({domain: counted[domain] for domain in map(victim_domain, budgeted)})
        mailboxes = {victim(address) for address in budgeted}
        counts.victims.update({mailbox: counted[mailbox] for mailbox in mailboxes})
        counts.victims.update(outbound.recent_automatic(session, sorted(mailboxes), since))
        counts.commands.update(outbound.recent_automatic(session, budgeted, since, (COMMAND_ANSWER,)))
    tickets = sorted(
        {message.ticket_id for message in messages if message.kind == OutboundKind.NOTICE and message.ticket_id}
    )
    if tickets:
        counts.notices.update(outbound.recent_notices(session, tickets, since))
    return counts


def _limited(message: OutboundMessage, counts: _Counts, is_proven: bool, limits: Limits) -> OutboundMessage:
    if message.state != OutboundState.QUEUED or message.transport != Transport.MAIL:
        return message
    reason = _reason(message, counts, is_proven, limits)
    if not reason:
        return message
    return replace(message, state=OutboundState.SUPPRESSED, reason=f"more than {reason} within an hour")


def _reason(message: OutboundMessage, counts: _Counts, is_proven: bool, limits: Limits) -> str:
    """The limit that the message exceeds, in words; it is counted where it exceeds none."""
    if message.kind == OutboundKind.NOTICE:
        within = _count(counts.notices, (message.ticket_id, message.recipient), MOST_NOTICES)
        return "" if within else _limit_text(MOST_NOTICES, "about this ticket")
    if message.kind == COMMAND_ANSWER and is_proven:
        within = _count(counts.commands, message.recipient, MOST_NOTICES)
        return "" if within else _limit_text(MOST_NOTICES, "to this address")
    if message.kind not in (*TO_REQUESTERS, COMMAND_ANSWER):
        return ""
    domain = victim_domain(message.recipient)
    if domain and limits.domain and not is_proven and counts.domains[domain] >= limits.domain:
        return _limit_text(limits.domain, "to this domain")
    if not _count(counts.victims, victim(message.recipient), limits.address):
        return _limit_text(limits.address, "to this address")
    counts.domains[domain] += 1
    return ""


def _count(counter: Counter[Any], key: Any, limit: int) -> bool:
    counter[key] += 1
    return counter[key] <= limit


def _limit_text(limit: int, where: str) -> str:
    return f"{limit} automatic mails {where}"
