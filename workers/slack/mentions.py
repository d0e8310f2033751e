"""Replaces `@U123` in what an agent wrote in Slack: by the person's address in commands, by their name in texts.

Accounts that belong to nobody of the desk stay as they are.
"""

from __future__ import annotations

import re
from dataclasses import replace

from desk.channels import Channel
from desk.tickets.commands import Command, Parsed
from storage.db.session import Session
from storage.people import accounts

_MENTION = re.compile(r"@([UW][A-Z0-9]{2,30})\b")


def with_names(session: Session, team: str, parsed: Parsed) -> Parsed:
    """`@U123` as the person whose account that is: by address in a command, by name in a text."""
    text_and_arguments = " ".join([parsed.text, *(each.argument for each in parsed.commands)])
    mentioned = {match[1] for match in _MENTION.finditer(text_and_arguments)}
    persons = {each: accounts.person_of(session, Channel.SLACK, f"slack:{team}:{each}") for each in sorted(mentioned)}

    def named(match: re.Match[str]) -> str:
        person = persons[match[1]]
        return f"@{person.name or person.address}" if person else match[0]

    def command(each: Command) -> Command:
        match = _MENTION.fullmatch(each.argument)
        person = persons[match[1]] if match else None
        return (
            Command(each.name, person.address) if person else replace(each, argument=_MENTION.sub(named, each.argument))
        )

    return replace(parsed, commands=tuple(map(command, parsed.commands)), text=_MENTION.sub(named, parsed.text))
