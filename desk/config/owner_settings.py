"""What of a configuration only the machine's owner may say, and how the rest is taken when it comes over HTTP.

A command is run, a file and a variable are read as the gateway's user, and a password goes to whatever server the
settings name. So by HTTP a mailbox keeps what it has of these: sent back unchanged they stay, changed they are refused.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from desk.config.desk_toml import BadConfiguration, Entry, State
from desk.web.public_address import Network, is_inside_name

OWNERS = ("_command", "_file", "_env")
"""Names that end so say what is run or read on this machine."""
SECRETS = ("password", "token")
FREE = frozenset({"folders", "after", "start", "poll_seconds"})
"""Where a mailbox has a secret, HTTP may change only these: all others say where the secret goes."""
_HOW = "is taken from the machine's owner only: frontdesk mailbox add, or frontdesk apply with a desk.toml"


class OwnerOnly(BadConfiguration):
    """Something that came over HTTP and that only the machine's owner may say; `place` names it, without its value."""

    def __init__(self, place: str, why: str) -> None:
        super().__init__(f"{place} {why}; nothing was changed")
        self.place = place


def from_http(wanted: State, present: State, allowed: Sequence[Network]) -> State:
    """The wanted state as it may be applied for somebody on the network. Raises OwnerOnly."""
    boxes = wanted.get("mailbox", {})
    kept = present.get("mailbox", {})
    checked = {address: _mailbox(address, box, kept.get(address, {}), allowed) for address, box in boxes.items()}
    return {**wanted, "mailbox": checked} if "mailbox" in wanted else wanted


def from_owner(wanted: State) -> State:
    """The same as the machine's owner says it: the servers that it names need no guard, unless it asks for one."""
    boxes = wanted.get("mailbox", {})
    vouched_for = {
        address: {**box, "imap": vouched(box["imap"])} if box.get("imap") else box for address, box in boxes.items()
    }
    return {**wanted, "mailbox": vouched_for} if "mailbox" in wanted else wanted


def vouched(imap: Mapping[str, Any]) -> dict[str, Any]:
    """The settings with the word of the machine's owner. Without that word a server is reached under the guard."""
    return {"guarded": False, **imap} if imap.get("host") else dict(imap)


def unfinished(address: str, imap: Mapping[str, Any] | None) -> str:
    """What the machine's owner must still run where a fetched mailbox has no password; "" where it has one."""
    if not imap or any(
        path.endswith(tuple(f"{name}{kind}" for name in SECRETS for kind in OWNERS)) for path, _ in _owned(imap)
    ):
        return ""
    oauth = str(imap.get("auth", "password")) != "password"
    option = "--imap-token-file" if oauth else "--imap-password-file"
    command = shlex.join(["frontdesk", "mailbox", "add", address, option, "FILE"])
    why = f"a {'token' if oauth else 'password'} is named on the machine only. Run there"
    return f"mailbox {address} is not fetched yet: {why}, after a look at its server {imap.get('host')!r}: {command}"


def _mailbox(address: str, box: Entry, kept: Entry, allowed: Sequence[Network]) -> Entry:
    if not box.get("imap"):
        return box
    imap = _imap(f"mailbox {address}: imap.", box["imap"], kept.get("imap") or {}, allowed)
    return {**box, "imap": imap}


def _imap(place: str, given: Mapping[str, Any], kept: Mapping[str, Any], allowed: Sequence[Network]) -> Entry:
    if given == kept:
        return given
    had, has = dict(_owned(kept)), dict(_owned(given))
    for name, value in has.items():
        if had.get(name) != value:
            raise OwnerOnly(f"{place}{name}", _HOW)
    if had:
        given = {"guarded": kept["guarded"], **given} if "guarded" in kept else given
        changed = sorted(name for name in {*given, *kept} - FREE if given.get(name) != kept.get(name))
        if changed:
            raise OwnerOnly(f"{place}{changed[0]}", f"says where the mailbox's password goes, and {_HOW}")
        return given
    if given.get("guarded", True) is not True:
        raise OwnerOnly(f"{place}guarded", _HOW)
    for name, host in _hosts(given):
        if is_inside_name(host, allowed):
            why = "names no public server; networks of your own are listed in FRONTDESK_INTERNAL_NETWORKS"
            raise OwnerOnly(f"{place}{name}", why)
    return {**given, "guarded": True}


def _owned(imap: Mapping[str, Any], where: str = "") -> Iterator[tuple[str, Any]]:
    """Each setting that says what is run or read, by its path."""
    for name, value in imap.items():
        if str(name).lower().strip().endswith(OWNERS):
            yield f"{where}{name}", value
        elif isinstance(value, Mapping):
            yield from _owned(value, f"{where}{name}.")


def _hosts(imap: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if "host" in imap:
        yield "host", str(imap["host"])
    refresh = imap.get("refresh")
    if isinstance(refresh, Mapping) and "url" in refresh:
        try:
            yield "refresh.url", urlsplit(str(refresh["url"])).hostname or ""
        except ValueError:
            yield "refresh.url", ""
