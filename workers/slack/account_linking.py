"""`/frontdesk link CODE` links the Slack account that typed the code to the agent who got it in the console.

Guests and accounts of other workspaces are not linked.
"""

from __future__ import annotations

import structlog

from desk.channels import Channel
from desk.signed import slack_link_code
from desk.slack.orders import Kind, Order, is_other_workspace
from storage.db.session import Session
from storage.people import accounts, people
from storage.people.people import Person
from storage.slack import threads as slack_threads
from workers.runtime.context import Context

log = structlog.get_logger()

WORD = "link"


def is_asked(order: Order) -> bool:
    return order.kind is Kind.TYPED and not order.ticket_id and order.text.split()[:1] == [WORD]


def link(context: Context, session: Session, order: Order) -> tuple[str, str]:
    """The result, and the text for the person who typed it."""
    agent = (
        None
        if is_other_workspace(order) or order.guest or order.unknown
        else _agent(context, session, order.text.partition(" ")[2])
    )
    if agent is None:
        return "a code that is not good or was used, or a guest", (
            "Nothing was linked. Take a new code from your account's page in the console; it is good once."
        )
    accounts.set_account(session, Channel.SLACK, agent.id, order.account, context.now())
    log.info("slack_account_linked", agent_id=agent.id)
    return "linked", f"From now on you act here as {agent.name or agent.address}. Try /frontdesk mine."


def _agent(context: Context, session: Session, code: str) -> Person | None:
    number = slack_link_code.agent_of(code, context.now())
    agent = people.by_ids(session, [number]).get(number) if number else None
    if agent is None or not agent.is_agent or not slack_link_code.is_genuine(code, agent.key_version, context.secret):
        return None
    return agent if slack_threads.use_linking_code(session, agent.id, slack_link_code.until(code)) else None
