"""The mail with the sign-in link to all requests of an address: at most one in ten minutes, and only if there are any.

It is in the language of the browser. Its Message-ID is none of our signed ones, so an answer to it belongs to no
ticket.
"""

from __future__ import annotations

import hashlib
from datetime import datetime

import structlog

from desk.mail.author import is_unattended
from desk.mail.content import MailContent
from desk.mail.states import OutboundKind
from desk.portal import status_links
from desk.portal.status_links import ENTRY_FOR
from desk.portal.texts import Words
from storage.db.session import Session
from storage.mail import outbound
from storage.mail.outbound_message import OutboundMessage
from storage.open_store import Store
from storage.people import people
from usecases.tickets import requester_view
from usecases.tickets.requester_view import Requester

log = structlog.get_logger()

KIND = OutboundKind.REQUESTS_LINK
_AGAIN_SECONDS = 600


def is_known(session: Session, address: str) -> bool:
    return people.by_address(session, address) is not None


def send_link(store: Store, address: str, texts: Words, now: datetime) -> None:
    """Stores the mail, if this address belongs to a requester who has requests."""
    with store.database.reading() as session:
        found = people.by_address(session, address)
        person = requester_view.requester(session, found.id) if found else None
        if person is None or is_unattended(address) or not requester_view.has_requests(session, person):
            log.info("requests_link_not_mailed")
            return
        boxes = people.all_mailboxes(session)
    sender = boxes[0].address if boxes else f"support@{store.settings.mail_domain or 'localhost'}"
    if address in {box.address for box in boxes}:
        return
    with store.database.transaction() as session:
        outbound.store(session, [_mail(store, person, sender, texts, now)], now)
    log.info("requests_link_mailed", person_id=person.id)


def _mail(store: Store, person: Requester, sender: str, texts: Words, now: datetime) -> OutboundMessage:
    key = f"{KIND}:{person.id}:{int(now.timestamp()) // _AGAIN_SECONDS}"
    unique = hashlib.sha256(key.encode() + store.secret).hexdigest()[:20]
    token = status_links.entry_token(person.id, person.link_version, store.secret, now)
    link = f"{store.settings.public_url.rstrip('/')}/my/open/{token}"
    content = MailContent(
        mailbox=sender,
        from_name=store.settings.desk_name,
        to=person.address,
        to_name=person.name,
        reply_to=sender,
        subject=texts["mail_subject"],
        text=texts["mail_text"].format(minutes=int(ENTRY_FOR.total_seconds()) // 60, link=link),
        signature=store.settings.desk_name,
        automatic=True,
    )
    return OutboundMessage(key, KIND, person.address, f"requests.{unique}@{sender.rpartition('@')[2]}", content)
