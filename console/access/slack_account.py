"""The linked Slack account on the account page, and the code that links it.

The agent types the code in Slack, which proves there who is signed in here.
"""

from __future__ import annotations

from typing import Any

from console.web.request_context import Visit
from desk.channels import Channel
from desk.signed import slack_link_code
from storage.people import accounts


def account_values(visit: Visit) -> dict[str, Any]:
    """Template values of the account page; empty without Slack."""
    if not visit.desk.settings.slack_bot_token:
        return {"slack_code": "", "slack_user": ""}
    agent = visit.agent
    account = accounts.account_of(visit.session, Channel.SLACK, agent.id)
    code = slack_link_code.code_for(agent.id, agent.key_version, visit.desk.store.secret, visit.now)
    return {"slack_code": code, "slack_user": account.rpartition(":")[2]}
