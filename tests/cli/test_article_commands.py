"""`frontdesk article`: the list, one, and the way to another desk and back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import frontdesk
from console.knowledge import articles as drafting
from desk.tickets import transitions
from desk.tickets.ticket import DESK, Actor, ActorKind, NotAllowed
from storage.knowledge.articles import Article
from storage.open_store import Store
from storage.tickets import tickets
from tests.small_desk import BOB, SmallDesk
from usecases.tickets import conversation
from usecases.tickets.conversation import Written


@pytest.fixture
def desk(store: Store, monkeypatch: pytest.MonkeyPatch) -> SmallDesk:
    """Ticket 1 is solved, ticket 2 is not."""
    monkeypatch.setenv("FRONTDESK_DATA_DIR", store.settings.data_dir)
    monkeypatch.setenv("FRONTDESK_SECRET_KEY", store.settings.secret_key)
    made = SmallDesk(store, delivers=False)
    words = "My token for the network has expired. Please call 030 1234567."
    made.receive(made.mail(f"Bob Builder <{BOB}>", "VPN token", words), made.mail(BOB, "Other", "What about this one?"))
    with store.database.transaction() as session:
        ticket = tickets.get(session, 1, lock=True)
        assert ticket is not None
        actor = Actor(ActorKind.AGENT, made.alice.id, "Alice Agent")
        replied = conversation.reply(
            session, ticket, Written(actor, "Press renew in Kestrel.", made.now, via="console")
        )
        tickets.save(session, transitions.resolve(replied, actor, made.now))
    return made


def said(capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    assert frontdesk.main(["article", *words, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def draft(desk: SmallDesk, number: int) -> Article:
    with desk.store.database.transaction() as session:
        ticket = tickets.get(session, number, lock=True)
        assert ticket
        return drafting.add_draft(session, ticket, DESK, desk.now)


def test_what_a_draft_takes_out_is_named(desk: SmallDesk) -> None:
    with desk.store.database.reading() as session:
        ticket = tickets.get(session, 1)
        assert ticket
        assert ("number", "030 1234567") in drafting.drafted_from(session, ticket).removed
        other = tickets.get(session, 2)
        assert other
        with pytest.raises(NotAllowed, match="nothing says what solved #2"):
            drafting.drafted_from(session, other)


def test_articles_are_listed_and_shown(desk: SmallDesk, capsys: pytest.CaptureFixture[str]) -> None:
    assert said(capsys, "list") == []
    draft(desk, 1)
    (row,) = said(capsys, "list", "--search", "kestrel renew")
    assert (row["state"], row["used"]) == ("draft", 0)
    assert said(capsys, "list", "--state", "published") == []
    shown = said(capsys, "show", "1")
    assert shown["tickets"] == [1] and len(shown["versions"]) == 1 and "Bob" not in shown["text"]
    assert frontdesk.main(["article", "show", "1"]) == 0 and "Press renew" in capsys.readouterr().out


def test_what_cannot_be_done_says_why(desk: SmallDesk, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert frontdesk.main(["article", "show", "1"]) == 1
    assert "there is no article 1" in capsys.readouterr().err
    wrong = tmp_path / "wrong.json"
    for text in (
        "{",
        '[{"title": ""}]',
        '[{"title": "a", "colour": "red"}]',
        "[7]",
        '[{"title": "a", "state": "new"}]',
    ):
        wrong.write_text(text)
        assert frontdesk.main(["article", "import", str(wrong)]) == 65


def test_taking_out_and_in_again_changes_nothing(
    desk: SmallDesk, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    draft(desk, 1)
    file = tmp_path / "articles.json"
    assert frontdesk.main(["article", "export", str(file)]) == 0
    capsys.readouterr()
    assert said(capsys, "import", str(file)) == {"new": 0, "changed": 0, "same": 1}
    (one,) = json.loads(file.read_text())
    changed = [
        one | {"text": "Press it twice."},
        {"title": "Parking", "text": "Behind the house.", "state": "published"},
    ]
    file.write_text(json.dumps(changed))
    assert said(capsys, "import", str(file), "--dry-run") == {"new": 1, "changed": 1, "same": 0}
    assert said(capsys, "import", str(file)) == {"new": 1, "changed": 1, "same": 0}
    assert said(capsys, "import", str(file)) == {"new": 0, "changed": 0, "same": 2}
    assert said(capsys, "show", "1")["version"] == 2
