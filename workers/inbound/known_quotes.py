"""Removes from a mail's reply what the ticket has already: the requester's words, our replies, the notice to an agent.

One query serves all requesters of a batch; a mail with a line or two of new text needs none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from desk.channels import traits_of
from desk.mail.inbound_request import AutoKind, InboundRequest
from desk.mail.known_quotes import MIN_STRONG, without_known_quotes
from desk.tickets import subject
from desk.tickets.ticket import Ticket
from storage.db.session import Session
from storage.mail import outbound
from storage.tickets import tickets
from workers.inbound.match import Decision
from workers.notifications import texts
from workers.runtime.context import Context

MOST_MESSAGES = 8
MOST_CHARACTERS = 8_000
"""So many messages of each ticket are compared, and so many characters of each."""


def find_known_quotes(context: Context, session: Session, decisions: Sequence[Decision]) -> dict[int, dict[str, Any]]:
    """By inbound id: `reply` and `cut` of the messages that repeat something."""
    wanted = [(d, ticket) for d in decisions if (ticket := _ticket(d)) and _may_repeat(d.item.request)]
    if not wanted:
        return {}
    earlier_texts = tickets.recent_public_messages(
        session, {ticket.id for _, ticket in wanted}, MOST_MESSAGES, MOST_CHARACTERS
    )
    desk_name = context.store.settings.desk_name
    signatures = [box.signature for box in context.configuration(session).mailboxes.values()]
    addresses = frozenset(context.configuration(session).mailboxes)
    cut_replies: dict[int, dict[str, Any]] = {}
    for decision, ticket in wanted:
        request = decision.item.request
        ours = [text.replace("{desk}", desk_name) for by_agent, text in earlier_texts.get(ticket.id, ()) if by_agent]
        ours += [texts.acknowledgement(ticket, desk_name), *signatures]
        theirs = [text for by_agent, text in earlier_texts.get(ticket.id, ()) if not by_agent]
        reply, cut = without_known_quotes(request.reply, request.cut, ours, theirs, addresses)
        if reply != request.reply:
            cut_replies[decision.item.inbound_id] = {
                "reply": reply,
                "cut": cut,
            }
    return cut_replies


def without_quoted_notice(context: Context, session: Session, decision: Decision, ticket: Ticket) -> Decision:
    """An agent's mail without the notice that it answers, which only agents may read."""
    request = decision.item.request
    notices = outbound.texts_to(session, ticket.id, decision.item.sender, MOST_MESSAGES)
    addresses = frozenset(context.configuration(session).mailboxes)
    reply, cut = without_known_quotes(request.reply, request.cut, notices, (), addresses)
    return replace(decision, item=replace(decision.item, request=replace(request, reply=reply, cut=cut)))


def _ticket(decision: Decision) -> Ticket | None:
    """The ticket that a mail was appended to, if it was there before this batch."""
    target = decision.target
    public = decision.state == "appended" and decision.side is None
    return target.ticket if public and target and target.opener is None else None


def _may_repeat(request: InboundRequest) -> bool:
    """A person's mail with lines enough to repeat something; one that was passed on is kept whole."""
    if not traits_of(request.channel).is_mail or request.auto is not AutoKind.NONE:
        return False
    if request.forwarded and subject.is_forward(request.subject) and not request.thread.in_reply_to:
        return False
    long_ones = (line for line in request.reply.split("\n") if len(line) >= MIN_STRONG)
    return next(long_ones, None) is not None and next(long_ones, None) is not None
