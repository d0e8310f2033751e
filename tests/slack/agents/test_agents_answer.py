"""Agents work on tickets in Slack: a card with buttons, an internal thread, and answers that reach the requester."""

from __future__ import annotations

from dataclasses import replace

import pytest

from desk.channels import Channel
from desk.signed import slack_link_code
from desk.slack.orders import Button
from desk.tickets.fields import Field, Kind
from desk.tickets.ticket import DESK
from storage.knowledge import csat_settings
from storage.people import accounts, people
from tests.slack import payloads
from tests.slack.agents_desk import ACCOUNT, AgentsDesk
from tests.small_desk import BOB, words
from usecases.privacy import export as personal_data
from usecases.rules import macros
from usecases.tickets import conversation, custom_fields
from usecases.tickets.conversation import Written

pytestmark = pytest.mark.slow


def test_a_ticket_has_a_card_in_its_teams_channel(agents: AgentsDesk) -> None:
    ticket = agents.mail("Printer <!channel>", "It *smokes* & burns <https://x|y>.")
    card = agents.card(ticket.id)
    said = "\n".join(str(block) for block in card["blocks"])
    assert "Printer &lt;!channel&gt;" in said and "It *smokes* &amp; burns &lt;https://x|y&gt;." in said
    assert [one["text"]["text"] for one in card["blocks"][-1]["elements"][:4]] == [
        "Answer",
        "Take",
        "Resolve",
        "Change",
    ]
    assert "thread_ts" not in card
    agents.work()
    assert len(agents.slack.state.posted(payloads.AGENTS)) == 1


def test_what_an_agent_says_in_the_thread_is_a_note_and_leaves_for_nobody(agents: AgentsDesk) -> None:
    ticket = agents.mail()
    agents.says(ticket.id, "This requester is difficult.")
    note = agents.desk.messages(ticket.id)[-1]
    assert (note.kind, note.reply, note.author.id) == ("note", "This requester is difficult.", agents.desk.alice.id)
    assert agents.desk.sent("reply") == [] and "internal note" in agents.whispered()
    event = agents.desk.events(ticket.id)[-1]
    assert (event.kind, event.actor.id, event.data.via) == ("noted", agents.desk.alice.id, "slack")
    assert agents.lines(ticket.id) == []
    assert agents.desk.states() == {"ticketed": 1, "command": 1}


def test_a_reply_from_the_thread_reaches_the_requester_by_mail(agents: AgentsDesk) -> None:
    ticket = agents.mail()
    agents.says(ticket.id, "!reply Please switch it off &amp; on.\nIs it <https://x.example|this one>?")
    (mail,) = agents.desk.sent("reply", BOB)
    assert words(mail).startswith("Please switch it off & on.\nIs it this one (https://x.example)?")
    ticket = agents.desk.ticket(ticket.id)
    assert (ticket.status, ticket.assignee_id) == ("pending", agents.desk.alice.id)
    assert {event.data.via for event in agents.desk.events(ticket.id) if event.actor.id} >= {"slack"}
    agents.desk.receive(agents.desk.mail(BOB, "Re: Printer", "It works!", to=str(mail["Reply-To"])))
    agents.work()
    assert agents.lines(ticket.id)[-2].endswith("wrote:\nIt works!") or "wrote:\nIt works!" in "".join(
        agents.lines(ticket.id)
    )


def test_the_answer_window_sends_a_public_reply_and_resolves(agents: AgentsDesk) -> None:
    ticket = agents.mail()
    view = agents.opens(ticket.id, Button.ANSWER)
    assert view["title"]["text"] == f"Answer #{ticket.id}"
    sent = {"text": "A new toner helped.", "kind": {"option": "reply"}, "then": {"option": "resolve"}}
    agents.does(payloads.submitted(view, sent))
    assert words(agents.desk.sent("reply", BOB)[0]).startswith("A new toner helped.")
    ticket = agents.desk.ticket(ticket.id)
    assert (ticket.status, ticket.resolution) == ("resolved", "A new toner helped.")
    assert any("replied to the requester:\nA new toner helped." in line for line in agents.lines(ticket.id))


