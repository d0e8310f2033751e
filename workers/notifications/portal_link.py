"""Adds the link to the request's page in the portal to a requester's mail, in their language.

A mail with people in copy gets none: whoever has the link may answer and resolve in the requester's name.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from desk.mail.states import OutboundKind
from desk.portal import status_links
from desk.portal import texts as portal_texts
from desk.tickets.ticket import Ticket
from storage.db.session import Session
from storage.knowledge import csat
from storage.open_store import Store
from storage.people.people import Person

LINES = {
    OutboundKind.ACKNOWLEDGEMENT: "ack_line",
    OutboundKind.REPLY: "mail_line",
    OutboundKind.REMINDER: "mail_line",
    OutboundKind.RATING: "mail_line",
}


def with_portal_link(
    store: Store,
    session: Session,
    kind: OutboundKind,
    ticket: Ticket,
    person: Person,
    content: Mapping[str, Any],
    now: datetime,
) -> dict[str, Any]:
    """The changed part of the content."""
    if kind not in LINES or content.get("cc") or person.id != ticket.requester_id:
        return {}
    link = status_links.mailed_link(store.settings, ticket.id, person.id, person.link_version, store.secret, now)
    if not link:
        return {}
    # The acknowledgement is in English, without a query for the language: one leaves for every new ticket.
    spoken = "en" if kind == OutboundKind.ACKNOWLEDGEMENT else csat.language_of(session, ticket.id)
    line = portal_texts.words(spoken)[LINES[kind]].format(link=link)
    signature = str(content.get("signature", ""))
    return {"signature": f"{signature}\n\n{line}" if signature else line}
