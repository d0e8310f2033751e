"""`frontdesk similar`: the solved tickets that are most like one, with the words that made it and what solved them."""

from __future__ import annotations

import argparse
from datetime import datetime

from cli import output
from cli.open_desk import Trouble, opened
from console.tickets import similar
from desk.config.settings import Settings
from storage.runtime.logging_setup import escaped
from storage.tickets import tickets


def run(args: argparse.Namespace, settings: Settings, _now: datetime) -> int:
    with opened(settings) as store, store.database.reading() as session:
        ticket = tickets.get(session, args.ticket)
        if ticket is None:
            raise Trouble(f"there is no ticket #{args.ticket}")
        found = similar.solutions(session, ticket, most=args.most)
    if args.json:
        output.as_json(similar.similar_json(ticket, found))
        return 0
    for one in found:
        print(
            f"#{one.ticket_id}  {one.likeness:.0%}  {escaped(one.subject)}: because {escaped(', '.join(one.because))}"
        )
        for line in one.resolution.splitlines():
            print("    " + escaped(line))
    if not found:
        print("nothing there")
    return 0