def test_the_answer_window_can_write_a_note(agents: AgentsDesk) -> None:
    ticket = agents.mail()
    view = agents.opens(ticket.id, Button.ANSWER)
    agents.does(payloads.submitted(view, {"text": "Ask the vendor.", "kind": {"option": "note"}}))
    assert agents.desk.messages(ticket.id)[-1].kind == "note" and agents.desk.sent("reply") == []


def test_take_makes_the_ticket_mine_and_the_card_says_so(agents: AgentsDesk) -> None:
    ticket = agents.mail()
    assert "nobody yet" in str(agents.card(ticket.id)["blocks"])
    agents.presses(ticket.id, Button.TAKE)
    assert agents.desk.ticket(ticket.id).assignee_id == agents.desk.alice.id
    assert "owner: Alice Agent" in str(agents.card(ticket.id)["blocks"])
    assert any("<@U0ALICE> takes care of it" in line for line in agents.lines(ticket.id))


def test_every_choice_behind_the_dots_does_what_it_says(http_agents: AgentsDesk) -> None:
    ticket = http_agents.mail()
    for word, status in (("pending", "pending"), ("hold", "on_hold"), ("reopen", "open")):
        http_agents.presses(ticket.id, Button.MORE, option=f"{word}:{ticket.id}")
        assert http_agents.desk.ticket(ticket.id).status == status
    http_agents.presses(ticket.id, Button.MORE, option=f"snooze:{ticket.id}")
    assert http_agents.desk.ticket(ticket.id).snoozed_until is not None
    http_agents.presses(ticket.id, Button.MORE, option=f"undo:{ticket.id}")
    assert http_agents.desk.ticket(ticket.id).snoozed_until is None


def test_the_change_window_changes_what_was_changed_in_it(agents: AgentsDesk) -> None:
    ticket = agents.mail()
    view = agents.opens(ticket.id, Button.CHANGE)
    agents.does(
        payloads.submitted(
            view,
            {
                "assign": {"option": "max@corp.example.test"},
                "priority": {"option": "high"},
                "status": {"option": str(ticket.status)},
                "snooze": "3h",
            },
        )
    )
    ticket = agents.desk.ticket(ticket.id)
    assert (ticket.assignee_id, ticket.priority) == (agents.desk.max.id, "high")
    assert ticket.snoozed_until is not None


def test_commands_in_the_thread_use_mentions(http_agents: AgentsDesk) -> None:
    with http_agents.desk.store.database.transaction() as session:
        accounts.set_account(
            session, Channel.SLACK, http_agents.desk.max.id, f"slack:{payloads.TEAM}:U0MAX", http_agents.desk.now
        )
    ticket = http_agents.mail()
    http_agents.says(ticket.id, "!assign <@U0MAX>\n!priority urgent\n!note <@U0MAX> please look")
    ticket = http_agents.desk.ticket(ticket.id)
    assert (ticket.assignee_id, ticket.priority) == (http_agents.desk.max.id, "urgent")
    note = next(one for one in http_agents.desk.messages(ticket.id) if one.kind == "note")
    assert note.reply == "@Max Agent please look"
    noted = next(event for event in http_agents.desk.events(ticket.id) if event.kind == "noted")
    assert noted.data.mentioned == (http_agents.desk.max.id,)


