"""The texts of the desk's mails, as plain text."""

from __future__ import annotations

import re
from datetime import tzinfo

from desk.access.permissions import Role, Verb, may
from desk.mail.authentication import Verdict
from desk.mail.content import Quote
from desk.portal import texts as portal_texts
from desk.tickets.event_data import AgentNamed, NonDelivery, Received
from desk.tickets.events import EventKind
from desk.tickets.ticket import Event, Message, Ticket

MOST_QUOTED = 200
"""Lines of the requester's last message that are quoted under a reply."""

_NAMED = re.compile(r"\{(?:agent|desk)\}")


def acknowledgement(ticket: Ticket, desk_name: str) -> str:
    """The text of the first automatic mail."""
    return (
        f"Thank you for your message. It is ticket #{ticket.id}, and a person will read it.\n\n"
        "If you want to add anything, simply answer this mail.\n\n"
        f"{desk_name}"
    ).strip()


def reminder(ticket: Ticket, days: int, language: str) -> str:
    """Asks the requester once more, in a language of theirs; `days` are left until the ticket is resolved."""
    texts = portal_texts.words(language)
    left = texts["reminder.day"] if days == 1 else texts["reminder.days"].format(count=days)
    return texts["reminder.text"].format(number=ticket.id, left=left)


def quote(asked: Message, zone: tzinfo) -> Quote:
    """The requester's last message, as it is quoted below a reply. Notes are never quoted."""
    when = (asked.sent_at or asked.created_at).astimezone(zone).strftime("%Y-%m-%d %H:%M %Z").strip()
    lines = asked.reply.strip("\n").rstrip().split("\n")
    kept = [*lines[:MOST_QUOTED], "…"] if len(lines) > MOST_QUOTED else lines
    return Quote(f"On {when}, {asked.author.name} wrote:", "\n".join(kept))


def signature(template: str, agent: str, desk_name: str) -> str:
    """A mailbox's signature; `{agent}` is who answers, `{desk}` the desk's name, and nothing else is replaced."""
    named = {"{agent}": agent, "{desk}": desk_name}
    return _NAMED.sub(lambda match: named[match[0]], template).strip()


_HAPPENED = {
    EventKind.OPENED: "New ticket",
    EventKind.MENTIONED: "You are called in a note",
    EventKind.NOTED: "A new note",
    EventKind.REPLIED: "The requester was answered",
    EventKind.REQUESTER_REPLIED: "New reply from the requester",
    EventKind.ASSIGNED: "This ticket is now yours",
    EventKind.WOKEN: "A ticket that you had put aside is back",
    EventKind.DELIVERY_FAILED: "A mail to the requester came back",
    EventKind.UNDELIVERABLE: "A mail to the requester could not be delivered",
    EventKind.UNVERIFIED_NOTE: "A mail in your name was kept as a note, not executed",
    EventKind.NOT_PERMITTED: "An agent's words were kept as a note: the role does not allow more",
    EventKind.ALIAS_SEEN: "A mail to your signed address was kept, and not sent",
    EventKind.OPENED_ANYWAY: "An admin who is not in your team opened this private ticket",
    EventKind.REOPENED: "The ticket is open again",
    EventKind.RATED: "A requester is not content",
    EventKind.NOTICE_ASKED: "A rule asks you to look",
    EventKind.SLA_WARNED: "A due time is near",
    EventKind.SLA_BREACHED: "A due time is over",
    EventKind.UNROUTABLE: "No agent is available for this ticket",
    EventKind.UNROUTABLE_ESCALATED: "Still no agent for this ticket",
    EventKind.SIDE_ANSWERED: "An answer in a side conversation",
}
_ASIDE = {
    EventKind.DELIVERY_FAILED: "A mail in a side conversation came back",
    EventKind.UNDELIVERABLE: "A mail in a side conversation could not be delivered",
}

_COPY = {
    EventKind.DELIVERY_FAILED: "A copy of an answer came back",
    EventKind.UNDELIVERABLE: "A copy of an answer could not be delivered",
}


