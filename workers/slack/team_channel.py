"""Messages to a team's Slack channel: a card with buttons for each ticket, and its events in the thread under the card.

A team without a channel and a private team get none. A message that was written in that thread is not repeated there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace

from desk.channels import Channel, Transport
from desk.mail.states import OutboundKind
from desk.slack.content import SlackContent
from desk.slack.markup import cut, escaped, one_line
from desk.tickets.event_data import Transfer
from desk.tickets.events import EventKind
from desk.tickets.ticket import ActorKind, Message, Ticket
from storage.access import visibility
from storage.db.session import Session
from storage.mail.outbound_message import OutboundMessage
from storage.people import accounts
from storage.people.people import Team
from workers.notifications.ticket_event import TicketEvent
from workers.outbound.slack_cards import card_key

CHANGES = frozenset({
    EventKind.STATUS_CHANGED, EventKind.REOPENED, EventKind.ASSIGNED, EventKind.TEAM_CHANGED,
    EventKind.PRIORITY_CHANGED, EventKind.CATEGORY_CHANGED, EventKind.SNOOZED, EventKind.WOKEN, EventKind.MERGED_INTO,
    EventKind.UNMERGED,
})  # fmt: skip
"""After these events the card changes."""
MOST_LETTERS = 3_500
_CUT = "\n… (more in the console)"


def messages_for(session: Session, teams: Mapping[int, Team], happened: TicketEvent) -> list[OutboundMessage]:
    """The rows that follow from one event."""
    ticket, event = happened.ticket, happened.event
    rows = _card_of_former_team(teams, happened) if event.kind == EventKind.TEAM_CHANGED else []
    team = teams.get(ticket.team_id or 0)
    if team is None or not team.slack_channel or team.id in visibility.private_teams(session):
        return rows
    channel = team.slack_channel
    line = _line(session, happened, channel)
    if event.kind != EventKind.OPENED and not line and event.kind not in CHANGES:
        return rows
    card = SlackContent(channel, text=f"#{ticket.id}", card=ticket.id)
    rows.append(_row(ticket, card_key(ticket.id, channel), replace(card, root=True)))
    if event.kind in CHANGES and not event.data.opening:
        rows.append(_row(ticket, f"slack-card:{happened.event_id}:{channel}", card))
    if line:
        content = SlackContent(channel, text=cut(line, MOST_LETTERS, _CUT), thread_of=ticket.id)
        rows.append(_row(ticket, f"slack-line:{happened.event_id}", content, event.message_id))
    return rows


def newest_cards(rows: Sequence[OutboundMessage]) -> list[OutboundMessage]:
    """The rows of a batch, but of the changes of one card only the last: a card is made when it is sent."""
    last = {_card_of(row): row.dedupe_key for row in rows if _card_of(row)}
    return [row for row in rows if not _card_of(row) or last[_card_of(row)] == row.dedupe_key]


def _card_of(row: OutboundMessage) -> str:
    """The card that a row changes; empty for all others."""
    content = row.content
    if not isinstance(content, SlackContent) or content.card is None or content.root:
        return ""
    return f"{content.card}:{content.channel}"


def _card_of_former_team(teams: Mapping[int, Team], happened: TicketEvent) -> list[OutboundMessage]:
    """The card in the channel of the team that had it; the row names no ticket, which may be private by now."""
    before = teams.get(happened.event.data_as(Transfer).from_id or 0)
    if before is None or not before.slack_channel:
        return []
    content = SlackContent(before.slack_channel, card=happened.ticket.id)
    return [replace(_row(happened.ticket, f"slack-card:{happened.event_id}:left", content), ticket_id=None)]


def _row(ticket: Ticket, key: str, content: SlackContent, message_id: int | None = None) -> OutboundMessage:
    return OutboundMessage(
        key,
        OutboundKind.NOTICE,
        f"slack:{content.channel}",
        _id(key),
        content,
        ticket.id,
        message_id,
        transport=Transport.SLACK,
    )


def _id(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()[:32]


def _line(session: Session, happened: TicketEvent, channel: str) -> str:
    """The line about an event in the thread; empty for what the card shows, and for messages written there."""
    event, who = happened.event, one_line(happened.event.actor.name or "The desk")
    text = _text_of(happened.message) if happened.message is not None else ""
    if event.kind in (EventKind.REPLIED, EventKind.NOTED) and happened.message is not None:
        if _is_from_channel(happened.message, channel):
            return ""
        did = "replied to the requester" if event.kind == EventKind.REPLIED else "noted"
        return f"*{who}* {did}:\n{text}"
    if event.kind in (EventKind.SIDE_SENT, EventKind.SIDE_ANSWERED) and happened.message is not None:
        did = f"wrote aside to {one_line(event.after)}" if event.kind == EventKind.SIDE_SENT else "answered aside"
        return f"*{who}* {did}:\n{text}"
    if event.kind == EventKind.REQUESTER_REPLIED:
        return f"*{who}* wrote:\n{text}"
    if event.kind == EventKind.ASSIGNED and not event.data.opening:
        return _assigned(session, happened, who)
    if event.kind == EventKind.UNDELIVERABLE and event.why.startswith("notice"):
        return ""
    template = _LINES.get(event.kind)
    if template is None or (event.kind == EventKind.STATUS_CHANGED and event.why in _FOLLOWS):
        return ""
    reason = f" ({one_line(event.why)})" if event.why and event.why != "by command" else ""
    return f"*{who}*: {template.format(before=_plain(event.before), after=_plain(event.after))}{reason}"


_FOLLOWS = ("waiting for the requester", "assigned")
"""Reasons of a status that follows from the line before."""

_LINES: Mapping[str, str] = {
    EventKind.STATUS_CHANGED: "status is now {after}",
    EventKind.REOPENED: "it is open again",
    EventKind.PRIORITY_CHANGED: "priority is now {after}",
    EventKind.CATEGORY_CHANGED: "category is now {after}",
    EventKind.SNOOZED: "sleeps until {after}",
    EventKind.MERGED_INTO: "merged into #{after}",
    EventKind.MERGED_FROM: "#{after} was merged into this ticket",
    EventKind.MESSAGE_EDITED: "changed a message from\n{before}\nto\n{after}",
    EventKind.MESSAGE_WITHDRAWN: "a message was taken back in Slack",
    EventKind.DELIVERY_FAILED: "a mail to {after} came back",
    EventKind.UNDELIVERABLE: "could not be delivered to {after}",
    EventKind.UNVERIFIED_NOTE: "a mail that claims to be from {after} was not executed",
    EventKind.NOT_PERMITTED: "kept as a note, nothing else was done",
    EventKind.SLA_WARNED: "a due time is near",
    EventKind.SLA_BREACHED: "a due time has passed",
    EventKind.UNROUTABLE: "nobody can take it now",
}


def _assigned(session: Session, happened: TicketEvent, who: str) -> str:
    """Mentions the new assignee's account, so that Slack notifies them."""
    if not happened.event.after:
        return f"*{who}*: nobody owns it now"
    owner = happened.persons.get(happened.event.data_as(Transfer).to_id or 0)
    account = accounts.account_of(session, Channel.SLACK, owner.id).rpartition(":")[2] if owner else ""
    name = f"<@{account}>" if account.isalnum() and account.isascii() else one_line(happened.event.after)
    return f"*{who}*: {name} takes care of it"


def _text_of(message: Message) -> str:
    files = [one_line(file.name or "file") for file in message.attachments]
    named = [f"_Files: {', '.join(files)}_"] if files else []
    return "\n".join([escaped(message.reply or message.text).strip(), *named])


def _is_from_channel(message: Message, channel: str) -> bool:
    return message.author.kind is ActorKind.AGENT and message.external_id.split(":")[1:2] == [channel]


def _plain(text: str) -> str:
    return cut(escaped(text.replace("_", " ")), 1_500, " …")
