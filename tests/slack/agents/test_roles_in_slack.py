"""Verb by role in Slack: what agents say, press and type; whom Slack does not name; codes that are used once."""

from __future__ import annotations

import pytest

from desk.access.permissions import MEANS, Role, Verb, may
from desk.channels import Channel
from desk.signed import slack_link_code
from desk.slack.orders import Button
from storage.people import accounts
from tests.slack import payloads
from tests.slack.agents_desk import ACCOUNT, AgentsDesk
from tests.slack.fake_slack import Trouble
from tests.small_desk import SmallDesk
from usecases.access import staff
from usecases.access.membership import COMMAND_LINE

SAYS = {
    "these very words": Verb.NOTE,
    "!reply these very words": Verb.REPLY,
    "!resolve these very words": Verb.CHANGE,
    "!tag odd": Verb.CHANGE,
    "!take": Verb.ASSIGN,
    "!team Billing": Verb.ASSIGN,
    "!merge 1": Verb.MERGE,
}


def become(desk: SmallDesk, role: Role) -> None:
    with desk.store.database.transaction() as session:
        staff.set_role(session, desk.alice, role, COMMAND_LINE, desk.now)


@pytest.mark.parametrize("text", list(SAYS))
@pytest.mark.parametrize("role", list(Role))
def test_the_table_decides_what_a_message_does(http_agents: AgentsDesk, role: Role, text: str) -> None:
    become(http_agents.desk, role)
    http_agents.mail("Screen", "It is dark.")
    before = http_agents.mail()
    http_agents.says(before.id, text)
    verb, kinds = SAYS[text], http_agents.desk.kinds(before.id)
    assert ("not_permitted" in kinds) is not may(role, verb)
    if may(role, verb):
        return
    after = http_agents.desk.ticket(before.id)
    assert (after.status, after.assignee_id, after.team_id) == (before.status, before.assignee_id, before.team_id)
    assert after.tags == before.tags and after.merged_into is None
    assert MEANS[verb] in http_agents.whispered() and not http_agents.desk.letters("reply")
    assert http_agents.desk.messages(before.id)[-1].reply == text, "the words are kept"


@pytest.mark.parametrize("role", [Role.LIGHT, Role.READ_ONLY])
def test_a_button_does_nothing_and_a_window_does_not_open(http_agents: AgentsDesk, role: Role) -> None:
    become(http_agents.desk, role)
    ticket = http_agents.mail()
    http_agents.presses(ticket.id, Button.TAKE)
    assert http_agents.desk.ticket(ticket.id).assignee_id is None
    assert "may not assign tickets" in http_agents.whispered()
    told = len(http_agents.slack.state.whispered("U0ALICE"))
    http_agents.presses(ticket.id, Button.RESOLVE)
    http_agents.slack.wait(lambda: len(http_agents.slack.state.whispered("U0ALICE")) > told)
    assert http_agents.slack.state.views == [] and "may not change tickets" in http_agents.whispered()


def test_a_linking_code_works_once(http_agents: AgentsDesk) -> None:
    desk = http_agents.desk
    code = slack_link_code.code_for(desk.max.id, 1, desk.store.secret, desk.now)
    http_agents.does(payloads.typed(f"link {code}", user="U0BEN"))
    assert "From now on you act here as Max" in http_agents.whispered("U0BEN")
    http_agents.does(payloads.typed(f"link {code}", user="U0ALICE"))
    assert "Nothing was linked" in http_agents.whispered()
    with desk.store.database.reading() as session:
        linked = accounts.accounts_of(session, Channel.SLACK, [desk.alice.id, desk.max.id])
    assert linked[desk.alice.id] == ACCOUNT and linked[desk.max.id].endswith("U0BEN")


def test_an_older_code_is_void_once_a_newer_one_was_used(http_agents: AgentsDesk) -> None:
    desk = http_agents.desk
    older = slack_link_code.code_for(desk.max.id, 1, desk.store.secret, desk.now)
    desk.later(minutes=1)
    newer = slack_link_code.code_for(desk.max.id, 1, desk.store.secret, desk.now)
    http_agents.does(payloads.typed(f"link {newer}", user="U0BEN"))
    http_agents.does(payloads.typed(f"link {older}", user="U0EVE"))
    assert "Nothing was linked" in http_agents.whispered("U0EVE")


def asked_again(http_agents: AgentsDesk) -> None:
    """The order's lease is over, and a worker takes it once more."""
    http_agents.desk.later(seconds=60)
    http_agents.work()


def test_an_account_that_slack_does_not_name_in_time_is_asked_for_again(http_agents: AgentsDesk) -> None:
    ticket = http_agents.mail()
    http_agents.slack.state.troubles.extend([Trouble("html", "users.info")] * 2)
    http_agents.says(ticket.id, "!take")
    asked_again(http_agents)
    assert len(http_agents.slack.state.called("users.info")) == 1, "the third question was answered"
    assert http_agents.desk.ticket(ticket.id).assignee_id == http_agents.desk.alice.id


def test_a_guest_whose_account_is_named_late_is_a_guest(http_agents: AgentsDesk) -> None:
    http_agents.slack.state.accounts["U0ALICE"] = {"is_restricted": True}
    ticket = http_agents.mail()
    http_agents.slack.state.troubles.extend([Trouble("html", "users.info")] * 2)
    http_agents.says(ticket.id, "!take")
    asked_again(http_agents)
    assert http_agents.desk.ticket(ticket.id).assignee_id is None
    assert http_agents.desk.states()["refused"] == 1


def test_a_typed_question_of_an_account_that_is_not_known_yet_says_so(http_agents: AgentsDesk) -> None:
    ticket = http_agents.mail()
    http_agents.slack.state.troubles.append(Trouble("html", "users.info"))
    assert "did not say in time who you are" in http_agents.does(payloads.typed(f"#{ticket.id}"))
