"""The words of the desk's mails. Plain text; to change how a mail reads, change it here."""

from __future__ import annotations

from desk import subject
from desk.ticket import Event, Message, Ticket

MOST_QUOTED = 200
"""Lines of the requester's last message that are quoted under a reply."""


def acknowledgement(ticket: Ticket, desk_name: str) -> dict[str, str]:
    """Subject and text of the first automatic mail."""
    plain = subject.base(ticket.subject) or ticket.subject
    text = (
        f"Thank you for your message. It is ticket #{ticket.id}, and a person will read it.\n\n"
        "If you want to add anything, simply answer this mail.\n\n"
        f"{desk_name}\n"
    )
    return {"subject": f"Re: {plain} {subject.tag(ticket.id)}", "text": text}


def reply(message: Message, asked: Message | None) -> str:
    """An agent's words, then the requester's last ones as a quote. Notes are never quoted."""
    if asked is None or not asked.reply.strip():
        return message.reply.rstrip() + "\n"
    when = (asked.sent_at or asked.created_at).strftime("%Y-%m-%d %H:%M %Z").strip()
    lines = asked.reply.rstrip().split("\n")
    quoted = [f"> {line}".rstrip() for line in lines[:MOST_QUOTED]] + (["> …"] if len(lines) > MOST_QUOTED else [])
    return "\n".join([message.reply.rstrip(), "", f"On {when}, {asked.author.name} wrote:", *quoted, ""])


_HAPPENED = {
    "opened": "New ticket",
    "requester_replied": "New reply from the requester",
    "assigned": "This ticket is now yours",
    "delivery_failed": "A mail to the requester came back",
    "undeliverable": "A mail to the requester could not be delivered",
    "unverified_note": "A mail in your name was kept, not obeyed",
    "reopened": "The ticket is open again",
}


def notice(ticket: Ticket, event: Event, message: Message | None) -> str:
    """What an agent reads in the mailbox."""
    head = [
        f"{_HAPPENED.get(event.kind, event.kind)}: #{ticket.id} {ticket.subject}",
        f"Status {ticket.status}, priority {ticket.priority}, category {ticket.category or 'needs a human'}",
    ]
    if event.why and event.kind not in ("opened", "requester_replied"):
        head.append(f"Why: {event.why}")
    if message is not None:
        head += ["", f"{message.author.name} <{message.author_address}> wrote:", "", message.reply.rstrip()]
    foot = [
        "",
        "-- ",
        "Answer this mail to answer the requester. Commands may stand on the first lines:",
        "#note, #assign me, #resolve, #close, #status, #priority, #category, #team, #tag, #merge, #help",
    ]
    return "\n".join([*head, *foot, ""])
