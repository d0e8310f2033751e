"""The command's words: what they print for people and for programs, and how they refuse."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

import frontdesk
from desk.channels import Channel
from desk.config.desk_toml import BadConfiguration
from desk.mail.inbound_request import InboundRequest, Party, to_json
from desk.mail.states import END_STATES, InboundState
from storage.mail import inbound
from storage.mail.inbound import Arrival
from storage.open_store import Store
from storage.runtime import failures, logging_setup
from tests.cli.configured import configure
from tests.small_desk import ALICE, BOB, SmallDesk
from workers.events import dispatch
from workers.inbound import ingest
from workers.outbound import deliver
from workers.runtime.context import open_context

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
Say = Callable[..., Any]


@pytest.fixture
def quiet(monkeypatch: pytest.MonkeyPatch, store: Store) -> Store:
    """The command works on this record; the log of the test process stays as it is."""
    monkeypatch.setattr(logging_setup, "configure_logging", lambda _settings: None)
    monkeypatch.setenv("FRONTDESK_DATA_DIR", store.settings.data_dir)
    monkeypatch.setenv("FRONTDESK_SECRET_KEY", store.settings.secret_key)
    monkeypatch.setenv("FRONTDESK_MAIL_DOMAIN", "desk.example.test")
    return store


@pytest.fixture
def say(quiet: Store, capsys: pytest.CaptureFixture[str]) -> Say:
    """One command with --json; returns its answer."""

    def answer(*words: str) -> Any:
        capsys.readouterr()
        assert frontdesk.main([*words, "--json"]) == 0, capsys.readouterr().err
        return json.loads(capsys.readouterr().out)

    return answer


@pytest.fixture
def begun(say: Say) -> Any:
    return say("init")


def arrive(store: Store, subject: str, *, to: str = "support@desk.example.test") -> None:
    """One mail the whole way from the ledger to its letters, without a queue."""
    request = InboundRequest(
        channel=Channel.EMAIL,
        source=to,
        external_id=f"{subject}@example.test",
        content_hash=f"hash of {subject}",
        received_at=NOW,
        sender=Party("ada@example.test", "Ada"),
        subject=subject,
        text="The printer in room 4 is jammed.",
        reply="The printer in room 4 is jammed.",
        to=(Party(to),),
    )
    arrival = Arrival("email", to, request.external_id, request.content_hash, NOW, to_json(request))
    with store.database.transaction() as session:
        inbound.store(session, [arrival])
    context = open_context(store)
    ingest.drain(context)
    dispatch.drain(context)


def test_init_twice_changes_nothing_and_shows_no_password_again(begun: Any, say: Say) -> None:
    again = say("init")
    assert begun["password"] and not again["password"]
    assert begun["mailboxes"] == again["mailboxes"] == ["support@desk.example.test"]


def test_commands_on_a_folder_without_a_desk_say_what_to_do(
    quiet: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert frontdesk.main(["ledger", "--data", str(tmp_path / "elsewhere")]) == 1
    assert "frontdesk init" in capsys.readouterr().err
    assert not (tmp_path / "elsewhere").exists()


def test_a_database_that_is_away_is_one_sentence_without_its_password(
    quiet: Store, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FRONTDESK_DATABASE_URL", "postgresql://desk:hunter2@127.0.0.1:1/desk")
    assert frontdesk.main(["ledger"]) == 69
    complaint = capsys.readouterr().err
    assert complaint.count("\n") == 1
    assert "hunter2" not in complaint


def test_an_empty_ledger_adds_up(begun: Any, say: Say) -> None:
    found = say("ledger")
    assert found["accepted"] == found["unsettled"] == found["oldest_unsettled_seconds"] == 0
    assert set(found["states"]) == set(END_STATES)
    assert found["outbound"] == {}


def test_the_ledger_counts_what_was_accepted_and_what_waits(begun: Any, say: Say, store: Store) -> None:
    arrive(store, "one")
    with store.database.transaction() as session:
        inbound.store(session, [Arrival("email", "support@x", "2", "h2", NOW, "{}")])
    found = say("ledger")
    assert (found["accepted"], found["states"]["ticketed"], found["unsettled"]) == (2, 1, 1)
    assert found["oldest_unsettled_seconds"] > 0
    assert found["outbound"]["queued"] == 2


def test_a_ticket_is_shown_with_everything_that_was_decided(begun: Any, say: Say, store: Store) -> None:
    arrive(store, "Printer jam")
    (row,) = say("ticket", "list")
    assert (row["id"], row["status"], row["requester"], row["team"]) == (1, "new", "ada@example.test", "Support")
    whole = say("ticket", "show", "1")
    assert [message["signal"] for message in whole["messages"]] == ["new"]
    assert "opened" in [event["kind"] for event in whole["events"]]
    assert {letter["kind"] for letter in whole["outbound"]} == {"acknowledgement", "notice"}
    assert 0 < whole["prediction"]["probability"] <= 1
    assert whole["prediction"]["reasons"] and whole["prediction"]["runners_up"]


def test_the_same_for_people(begun: Any, quiet: Store, capsys: pytest.CaptureFixture[str]) -> None:
    arrive(quiet, "Printer jam")
    assert frontdesk.main(["ticket", "list"]) == frontdesk.main(["ticket", "show", "1"]) == 0
    shown = capsys.readouterr().out
    assert "#1  Printer jam" in shown
    assert "why this category" in shown
    assert frontdesk.main(["ledger"]) == frontdesk.main(["quarantine", "list"]) == 0


def test_a_terminal_gets_no_control_characters(begun: Any, quiet: Store, capsys: pytest.CaptureFixture[str]) -> None:
    with quiet.database.transaction() as session:
        arrival = Arrival("email", "a\x1b]0;owned\x07", "1", "h", NOW, quarantine="odd \x1b[31m thing")
        inbound.store(session, [arrival])
    assert frontdesk.main(["quarantine", "list"]) == frontdesk.main(["quarantine", "show", "1"]) == 0
    assert "\x1b" not in capsys.readouterr().out


def test_tickets_are_filtered_by_status(begun: Any, say: Say, store: Store) -> None:
    arrive(store, "one")
    assert len(say("ticket", "list", "--status", "new")) == 1
    assert say("ticket", "list", "--status", "on-hold") == []


def test_merge_and_a_ticket_that_is_not_there(
    begun: Any, say: Say, store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    arrive(store, "one")
    arrive(store, "two")
    say("ticket", "merge", "2", "1")
    assert say("ticket", "show", "2")["merged_into"] == 1
    assert len(say("ticket", "show", "1")["messages"]) == 2
    assert frontdesk.main(["ticket", "merge", "2", "1"]) == 1
    assert "merged" in capsys.readouterr().err


def test_split_makes_a_message_a_ticket(begun: Any, say: Say, store: Store) -> None:
    arrive(store, "one")
    arrive(store, "two")
    say("ticket", "merge", "2", "1")
    message = say("ticket", "show", "1")["messages"][-1]["id"]
    assert say("ticket", "split", str(message))["id"] == 3
    assert {"ticket": 1, "kind": "split", "words": "split off"} in say("ticket", "show", "3")["links"]


def test_mailboxes_teams_and_agents(begun: Any, say: Say) -> None:
    say("team", "add", "Network")
    say("mailbox", "add", "Network@desk.example.test", "--team", "network")
    boxes = {box["address"]: box["team"] for box in say("mailbox", "list")}
    assert boxes["network@desk.example.test"] == "Network"
    made = say("agent", "add", "lin@corp.example.test", "--name", "Lin", "--team", "Network", "--role", "lead")
    assert made["password"]
    teams = {team["name"]: team["agents"] for team in say("team", "list")}
    assert teams["Network"] == ["lin@corp.example.test"]
    say("agent", "deactivate", "lin@corp.example.test")
    assert [agent["active"] for agent in say("agent", "list") if agent["name"] == "Lin"] == [False]


def test_a_fetched_mailbox_names_its_secret_and_keeps_none(begun: Any, say: Say) -> None:
    words = ["--imap-host", "imap.example.test", "--imap-user", "desk", "--imap-password-env", "DESK_IMAP"]
    box = say(
        "mailbox",
        "add",
        "it@desk.example.test",
        *words,
        "--no-test",
        "--imap-folder",
        "INBOX",
        "--imap-after",
        "move:Done",
    )
    assert box["imap"] == {
        "host": "imap.example.test",
        "user": "desk",
        "password_env": "DESK_IMAP",
        "folders": ["INBOX"],
        "after": "move:Done",
        "guarded": False,
    }


@pytest.mark.parametrize(
    "words",
    [
        ["mailbox", "add", "no address"],
        ["mailbox", "add", "a@b", "--imap-host", "h"],
        ["mailbox", "add", "a@b", "--imap-json", "[1]"],
        ["mailbox", "add", "a@b", "--team", "Nobody"],
        ["agent", "deactivate", "nobody@example.test"],
        ["ticket", "show", "99"],
        ["ticket", "list", "--status", "odd"],
        ["ticket", "split", "99"],
        ["quarantine", "show", "99"],
        ["quarantine", "release", "99"],
        ["token", "revoke", "99"],
        ["replay", "/nowhere"],
    ],
)
def test_what_cannot_be_done_is_one_sentence(
    begun: Any, words: Sequence[str], capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert frontdesk.main(words) in (1, 64, 66)
    complaint = capsys.readouterr().err
    assert complaint.startswith("frontdesk: ")
    assert complaint.count("\n") == 1


def test_a_token_is_shown_once_and_can_be_revoked(begun: Any, say: Say) -> None:
    token = say("token", "add", "form on the intranet")["token"]
    (row,) = say("token", "list")
    assert token not in json.dumps(row)
    say("token", "revoke", str(row["id"]))
    assert say("token", "list")[0]["revoked_at"] is not None


def test_what_is_quarantined_is_shown_and_released(begun: Any, say: Say, store: Store) -> None:
    with store.database.transaction() as session:
        inbound.store(session, [Arrival("email", "support@x", "1", "h", NOW, quarantine="too deep")])
    (row,) = say("quarantine", "list")
    assert row["reason"] == "too deep"
    assert say("quarantine", "release", str(row["id"]))["state"] == InboundState.RELEASING
    assert say("ledger")["unsettled"] == 1


def mailbox_of_three(folder: Path) -> Path:
    folder.mkdir()
    for number, headers in enumerate(
        [
            {"Message-ID": "<a@example.test>", "Subject": "VPN is down"},
            {"Message-ID": "<b@example.test>", "Subject": "Re: VPN is down", "In-Reply-To": "<a@example.test>"},
            {"Message-ID": "<c@example.test>", "Subject": "Away", "Auto-Submitted": "auto-replied"},
        ]
    ):
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Date"] = "bob@example.test", "support@desk.example.test", NOW
        for name, value in headers.items():
            mail[name] = value
        mail.set_content("I cannot reach the VPN.\n")
        (folder / f"{number}.eml").write_bytes(mail.as_bytes())
    (folder / "3.eml").write_bytes((folder / "0.eml").read_bytes())
    return folder


def test_a_replay_tells_what_would_be_and_keeps_nothing(begun: Any, say: Say, tmp_path: Path) -> None:
    source = str(mailbox_of_three(tmp_path / "mails"))
    report = say("replay", source, "--verbose")
    assert (report["mails"], report["tickets"], report["copies"]) == (4, 2, 1)
    assert report["threads"] == {"references": 1}
    assert [line["became"] for line in report["lines"]][:2] == ["ticketed", "appended"]
    assert say("replay", source, "--verbose") == report
    assert say("ledger")["accepted"] == 0
    assert say("ticket", "list") == []


def test_a_replay_for_real_keeps_the_tickets_and_answers_nobody(begun: Any, say: Say, tmp_path: Path) -> None:
    source = str(mailbox_of_three(tmp_path / "mails"))
    report = say("replay", source, "--for-real")
    assert len(say("ticket", "list")) == report["tickets"] == 2
    found = say("ledger")
    assert (found["accepted"], found["unsettled"], found["outbound"]) == (3, 0, {})


def test_an_import_waits_until_no_worker_would_answer_it(
    begun: Any, store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with store.database.transaction() as session:
        inbound.store(session, [Arrival("email", "support@x", "1", "h", NOW, "{}")])
    assert frontdesk.main(["replay", str(mailbox_of_three(tmp_path / "mails")), "--for-real"]) == 75
    assert "wait" in capsys.readouterr().err


def test_caught_mail_is_listed_and_names_the_address_to_answer_to(
    begun: Any, say: Say, store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    assert frontdesk.main(["caught", "--reply-to"]) == 1
    arrive(store, "Printer jam")
    deliver.drain(open_context(store))
    assert {row["kind"] for row in say("caught")} == {"acknowledgement", "notice"}
    (notice,) = say("caught", "--kind", "notice")
    capsys.readouterr()
    assert frontdesk.main(["caught", "--kind", "notice", "--reply-to"]) == 0
    assert capsys.readouterr().out.strip() == notice["reply_to"]
    assert notice["reply_to"].startswith("support+a1-")
    assert frontdesk.main(["caught", str(notice["id"])]) == 0
    assert "Reply-To:" in capsys.readouterr().out


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert frontdesk.main(["--help"]) == 0
    shown = capsys.readouterr().out
    for word in ("up", "gateway", "worker", "console", "clock", "init", "mailbox", "replay", "doctor"):
        assert f"  {word} " in shown


def test_a_mailboxs_signature_stays_until_another_is_given(begun: Any, say: Say) -> None:
    address = begun["mailboxes"][0]
    say("mailbox", "add", address, "--signature", "{agent}\\nThe desk")
    say("mailbox", "add", address, "--name", "Support")
    (box,) = say("mailbox", "list")
    assert box["signature"] == "{agent}\nThe desk" and box["name"] == "Support"


def test_an_agent_has_an_account_in_slack_that_is_nobody_elses(begun: Any, say: Say) -> None:
    account = "slack:T0DESK:U0LIN"
    assert say("agent", "add", "lin@corp.example.test", "--slack-user", account)["slack_user"] == account
    assert say("agent", "add", "kim@corp.example.test")["slack_user"] == ""
    assert say("agent", "add", "kim@corp.example.test", "--slack-user", account)["slack_user"] == account
    assert [agent["slack_user"] for agent in say("agent", "list") if agent["address"].startswith("lin")] == [""]


@pytest.mark.parametrize(
    ("kind", "key", "value"),
    [("team", "slack_channel", "C0AGENTS"), ("agent", "slack_user", "slack:T0DESK:U0LIN")],
)
def test_a_channel_or_account_in_slack_is_set_and_taken_away_by_the_file(
    begun: Any, say: Say, store: Store, kind: str, key: str, value: str
) -> None:
    entry = f'[[{kind}]]\n{"name" if kind == "team" else "address"} = "{kind}@corp.example.test"\n{key} = '
    for text in (value, ""):
        configure(store, f'{entry}"{text}"')
        assert [one[key] for one in say(kind, "list") if f"{kind}@corp.example.test" in one.values()] == [text]
    with pytest.raises(BadConfiguration, match="should be an"):
        configure(store, f'{entry}"#agents"')


def test_an_agent_answers_from_the_command_line(begun: Any, say: Say, store: Store) -> None:
    desk = SmallDesk(store, delivers=False)
    desk.receive(desk.mail(BOB, "Printer", "It burns."))
    configure(store, f'[[agent]]\naddress = "{ALICE}"\nname = "Alice Agent"\nsignature = "Yours, {{agent.first_name}}"')
    dry = say("ticket", "reply", "1", "--as", ALICE, "--text", "Unplug it.", "--resolve", "--dry-run")
    assert (dry["text"], dry["signature"], dry["ticket"]["status"]) == ("Unplug it.", "Yours, Alice", "resolved")
    assert [one.text for one in desk.messages(1) if not one.inbound] == [] and desk.ticket(1).status == "new"
    assert say("ticket", "reply", "1", "--as", ALICE, "--text", "Unplug it.", "--no-signature")["signature"] == ""
    say("ticket", "note", "1", "--as", ALICE, "--text", "It is old.")
    assert [(one.kind, one.text) for one in desk.messages(1)[1:]] == [("reply", "Unplug it."), ("note", "It is old.")]
    assert frontdesk.main(["ticket", "reply", "1", "--as", BOB, "--text", "x"]) != 0


def test_rows_that_failed_are_listed_with_their_reason_and_tried_again(say: Say, quiet: Store) -> None:
    with quiet.database.transaction() as session:
        failures.record(session, "events", 7, "KeyError at dispatch.py:12", NOW, last=True)
    (row,) = say("queue", "failed")
    assert (row["job"], row["row_id"], row["reason"]) == ("events", 7, "KeyError at dispatch.py:12")
    assert frontdesk.main(["queue", "retry-failed"]) == 64
    assert frontdesk.main(["queue", "retry-failed", "events:8"]) == 1
    assert say("queue", "retry-failed", "events:7") == {"rows": 1}
    assert say("queue", "failed") == []


def test_a_worker_refuses_a_queue_that_there_is_not(quiet: Store, capsys: pytest.CaptureFixture[str]) -> None:
    assert frontdesk.main(["worker", "--queues", "requests,dance"]) == 64
    assert "there is no queue 'dance'" in capsys.readouterr().err