def test_resolving_needs_the_required_fields_and_asks_for_them(http_agents: AgentsDesk) -> None:
    with http_agents.desk.store.database.transaction() as session:
        custom_fields.save(session, Field("asset", "Asset", Kind.TEXT, required=True))
    ticket = http_agents.mail()
    http_agents.says(ticket.id, "!resolve a new toner")
    assert http_agents.desk.ticket(ticket.id).status == "new" and "Asset" in http_agents.whispered()
    view = http_agents.opens(ticket.id, Button.RESOLVE)
    assert [block["block_id"] for block in view["blocks"][1:]] == ["field:asset", "text"]
    http_agents.does(payloads.submitted(view, {"field:asset": "P-17", "text": "a new toner"}))
    ticket = http_agents.desk.ticket(ticket.id)
    assert (ticket.status, ticket.resolution, ticket.fields) == ("resolved", "a new toner", {"asset": "P-17"})


def test_a_required_resolution_is_asked_for(http_agents: AgentsDesk) -> None:
    with http_agents.desk.store.database.transaction() as session:
        csat_settings.set_rules(session, replace(csat_settings.rules(session), resolution_required=True))
    ticket = http_agents.mail()
    view = http_agents.opens(ticket.id, Button.RESOLVE)
    http_agents.does(payloads.submitted(view, {"text": ""}))
    assert http_agents.desk.ticket(ticket.id).status == "new" and "say what solved it" in http_agents.whispered()


def test_a_macro_is_sent_only_if_it_is_called_a_reply(http_agents: AgentsDesk) -> None:
    with http_agents.desk.store.database.transaction() as session:
        macros.save(session, "toner", "Dear {requester.name}, a toner is on its way.", [{"priority": "low"}])
    ticket = http_agents.mail()
    http_agents.says(ticket.id, "!macro toner")
    assert http_agents.desk.sent("reply") == [] and "!reply" in http_agents.whispered()
    http_agents.says(ticket.id, "!reply\n!macro toner")
    assert "a toner is on its way" in words(http_agents.desk.sent("reply")[0])
    assert http_agents.desk.ticket(ticket.id).priority == "low"


def test_an_unknown_command_does_nothing_and_shows_the_list(http_agents: AgentsDesk) -> None:
    ticket = http_agents.mail()
    http_agents.says(ticket.id, "!take\n!nonsense\nWords.")
    assert http_agents.desk.ticket(ticket.id).assignee_id is None and len(http_agents.desk.messages(ticket.id)) == 1
    assert "!nonsense is not a command" in http_agents.whispered() and "!snooze" in http_agents.whispered()


def test_typed_commands_help_list_show_and_act(agents: AgentsDesk) -> None:
    ticket = agents.mail("Printer <!channel>")
    assert "!snooze" in agents.does(payloads.typed("help"))
    assert agents.does(payloads.typed("mine")) == "Nothing waits for you."
    shown = agents.does(payloads.typed(f"#{ticket.id}"))
    assert "Printer &lt;!channel&gt;" in shown and "owner: nobody" in shown
    assert "Written down" in agents.does(payloads.typed(f"#{ticket.id} take"))
    assert agents.desk.ticket(ticket.id).assignee_id == agents.desk.alice.id
    assert f"#{ticket.id}" in agents.does(payloads.typed("mine"))
    agents.does(payloads.typed(f"{ticket.id} reply We are on it."))
    assert words(agents.desk.sent("reply", BOB)[0]).startswith("We are on it.")
    assert "is not a command" in agents.does(payloads.typed(f"#{ticket.id} explode"))
    assert "There is no ticket #99" in agents.does(payloads.typed("#99"))


def test_a_ticket_that_came_by_slack_is_answered_there_from_the_agents_thread(agents: AgentsDesk) -> None:
    root = payloads.ts()
    agents.does(payloads.direct("I cannot login", at=root))
    (ticket,) = agents.desk.tickets()
    agents.says(ticket.id, "!reply Try <!channel> again.")
    said = [one for one in agents.slack.state.posted(payloads.DM) if "replied" in one["text"]]
    assert [(one["thread_ts"], one["text"]) for one in said] == [(root, "*Alice Agent* replied:\nTry @channel again.")]
    agents.says(ticket.id, "only for us")
    assert not any("only for us" in one["text"] for one in agents.slack.state.posted(payloads.DM))


