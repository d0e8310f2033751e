"""Commands for the desk's addresses: a new one with its login tried, and one that goes.

In: the command's words. Out: an exit status. What a new address cannot do (a name that leaves no room for reply
addresses, a relay that does not answer) is said at once, on stderr, so that --json stays one document.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from cli import output
from cli.admin import people as commands
from cli.diagnose.doctor import relay
from cli.diagnose.findings import OK
from cli.open_desk import Trouble, opened
from desk.config.settings import Settings
from desk.signed import reply_address
from storage.people import people
from storage.people.addresses import canonical
from storage.people.people import Mailbox

Config = Callable[[Mapping[str, Any]], Any]


def add(
    args: argparse.Namespace,
    settings: Settings,
    now: datetime,
    *,
    check: Config,
    log_in: Callable[[Any, Settings], None],
) -> int:
    """`check` reads the settings of fetching, `log_in` tries them; both raise ValueError with what to do."""
    address = canonical(args.address)
    if not address.isascii():
        raise Trouble(f"{args.address!r}: before the @ a mailbox has ASCII letters only", 64)

    def tried(imap: Mapping[str, Any]) -> None:
        config = check(imap)
        if not args.no_test:
            log_in(config, settings)

    status = commands.mailbox_add(args, settings, now, check=tried)
    for sentence in _remarks(settings, address, test=not args.no_test):
        print(f"frontdesk: {sentence}", file=sys.stderr)
    return status


def remove(args: argparse.Namespace, settings: Settings, _now: datetime) -> int:
    """Only one that no ticket needs: answers leave in the name of the mailbox that was written to."""
    wanted = canonical(args.address)
    with opened(settings) as store, store.database.transaction() as session:
        boxes = people.all_mailboxes(session)
        box = next((one for one in boxes if one.address == wanted), None)
        if box is None:
            raise Trouble(f"there is no mailbox {args.address}")
        if len(boxes) == 1:
            raise Trouble(f"{box.address} is the only mailbox: add another one first")
        count = people.tickets_of_mailbox(session, box.id)
        if count:
            raise Trouble(_needed(box, count))
        people.remove_mailbox(session, box.id)
    text = f"mailbox {box.address} is gone: nothing is fetched for it, and mail to it is refused with 550"
    return output.said(args, {"id": box.id, "address": box.address, "removed": True}, text)


def _needed(box: Mailbox, count: int) -> str:
    return (
        f"{box.address} stays: {count} ticket{' was' if count == 1 else 's were'} sent to it, and answers leave in its "
        "name. To end only the fetching, apply a desk.toml with imap = {}; to refuse its mail, do so at your server"
    )


def _remarks(settings: Settings, address: str, *, test: bool) -> list[str]:
    """What this mailbox cannot do as it is."""
    said: list[str] = []
    if not reply_address.has_room(address):
        with opened(settings) as store, store.database.reading() as session:
            boxes = [box.address for box in people.all_mailboxes(session)]
        said.append(long_name(address, reply_address.carrier(address, boxes)))
    found = relay(settings) if test and settings.relay_url else None
    if found is not None and found.state != OK:
        said.append(f"the relay: {found.found}; {found.advice}")
    return said


def long_name(address: str, carrier: str) -> str:
    """What follows from a name that leaves no room for a token within 64 octets."""
    why = f"the name of {address} has more than {reply_address.LONGEST_NAME} letters, too many for its reply addresses"
    if carrier:
        return f"{why}: answers to its mail come to {carrier}, and to the right ticket"
    return (
        f"{why}: answers are known by their thread only. A mailbox with a shorter name in its domain would carry them"
    )
