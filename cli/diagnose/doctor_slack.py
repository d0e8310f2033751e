"""Whether Slack can reach the desk: the tokens, the app's rights, the agents who are linked. For `frontdesk doctor`.

In: settings, and the record where there is one. Out: findings; nothing where the desk has no Slack. Asks Slack once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from http.client import HTTPException
from typing import Any

from cli.diagnose.findings import Finding, broken, fine, warning
from desk.channels import Channel
from desk.config.settings import Settings
from storage.open_store import Store
from storage.people import accounts, people

SECONDS = 5
RIGHTS = (
    "app_mentions:read", "channels:history", "chat:write", "commands", "files:read", "files:write", "groups:history",
    "im:history", "users:read",
)  # fmt: skip
MANIFEST = "compare the app's manifest with docs/channels-slack.md, and install it again"


def examine(settings: Settings) -> Iterator[Finding]:
    """The tokens and the rights."""
    if not settings.slack_bot_token:
        return
    if not (settings.slack_app_token or settings.slack_signing_secret):
        yield warning(
            "slack",
            "Slack cannot reach the desk",
            "set FRONTDESK_SLACK_APP_TOKEN (Socket Mode) or FRONTDESK_SLACK_SIGNING_SECRET (signed HTTP)",
        )
    yield _asked(settings)


def linked(store: Store) -> Iterator[Finding]:
    """Teams that work in Slack, though nobody of them could."""
    with store.database.reading() as session:
        teams = [team for team in people.all_teams(session) if team.slack_channel]
        members = people.members(session, [team.id for team in teams])
        agent_ids = [agent.id for team in members.values() for agent in team]
        linked_ids = accounts.accounts_of(session, Channel.SLACK, agent_ids).keys()
    if teams and not store.settings.slack_bot_token:
        yield warning("slack teams", f"{teams[0].name} has a channel, and the desk no token", "set the token, or --off")
    for team in teams:
        known = linked_ids & {agent.id for agent in members[team.id]}
        if not known and not store.settings.slack_match_email:
            why = f"{team.name} has a channel, and no agent of it a linked account"
            yield warning("slack teams", why, "each agent's account page has a code to type in Slack")


def _asked(settings: Settings) -> Finding:
    # Slack's packages cost 20 MB, so they are imported where they are used.
    from slack_sdk import WebClient
    from slack_sdk.errors import SlackApiError, SlackClientError

    url = settings.slack_api_url.rstrip("/") + "/"
    client = WebClient(settings.slack_bot_token, base_url=url, timeout=SECONDS, retry_handlers=[])
    try:
        answer = client.api_call("auth.test")
    except SlackApiError as error:
        data = getattr(error.response, "data", None)
        word = data.get("error") if isinstance(data, Mapping) else "an answer that cannot be read"
        return broken("slack", f"Slack refuses the token: {word}", "correct FRONTDESK_SLACK_BOT_TOKEN")
    except (SlackClientError, HTTPException, OSError, ValueError) as error:
        return broken("slack", f"Slack cannot be reached ({type(error).__name__})", "look at the way to slack.com")
    missing = sorted(set(RIGHTS) - _rights(answer.headers))
    team = answer.get("team")
    if missing:
        return warning("slack", f"workspace {team}; the app lacks {', '.join(missing)}", MANIFEST)
    return fine("slack", f"workspace {team}, bot {answer.get('user')}")


def _rights(headers: Mapping[str, Any]) -> set[str]:
    """What Slack says that the token may; everything where it says nothing."""
    found = next((value for name, value in headers.items() if name.lower() == "x-oauth-scopes"), None)
    if found is None:
        return set(RIGHTS)
    text = ",".join(found) if isinstance(found, list) else str(found)
    return {one.strip() for one in text.split(",")}
