"""What a mail that was not delivered does to its ticket.

It takes the ticket as it is and the failure, and returns the change. An answer that never reached the requester
brings the ticket back: flagged, and open if it waited for the requester or was done. A copy, a notice or an
acknowledgement that failed stands in the history and moves nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from desk.mail.states import OutboundKind
from desk.tickets import transitions
from desk.tickets.event_data import NonDelivery
from desk.tickets.events import EventKind
from desk.tickets.ticket import DESK, DONE, Change, Event, Status, Ticket


class How(StrEnum):
    """The kind of event that tells of it."""

    REFUSED = EventKind.UNDELIVERABLE
    RETURNED = EventKind.DELIVERY_FAILED
    DELAYED = EventKind.DELIVERY_DELAYED


@dataclass(frozen=True, slots=True)
class Failure:
    """One recipient whom one mail did not reach. `kind` is the mail's, `reply_id` the message that it carried."""

    how: How
    kind: OutboundKind
    address: str
    why: str
    reply_id: int | None = None
    side_id: int = 0
    reply_at: datetime | None = None
    """When that message was written."""
    event_message_id: int | None = None
    """The message beside which the history shows it: the reply, or the report that came."""


def failed(ticket: Ticket, failure: Failure, at: datetime) -> Change:
    """The event, and the ticket brought back where the requester did not get an answer."""
    brings_back = failure.kind == OutboundKind.REPLY and failure.how is not How.DELAYED and ticket.merged_into is None
    data = NonDelivery(recipient=str(failure.kind), side=failure.side_id)
    # While the flag stands no further failure opens it again: a rule that answers by itself would go round for ever.
    first = brings_back and ticket.undelivered_at is None
    if first:
        # An answer that arrived nowhere was no response: the next one is the first.
        no_response = failure.reply_at is not None and failure.reply_at == ticket.first_response_at
        data = replace(data, flagged=True, reply=failure.reply_id, first_response=no_response)
    event = Event(
        ticket.id, at, EventKind(failure.how), DESK, "", failure.address, failure.why, data, failure.event_message_id
    )
    if not first:
        return Change(ticket, (event,))
    responded = None if data.first_response else ticket.first_response_at
    change = Change(replace(ticket, updated_at=at, undelivered_at=at, first_response_at=responded), (event,))
    if ticket.status in DONE or ticket.status is Status.PENDING:
        return change.then(
            transitions.reopen(change.ticket, DESK, at, f"the answer to {failure.address} was not delivered")
        )
    return change
