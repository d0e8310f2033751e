"""Commands on the tokens of the JSON API."""

from __future__ import annotations

from dataclasses import asdict

import click

from cli.command import ID, Call, DeskGroup
from cli.trouble import Trouble
from storage.access import api_tokens

token_group = DeskGroup("token", help="Tokens of the JSON API.")


@token_group.command()
@click.argument("name")
@click.option("--scope", "scopes", multiple=True, type=click.Choice(api_tokens.SCOPES), help="Inbound, unless named.")
def add(call: Call, name: str, scopes: tuple[str, ...]) -> None:
    """A new token, shown once."""
    with call.writing() as session:
        token = api_tokens.create(session, name, list(scopes) or ["inbound"], call.now)
    call.answer({"name": name, "token": token}, f"token {name}: {token}\nIt is shown only now.")


@token_group.command("list")
def list_tokens(call: Call) -> None:
    """All tokens, without their secret."""
    with call.reading() as session:
        rows = [asdict(token) for token in api_tokens.all_tokens(session)]
    call.rows(rows, ("id", "name", "scopes", "created_at", "revoked_at"))


@token_group.command()
@ID
def revoke(call: Call, number: int) -> None:
    """Make a token void."""
    with call.writing() as session:
        if not api_tokens.revoke(session, number, call.now):
            raise Trouble(f"there is no valid token {number}")
    call.answer({"id": number, "revoked": True}, f"token {number} is void")
