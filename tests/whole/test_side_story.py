"""A side conversation with real processes and real SMTP: a supplier is asked by mail, the requester reads nothing."""

from __future__ import annotations

from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest

from storage.mail import outbound
from storage.open_store import Store
from storage.tickets import tickets
from tests.servers.fleet import AGENT, SUPPORT, Fleet, wait_until, whole_desk
from tests.small_desk import words
from tests.whole.fixtures_town import CAROL, answer
from tests.whole.journey import messages, ticket
from usecases.tickets import side_conversations

pytestmark = [pytest.mark.services, pytest.mark.slow]
SUE, EVE = "sue@supplier.example.test", "eve@evil.example.test"


def said(desk: Fleet) -> list[str]:
    with desk.store.database.reading() as session:
        return [
            one.reply for found in side_conversations.messages_by_conversation(session, 1).values() for one in found
        ]


def caught(desk: Fleet, kind: str, count: int, to: str = "") -> EmailMessage:
    """The `count`th letter of that kind about the first ticket; waits for it."""
    found: list[bytes] = []

    def look() -> bool:
        with desk.store.database.reading() as session:
            rows = [
                row
                for row in outbound.messages_of_ticket(session, 1)
                if row["kind"] == kind and row["state"] == "caught"
            ]
            found[:] = [
                desk.store.blobs.get(session, row["raw"]) or b"" for row in rows if to in ("", row["recipient"])
            ]
        return len(found) >= count

    wait_until(look, f"there are not {count} of {kind}:\n{desk.log('worker1')[-2000:]}")
    return message_from_bytes(found[count - 1], policy=policy.default)


def post(desk: Fleet, mail: EmailMessage, sender: str) -> None:
    assert desk.send(mail.as_bytes(), sender, str(mail["To"]))


def test_a_supplier_is_asked_and_answers_and_the_requester_reads_nothing_of_it(
    any_store: Store, tmp_path: Path
) -> None:
    with whole_desk(any_store, tmp_path / "fleet") as desk:
        asked = EmailMessage()
        asked["From"], asked["To"], asked["Subject"], asked["Message-ID"] = (
            CAROL,
            SUPPORT,
            "Seal",
            "<1@home.example.test>",
        )
        asked.set_content("The coffee machine needs a new seal.")
        post(desk, asked, CAROL)
        post(desk, answer(caught(desk, "notice", 1), AGENT, f"#side {SUE}\n#hold\n\nIs a seal in stock?"), AGENT)
        letter = caught(desk, "side", 1)
        assert (
            letter["To"] == SUE and words(letter).startswith("Is a seal in stock?") and ticket(desk).status == "on_hold"
        )
        post(desk, answer(letter, f"Sue Supply <{SUE}>", "Two of them. Shall I send one?"), SUE)
        notice = caught(desk, "notice", 2)
        assert "Two of them." in words(notice) and ticket(desk).status == "open"
        post(desk, answer(notice, AGENT, "Please do."), AGENT)
        further = caught(desk, "side", 2)
        assert words(further).startswith("Please do.") and letter["Message-ID"] in further["References"]
        post(desk, answer(further, EVE, "Send it to me instead."), EVE)
        post(desk, answer(further, CAROL, "Is there any news?"), CAROL)
        desk.wait_until_settled()
        assert said(desk) == ["Is a seal in stock?", "Two of them. Shall I send one?", "Please do."]
        assert [m.reply for m in messages(desk)] == ["The coffee machine needs a new seal.", "Is there any news?"]
        assert desk.states() == {"ticketed": 2, "command": 2, "appended": 2}
        with desk.store.database.reading() as session:
            assert tickets.links_of(session, 2) == [(1, "named")]
            to_carol = [row["kind"] for row in outbound.messages_of_ticket(session, 1) if row["recipient"] == CAROL]
        assert to_carol == ["acknowledgement"]
