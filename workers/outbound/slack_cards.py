"""The card of a ticket in its team's Slack channel: its text, its buttons, and the thread under it.

The card is made from the ticket at the moment of sending, so that a delayed card is not outdated. It shows nothing of a
private ticket or of one that left the team.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from desk.config.settings import Settings
from desk.mail.states import OutboundState
from desk.slack.content import Block, SlackContent
from desk.slack.markup import cut, escaped, one_line
from desk.slack.orders import MORE, Button
from desk.tickets.ticket import Ticket
from storage.access import visibility
from storage.db.session import Session
from storage.mail import outbound
from storage.mail.outbound_message import ClaimedMessage
from storage.people import people
from storage.slack import threads as slack_threads
from storage.tickets import tickets
from workers.outbound.errors import TransportError

MOST_LETTERS = 2_500
"""A section holds 3,000 characters."""
_CUT = " …"


def card_key(ticket_id: int, channel: str) -> str:
    """The dedupe key of the row that posts a ticket's card in a channel."""
    return f"slack-card:{ticket_id}:{channel}"


def resolve_row(session: Session, row: ClaimedMessage, settings: Settings) -> ClaimedMessage | None:
    """The row as it is to be sent; None where there is nothing to send any more."""
    content = row.content_as(SlackContent)
    if content.card is not None:
        return _with_card(session, row, content, settings)
    if content.thread_of is None:
        return row
    thread_ts = slack_threads.thread_of(session, content.thread_of, content.channel)
    if thread_ts:
        return replace(row, content=replace(content, thread_ts=thread_ts))
    root = outbound.state_of(session, card_key(content.thread_of, content.channel))
    if root not in (OutboundState.QUEUED, OutboundState.SENDING):
        return None
    raise TransportError("the ticket's thread is not there yet", permanent=False)


def _with_card(
    session: Session, row: ClaimedMessage, content: SlackContent, settings: Settings
) -> ClaimedMessage | None:
    ticket_id = content.card or 0
    card = _card(session, ticket_id, content.channel, settings)
    update_ts = slack_threads.thread_of(session, ticket_id, content.channel)
    if card is None or (not update_ts and not content.root):
        return None
    return replace(row, content=replace(content, text=card.text, blocks=card.blocks, update_ts=update_ts or ""))


def note_posted(session: Session, row: ClaimedMessage, ts: str) -> None:
    """Remembers the thread under a card that was posted."""
    content = row.content_as(SlackContent)
    if ts and content.root and content.card is not None:
        slack_threads.add(session, content.card, content.channel, ts)


@dataclass(frozen=True, slots=True)
class _Card:
    text: str
    blocks: tuple[Block, ...]


def _card(session: Session, ticket_id: int, channel: str, settings: Settings) -> _Card | None:
    ticket = tickets.get(session, ticket_id)
    if ticket is None:
        return None
    team = next((each for each in people.all_teams(session) if each.id == ticket.team_id), None)
    if visibility.private_tickets(session, [ticket.id]):
        return _only_text(f"#{ticket.id} is not worked on here any more.")
    if ticket.merged_into is not None:
        return _only_text(f"#{ticket.id} was merged into #{ticket.merged_into}.")
    if team is None or team.slack_channel != channel:
        return _only_text(f"#{ticket.id} is with {one_line(team.name) if team else 'no team'} now.")
    return _Card(f"#{ticket.id} {one_line(ticket.subject)}", tuple(_blocks(session, ticket, settings)))


def _only_text(text: str) -> _Card:
    return _Card(text, (_section(text),))


def _blocks(session: Session, ticket: Ticket, settings: Settings) -> list[Block]:
    persons = people.by_ids(session, [i for i in (ticket.requester_id, ticket.assignee_id) if i])
    owner, requester = persons.get(ticket.assignee_id or 0), persons[ticket.requester_id]
    first = tickets.messages_of(session, ticket.id, most=1)
    words = escaped(first[0].reply or first[0].text).strip() if first else ""
    number = f"#{ticket.id}"
    if settings.public_url:
        number = f"<{settings.public_url.rstrip('/')}/tickets/{ticket.id}|{number}>"
    state = [
        f"*{str(ticket.status).replace('_', ' ').capitalize()}*",
        str(ticket.priority).capitalize(),
        one_line(ticket.category or "no category"),
        f"owner: {one_line(owner.name or owner.address) if owner else '*nobody yet*'}",
        *([f"sleeps until {ticket.snoozed_until:%Y-%m-%d %H:%M} UTC"] if ticket.snoozed_until else []),
    ]
    who = f"{cut(one_line(requester.name or requester.address), 500, _CUT)}, by {one_line(ticket.channel)}"
    blocks = [_section(f"*{number} {cut(one_line(ticket.subject), 500, _CUT)}*\nfrom {who}")]
    if words:
        blocks.append(_section(cut(words, MOST_LETTERS, _CUT)))
    context = {"type": "context", "elements": [{"type": "mrkdwn", "text": cut(" · ".join(state), MOST_LETTERS, _CUT)}]}
    return [*blocks, context, _buttons(ticket.id)]


def _buttons(number: int) -> Block:
    value = str(number)
    options = [
        {"text": {"type": "plain_text", "text": label}, "value": f"{word}:{value}"} for word, (label, _) in MORE.items()
    ]
    elements = [
        _button("Answer", Button.ANSWER, value) | {"style": "primary"},
        _button("Take", Button.TAKE, value),
        _button("Resolve", Button.RESOLVE, value),
        _button("Change", Button.CHANGE, value),
        {"type": "overflow", "action_id": str(Button.MORE), "options": options},
    ]
    return {"type": "actions", "block_id": f"ticket:{value}", "elements": elements}


def _button(text: str, action: Button, value: str) -> Block:
    label = {"type": "plain_text", "text": text}
    return {"type": "button", "text": label, "action_id": str(action), "value": value}


def _section(text: str) -> Block:
    # Verbatim: Slack finds no channels and mentions of its own in what somebody wrote.
    return {"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": True}}
