"""`frontdesk similar`: the solved tickets that are most like one, with the words that made it and what solved them."""

from __future__ import annotations

import click

from cli import output
from cli.command import TICKET, Call, DeskCommand, most
from cli.trouble import Trouble
from console.tickets import similar as similar_tickets
from storage.runtime.logging_setup import escaped
from storage.tickets import tickets


@click.command(cls=DeskCommand)
@TICKET
@most(5)
def similar(call: Call, ticket: int, most: int) -> None:
    """The solved tickets that are most like this one, and their answers."""
    with call.reading() as session:
        row = tickets.get(session, ticket)
        if row is None:
            raise Trouble(f"there is no ticket #{ticket}")
        solutions = similar_tickets.solutions(session, row, most=most)
    if call.as_json:
        return output.as_json(similar_tickets.similar_json(row, solutions))
    for one in solutions:
        because = escaped(", ".join(one.because))
        print(f"#{one.ticket_id}  {one.likeness:.0%}  {escaped(one.subject)}: because {because}")
        for line in one.resolution.splitlines():
            print("    " + escaped(line))
    if not solutions:
        print("nothing there")
    return None