def test_a_ticket_that_goes_to_another_team_leaves_the_channel(http_agents: AgentsDesk) -> None:
    ticket = http_agents.mail()
    root = http_agents.card(ticket.id)
    http_agents.says(ticket.id, "!team Billing")
    assert root["text"] == f"#{ticket.id} is with Billing now." and "It is broken" not in str(root["blocks"])


def test_a_code_from_the_console_links_the_account_that_types_it(agents: AgentsDesk) -> None:
    desk = agents.desk
    with desk.store.database.transaction() as session:
        accounts.set_account(session, Channel.SLACK, desk.max.id, "", desk.now)
    code = slack_link_code.code_for(desk.max.id, 1, desk.store.secret, desk.now)
    agents.does(payloads.typed(f"link {code[:-1]}x", user="U0BEN"))
    assert "Nothing was linked" in agents.whispered("U0BEN")
    agents.does(payloads.typed(f"link {code}", user="U0BEN"))
    assert "you act here as Max Agent" in agents.whispered("U0BEN")
    ticket = agents.mail()
    agents.says(ticket.id, "!take", user="U0BEN")
    assert desk.ticket(ticket.id).assignee_id == desk.max.id


def test_a_code_is_good_for_a_quarter_of_an_hour_and_never_for_a_guest(http_agents: AgentsDesk) -> None:
    desk = http_agents.desk
    code = slack_link_code.code_for(desk.max.id, 1, desk.store.secret, desk.now)
    http_agents.slack.state.accounts["U0EVE"] = {"is_restricted": True}
    http_agents.does(payloads.typed(f"link {code}", user="U0EVE"))
    desk.later(minutes=16)
    http_agents.does(payloads.typed(f"link {code}", user="U0BEN"))
    with desk.store.database.reading() as session:
        assert {accounts.account_of(session, Channel.SLACK, one.id) for one in people.all_agents(session)} == {
            ACCOUNT,
            "",
        }


def test_what_follows_from_one_step_draws_the_card_once(http_agents: AgentsDesk) -> None:
    ticket = http_agents.mail()
    http_agents.says(ticket.id, "!reply We are on it.")
    assert len(http_agents.slack.state.called("chat.update")) == 1
    said = str(http_agents.card(ticket.id)["blocks"])
    assert "*Pending*" in said and "owner: Alice Agent" in said


def test_what_is_said_in_the_agents_channel_is_in_no_requesters_export(http_agents: AgentsDesk) -> None:
    http_agents.does(payloads.direct("I cannot login", user="U0ANN"))
    (ticket,) = http_agents.desk.tickets()
    with http_agents.desk.store.database.transaction() as session:
        conversation.note(session, ticket, Written(DESK, "a difficult person", http_agents.desk.now, via="test"))
    http_agents.says(ticket.id, "!reply Try again.")
    http_agents.work()
    assert any("a difficult person" in line for line in http_agents.lines(ticket.id))
    with http_agents.desk.store.database.reading() as session:
        whole = str(personal_data.collect_data(session, f"slack:{payloads.TEAM}:U0ANN"))
    assert "a difficult person" not in whole and "Try again." in whole and "C0AGENTS" not in whole


def test_a_mention_means_the_account_and_not_what_it_is_called(http_agents: AgentsDesk) -> None:
    ticket = http_agents.mail()
    http_agents.does(payloads.typed(f"#{ticket.id} assign <@U0EVE|Alice Agent>"))
    assert http_agents.desk.ticket(ticket.id).assignee_id is None and "no agents are called" in http_agents.whispered()
    http_agents.does(payloads.typed(f"#{ticket.id} assign <@U0ALICE|somebody>"))
    assert http_agents.desk.ticket(ticket.id).assignee_id == http_agents.desk.alice.id
