"""What a requester does on the page of a request: reply, with files, or mark it as solved.

A reply is an inbound request like a mail to the signed reply address of that requester and ticket: it goes through the
intake, and the worker appends it by the same rules.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import structlog
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from desk.channels import Channel
from desk.mail.inbound_request import Envelope
from desk.signed.reply_address import REQUESTER, ReplyRight, reply_address
from desk.tickets.ticket import NotAllowed
from gateway.intake import Incoming
from gateway.web.body import Posted
from gateway.web.portal import view
from gateway.web.portal.access import Portal, PortalRefused, RequestAccess, authorize
from gateway.web.portal.endpoints import LONGEST
from gateway.web.submission import File, Submission, Way, incoming
from storage.db.session import Session
from storage.people import people
from storage.runtime.idempotency import KeyReused
from storage.tickets.tickets import Stale
from usecases.tickets import requester_view

log = structlog.get_logger()

SOURCE = "portal"


def answer(portal: Portal, request: Request, posted: Posted) -> Response:
    """Stores the reply before the page confirms it; a refused one is shown again as typed."""
    with portal.context.reachable(), portal.store.database.reading() as session:
        access = authorize(portal, session, request)
        to = _reply_address(portal, session, access)
    if not access.seen.answers:
        raise PortalRefused(403, "not_yours")
    key = portal.key(posted.texts.get("token", ""), access.secret)
    text = _text(posted)
    _wait(portal, request, access)
    now = portal.context.clock()
    way = Way(Channel.WEB, SOURCE, key, portal.context.came_from(request))
    made = _incoming(access, text, posted.files(), way, to, now)
    try:
        inbound_id = portal.context.accept(made, f"{SOURCE}:{key}", now)
    except KeyReused:
        raise PortalRefused(422, "used", again=True) from None
    log.info("status_page_answered", inbound_id=inbound_id, ticket_id=access.seen.ticket.id)
    return RedirectResponse(f"{access.base}?sent={inbound_id}#note", 303, headers=dict(view.HEADERS))


def solved(portal: Portal, request: Request, posted: Posted) -> Response:
    """Resolves the ticket as the requester."""
    try:
        with portal.context.reachable(), portal.store.database.transaction() as session:
            access = authorize(portal, session, request)
            portal.key(posted.texts.get("token", ""), access.secret)
            if not access.seen.owns:
                raise PortalRefused(403, "not_yours")
            _wait(portal, request, access)
            requester_view.solve(session, access.seen, portal.context.clock())
    except NotAllowed:
        raise PortalRefused(409, "done", again=True) from None
    except Stale:
        raise PortalRefused(409, "token", again=True) from None
    log.info("status_page_solved", ticket_id=access.seen.ticket.id)
    return RedirectResponse(f"{access.base}?solved=1#note", 303, headers=dict(view.HEADERS))


def _text(posted: Posted) -> str:
    text = posted.texts.get("text", "").replace("\r\n", "\n").strip("\n").rstrip()
    if not text.strip() and not posted.uploads:
        raise PortalRefused(422, "empty", again=True)
    if len(text) > LONGEST:
        raise PortalRefused(422, "long", again=True)
    return text


def _wait(portal: Portal, request: Request, access: RequestAccess) -> None:
    now = portal.context.clock()
    wait = portal.answers_by_peer.take(portal.peer(request), now)
    wait = wait or portal.answers_by_person.take(str(access.seen.person.id), now)
    if wait:
        raise PortalRefused(429, "often", wait, again=True)


def _incoming(access: RequestAccess, text: str, files: Sequence[File], way: Way, to: str, now: datetime) -> Incoming:
    """The same as a form's request, but delivered to the reply address, which proves who answers on what."""
    seen, person = access.seen, access.seen.person
    typed = Submission(person.name, person.address, seen.subject, text)
    made = incoming(typed, files, replace(way, key=f"{person.id}.{way.key}"), now)
    # Two answers may say the same: only the same form sent twice is one.
    digest = hashlib.sha256(f"{way.key}.{seen.ticket.id}.{made.request.content_hash}".encode()).hexdigest()
    envelope = Envelope(person.address, (to,), way.peer)
    fields = (("verified", "status link"),)
    return replace(made, request=replace(made.request, content_hash=digest, envelope=envelope, fields=fields))


def _reply_address(portal: Portal, session: Session, access: RequestAccess) -> str:
    ticket, boxes = access.seen.ticket, people.all_mailboxes(session)
    own = next((box.address for box in boxes if box.id == ticket.mailbox_id), None)
    box = own or (boxes[0].address if boxes else f"support@{portal.settings.mail_domain or 'localhost'}")
    person = people.by_ids(session, [access.seen.person.id])[access.seen.person.id]
    secret, now = portal.store.secret, portal.context.clock()
    return reply_address(box, ReplyRight(REQUESTER, ticket.id, person.id, person.key_version), secret, now)