_COMMANDS = (
    "#note, #assign me, #resolve, #close, #status, #priority, #category, #team, #tag, #macro, #copy, #merge, #help"
)


def notice(
    ticket: Ticket, event: Event, message: Message | None, role: str = Role.AGENT, *, takes_commands: bool = True
) -> str:
    """The text of a notice to an agent with this role; `takes_commands`: whether the desk takes commands by mail."""
    copied = event.data_as(NonDelivery).recipient == "copy"
    words = _HAPPENED | (_ASIDE if event.data.side else _COPY if copied else {})
    head = [
        f"{words.get(event.kind, event.kind)}: #{ticket.id} {ticket.subject}",
        f"Status {ticket.status}, priority {ticket.priority}, category {ticket.category or 'needs a human'}",
    ]
    if event.why and event.kind not in (EventKind.OPENED, EventKind.REQUESTER_REPLIED):
        head.append(f"Why: {event.why}")
    if message is not None:
        head += ["", f"{message.author.name} <{message.author_address}> wrote:", "", message.reply.rstrip()]
    head += _of_sender(event, message)
    return "\n".join([*head, "", "-- ", *_how_to_answer(event, role, takes_commands=takes_commands), ""])


def _how_to_answer(event: Event, role: str, *, takes_commands: bool) -> list[str]:
    """Only what will work: by the agent's role, and by whether a mail server confirms senders."""
    if not may(role, Verb.NOTE):
        return ["Your role may only read: an answer to this mail does nothing."]
    if not may(role, Verb.REPLY):
        return ["Answer this mail to write an internal note; the requester does not read it."]
    if event.kind == EventKind.SIDE_ANSWERED:
        private = f"Answer this mail to answer {event.after}; the requester does not read it."
        more = ["With #reply on the first line it goes to the requester instead. Other commands:", _COMMANDS]
        return [private, *more] if takes_commands else [private]
    if not takes_commands:
        return ["Answer this mail to answer the requester. Everything else is done in the console."]
    return ["Answer this mail to answer the requester. Commands may stand on the first lines:", _COMMANDS]


def _of_sender(event: Event, message: Message | None) -> list[str]:
    """What an agent should know of who wrote: not verified, new here, perhaps the agent under another address."""
    lines = []
    if event.kind == EventKind.ALIAS_SEEN:
        lines = [
            f"It came from {event.before}, which is not known as an address of yours. The requester did not get it."
        ]
        if event.data_as(AgentNamed).offered:
            lines += [
                f"If {event.before} is yours, confirm it: answer with `#alias {event.before}` on the first line,",
                "or on the page of your account. From then on you can answer from there as well.",
            ]
    elif message is not None and message.trust.verdict is Verdict.FAIL:
        lines = [
            "Our mail server could not verify the sender: the mail is forged, or was changed or sent on on its way."
        ]
    if event.data_as(Received).confirmed:
        lines += ["The requester says that it works. If there is still something to do: #reopen"]
    newcomers = event.data.newcomers
    if newcomers:
        # Whoever is new in a side conversation is added in the console.
        command = "" if event.data.side else "#copy "
        there = "; these lines put them there:" if command else ":"
        lines += [f"New in this conversation, and not in copy of answers{there}"]
        lines += [f"  {command}{each}" for each in newcomers]
    return ["", *lines] if lines else []


def incident(number: int, about: str, why: str, count: int, public_url: str) -> str:
    """What a lead reads when many write about the same thing."""
    page = (
        f"{public_url.rstrip('/')}/incidents/{number}" if public_url else f"Incidents, number {number}, in the console"
    )
    return "\n".join(
        [
            f"Incident {number}: {about}",
            "",
            f"{why[:1].upper()}{why[1:]}.",
            f"{count} tickets belong to it and are urgent now.",
            "",
            f"Answer or resolve all of them at once, or say that it is a false alarm: {page}",
            "",
            "An answer to this mail reaches no requester. You hear of this incident only once.",
            "",
        ]
    )
