"""The way that every requester goes, step by step, whatever brings the mail to the desk and takes it away again."""

from __future__ import annotations

from email.message import EmailMessage

from desk.tickets.ticket import Message, Ticket
from storage.tickets import tickets
from tests.servers.fleet import AGENT, SUPPORT, Fleet, wait_until
from tests.servers.postfix import AUTHSERV_ID
from tests.small_desk import words
from tests.whole.fixtures_town import CAROL, HOME_PEER, Town, agent_answers, answer, requester_writes

SUBJECT = "The printer on floor 3 prints blank pages"


def walk(desk: Fleet, town: Town) -> None:
    """Question, acknowledgement, agent's answer, second mail, forgeries, `#resolve`."""
    asked = requester_writes(town, SUBJECT, "Since this morning every page comes out empty. The toner is new.")
    acknowledged = town.next_mail("carol")
    _check_acknowledgement(desk, asked, acknowledged)
    notice = town.next_mail("alice")
    assert "every page comes out empty" in words(notice)
    agent_answers(town, notice, "Please take the orange strip off the new toner.")
    answered = town.next_mail("carol")
    _check_answer(asked, answered)
    second = answer(answered, f"Carol Example <{CAROL}>", "That was it, but now it prints in pink only.")
    town.post(second, CAROL, str(second["To"]), HOME_PEER)
    notice = town.next_mail("alice")
    assert "prints in pink only" in words(notice)
    assert [m.reply for m in messages(desk)][-1] == "That was it, but now it prints in pink only."
    assert ticket(desk).status == "open" and len(messages(desk)) == 3
    _check_forgeries(desk, town, notice)
    agent_answers(town, notice, "#resolve")
    done = town.next_mail("alice")
    assert "Done on ticket #1" in words(done)
    assert ticket(desk).status == "resolved" and town.unread("carol") == 0 and town.unread("alice") == 0
    assert desk.states() == {"ticketed": 1, "appended": 1, "command": 5}


def ticket(desk: Fleet, number: int = 1) -> Ticket:
    with desk.store.database.reading() as session:
        found = tickets.get(session, number)
    assert found is not None, f"there is no ticket #{number}"
    return found


def messages(desk: Fleet, number: int = 1) -> list[Message]:
    with desk.store.database.reading() as session:
        return tickets.messages_of(session, number)


def kinds(desk: Fleet, number: int = 1) -> list[str]:
    with desk.store.database.reading() as session:
        return [event.kind for event in tickets.history(session, number)]


def _check_acknowledgement(desk: Fleet, asked: EmailMessage, got: EmailMessage) -> None:
    opened = ticket(desk)
    assert opened.subject == SUBJECT and opened.category == "Hardware / Printer"
    assert got["In-Reply-To"] == asked["Message-ID"] and asked["Message-ID"] in got["References"]
    assert got["Auto-Submitted"] == "auto-replied" and got["Return-Path"] == "<>"
    assert got["Subject"] == f"Re: {SUBJECT}" and "ticket #1" in words(got)


def _check_answer(asked: EmailMessage, got: EmailMessage) -> None:
    assert got["In-Reply-To"] == asked["Message-ID"] and got["From"].addresses[0].addr_spec == SUPPORT
    assert words(got).startswith("Please take the orange strip off the new toner.")
    assert AGENT not in got.as_string() and AUTHSERV_ID not in str(got["Authentication-Results"])


def _check_forgeries(desk: Fleet, town: Town, notice: EmailMessage) -> None:
    """All have the genuine reply address; each lacks the proof. They are kept, the agent is told, nothing is done."""
    pretended = {"Authentication-Results": f"{AUTHSERV_ID}; dmarc=pass header.from=corp.example.test"}
    agent_answers(town, notice, "#close\nYour account is closed, says the first forger.", peer=HOME_PEER)
    for sender in ("eve@evil.example.test", AGENT):
        forged = answer(notice, f"Alice Agent <{AGENT}>", f"#close\nSo says a forger by {sender}.", pretended)
        town.post(forged, sender, str(forged["To"]), HOME_PEER)
    wait_until(lambda: kinds(desk).count("unverified_note") == 3, "the forged mails are not shown")
    told = [words(town.next_mail("alice")) for _ in range(6)]
    assert sum("not executed" in text.splitlines()[0] for text in told) == 6, told
    assert ticket(desk).status == "open" and town.unread("carol") == 0
