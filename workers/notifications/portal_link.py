"""Adds the link to the request's page in the portal to a requester's mail, in their language.

A mail with people in copy gets none: whoever has the link may answer and resolve in the requester's name.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from desk.mail.content import MailContent
from desk.mail.states import OutboundKind
from desk.portal import status_links
from desk.portal import texts as portal_texts
from desk.tickets.ticket import Ticket
from storage.db.session import Session
from storage.knowledge import csat
from storage.people.people import Person
from workers.runtime.context import Context

LINES = {
    OutboundKind.ACKNOWLEDGEMENT: "ack_line",
    OutboundKind.REPLY: "mail_line",
    OutboundKind.REMINDER: "mail_line",
    OutboundKind.RATING: "mail_line",
}


@dataclass(frozen=True, slots=True)
class Addressee:
    """Who gets a mail of which kind about which ticket."""

    kind: OutboundKind
    ticket: Ticket
    person: Person


def with_portal_link(context: Context, session: Session, to: Addressee, content: MailContent) -> MailContent:
    """The content with the link below its signature, where the addressee gets one."""
    ticket, person, store = to.ticket, to.person, context.store
    if to.kind not in LINES or content.cc or person.id != ticket.requester_id:
        return content
    version, now = person.link_version, context.now()
    link = status_links.mailed_link(store.settings, ticket.id, person.id, version, store.secret, now)
    if not link:
        return content
    # The acknowledgement is in English, without a query for the language: one leaves for every new ticket.
    language = "en" if to.kind == OutboundKind.ACKNOWLEDGEMENT else csat.language_of(session, ticket.id)
    line = portal_texts.words(language)[LINES[to.kind]].format(link=link)
    return replace(content, signature=f"{content.signature}\n\n{line}" if content.signature else line)
