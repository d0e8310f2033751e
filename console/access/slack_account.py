"""The agent's own account in Slack, on the account's page: which one it is, and the code that links it.

In: a visit. Out: what the page shows. The code is typed in Slack; it proves there who was signed in here.
"""

from __future__ import annotations

from typing import Any

from console.web.request_context import Visit
from desk.signed import slack_link_code


def account_values(visit: Visit) -> dict[str, Any]:
    """Nothing where the desk has no Slack."""
    if not visit.desk.settings.slack_bot_token:
        return {"slack_code": "", "slack_user": ""}
    agent = visit.agent
    code = slack_link_code.code_for(agent.id, agent.key_version, visit.desk.store.secret, visit.now)
    return {"slack_code": code, "slack_user": agent.slack_user.rpartition(":")[2]}
