"""The line below a requester's mail that leads to the page of their request, in their language.

In: a letter's content on its way into the ledger. Out: its signature with that line. A mail that others get in copy has
none: whoever has the link may answer and resolve in the requester's name.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from desk.portal import status_links
from desk.portal import texts as portal_texts
from desk.tickets.ticket import Ticket
from storage.db.session import Session
from storage.knowledge import csat
from storage.open_store import Store
from storage.people.people import Person

LINES = {"acknowledgement": "ack_line", "reply": "mail_line", "reminder": "mail_line", "rating": "mail_line"}


def below(
    store: Store, session: Session, kind: str, ticket: Ticket, person: Person, content: Mapping[str, Any], now: datetime
) -> dict[str, Any]:
    """What changes in the content."""
    if kind not in LINES or content.get("cc") or person.id != ticket.requester_id:
        return {}
    link = status_links.mailed_link(store.settings, ticket.id, person.id, person.link_version, store.secret, now)
    if not link:
        return {}
    # The acknowledgement is in English, and looks for nothing: one leaves for every new ticket.
    spoken = "en" if kind == "acknowledgement" else csat.language_of(session, ticket.id)
    line = portal_texts.words(spoken)[LINES[kind]].format(link=link)
    signature = str(content.get("signature", ""))
    return {"signature": f"{signature}\n\n{line}" if signature else line}
