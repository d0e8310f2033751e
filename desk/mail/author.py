"""The person behind a mail that something else sent: a web form, a group or list, a device, an assistant.

A request comes in, with the header fields of WANTED that the mail has; the person, and the way that the words took,
come out. Reply-To, X-Original-From and the like prove nothing. Whoever uses the answer gives such a person what a
stranger would get: a ticket of their own, and answers.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from desk.channels import traits_of
from desk.mail.inbound_request import AutoKind, InboundRequest, Party
from desk.signed import reply_address
from desk.text import mail_words

WANTED = frozenset({
    "sender", "list-id", "list-post", "mailing-list", "x-beenthere", "x-mailing-list", "x-google-group-id",
    "x-original-from", "x-original-sender", "x-mailer",
}) | frozenset(mail_words.texts("form_senders", "header"))  # fmt: skip
"""The lower-case names of the header fields that say who wrote a mail beside From and Reply-To."""

_LISTS = ("list-id", "list-post", "mailing-list", "x-beenthere", "x-mailing-list")
_ADDRESS = re.compile(r"[^\s<>\"(),;:\[\]@]{1,128}@[A-Za-z0-9][A-Za-z0-9.-]{0,250}[A-Za-z0-9]")
_LIST_ID = re.compile(r"<([A-Za-z0-9][\w+-]{0,63})\.([A-Za-z0-9][A-Za-z0-9.-]{1,200}[A-Za-z0-9])>\s*$")
_NAMED = re.compile(r"\s*\"?([^<>\"]{0,200}?)\"?\s*<")
_VIA = re.compile(r"^['\"]?(.{1,150}?)['\"]?\s+\(?(?:via|über|par|por|tramite|przez|через)\s", re.IGNORECASE)
_UNATTENDED = re.compile(
    r"(?:.{0,60}[._+-])?(?:no-?_?\.?reply|do-?_?not-?_?reply|noresponse|no-?response|no-?responder|nao-?responda|"
    r"ne-?pas-?repondre|keine-?antwort|nicht-?antworten|non-?rispondere|nie-?odpowiadaj)(?:[._+-].{0,60})?"
)
_BOUNCES = re.compile(r".{0,100}(?:bounces?|owner|request|admin)")
_DIGITS = "0123456789"


class Way(StrEnum):
    """How a person's words came to the desk if not from their own address."""

    FORM = "form"
    LIST = "list"
    BEHALF = "behalf"


_WORDS = {Way.FORM: "through the form of", Way.LIST: "via the list", Way.BEHALF: "sent for this person by"}


@dataclass(frozen=True, slots=True)
class Author:
    """The person, and who sent the mail for them."""

    party: Party
    way: Way
    sender: Party

    @property
    def through(self) -> str:
        """The way in words: `through the form of Muster Shop <wordpress@shop.example>`."""
        named = f"{self.sender.name} <{self.sender.address}>" if self.sender.name else self.sender.address
        return f"{_WORDS[self.way]} {named}"


def is_unattended(of_address: str) -> bool:
    """Whether the address says of itself that nobody reads what is sent there ("no-reply@")."""
    local = of_address.rpartition("@")[0].lower()
    return len(local) <= 64 and _UNATTENDED.fullmatch(local) is not None


def author(request: InboundRequest, ours: Collection[str]) -> Author | None:
    """The person behind a mail; None where the sender is who wrote it, or nobody else is named.

    `ours` are the addresses of the desk's mailboxes.
    """
    if not traits_of(request.channel).is_mail or request.auto is not AutoKind.NONE:
        return None
    if not (request.reply_to or request.origin):
        return None
    origin = dict(request.origin)
    lists = list_addresses(origin)
    way = _way(request.sender, origin, lists, ours)
    if way is None:
        return None
    avoided = {request.sender.address, *lists}
    for party in _named(request, origin, way):
        if _is_person(party.address) and party.address not in avoided and not _is_ours(party.address, ours):
            return Author(party, way, request.sender)
    return None


def list_addresses(origin: Mapping[str, str]) -> frozenset[str]:
    """The addresses under which the lists that a mail came by are written to."""
    found = {each.lower() for name in _LISTS[1:] for each in _ADDRESS.findall(origin.get(name, ""))}
    match = _LIST_ID.search(origin.get("list-id", ""))
    if match:
        found.add(f"{match[1]}@{match[2]}".lower())
    return frozenset(each for each in found if not _BOUNCES.fullmatch(each.partition("@")[0].partition("+")[2]))


def is_own_list(request: InboundRequest, ours: Collection[str], set_lists: Collection[str] = ()) -> bool:
    """Whether a list is one that a mailbox of ours stands behind: its List-Id says so, or the setting."""
    origin = dict(request.origin)
    lists = list_addresses(origin)
    wanted = {each.lower().strip("<>") for each in set_lists}
    named = origin.get("list-id", "").rpartition("<")[2].rstrip("> ").lower()
    return bool((named and named in wanted) or lists & wanted) or any(_is_ours(each, ours) for each in lists)


def is_form(sender: str, headers: Mapping[str, str]) -> bool:
    """Whether a web site's form, or something like it, sends in other people's names from that address."""
    local, _, domain = sender.lower().rpartition("@")
    if local.partition("+")[0].rstrip(_DIGITS) in _words("local") or is_unattended(sender):
        return True
    if any(domain == each or domain.endswith(f".{each}") for each in _words("domain")):
        return True
    mailer = headers.get("x-mailer", "").casefold()
    return any(name in headers for name in _words("header")) or any(word in mailer for word in _words("mailer"))


def _way(sender: Party, origin: Mapping[str, str], lists: Collection[str], ours: Collection[str]) -> Way | None:
    listed = bool(lists) or "x-original-from" in origin or "x-google-group-id" in origin
    rewritten = sender.address in lists or _is_ours(sender.address, ours) or bool(_VIA.match(sender.name))
    if listed and rewritten:
        return Way.LIST
    if _is_ours(sender.address, ours) or is_form(sender.address, origin):
        return Way.FORM
    local = sender.address.partition("@")[0].rstrip(_DIGITS + "-_.")
    return Way.BEHALF if local in _words("device") else None


def _named(request: InboundRequest, origin: Mapping[str, str], way: Way) -> Iterable[Party]:
    """Who might be the person, the likeliest first."""
    originals = [_party(origin[name]) for name in ("x-original-from", "x-original-sender") if name in origin]
    if way is not Way.LIST:
        yield from request.reply_to[:10]
        yield from originals
        yield _party(origin.get("sender", ""))
        return
    yield from originals
    yield from request.reply_to[:10]
    # A list that answers go to puts the author, whom it took out of From, into Cc.
    match = _VIA.match(request.sender.name)
    name = match[1].strip(" '\"").casefold() if match else ""
    yield from (party for party in request.cc[:50] if name and party.name.casefold() == name)
    yield _party(name)
    local, at, domain = request.sender.address.partition("@")[0].partition("=")
    yield _party(f"{local}@{domain}" if at else "")


def _party(value: str) -> Party:
    match = _ADDRESS.search(value)
    named = _NAMED.match(value)
    return Party(match[0].lower(), named[1].strip() if named else "") if match else Party("")


def _is_person(of_address: str) -> bool:
    local, _, domain = of_address.partition("@")
    if "." not in domain or is_unattended(of_address) or _BOUNCES.fullmatch(local.rpartition("-")[2]):
        return False
    return local not in _words("local") and not any(domain == each for each in _words("domain"))


def _is_ours(of_address: str, ours: Collection[str]) -> bool:
    return of_address in ours or reply_address.without_token(of_address) in ours


@cache
def _words(kind: str) -> frozenset[str]:
    return frozenset(mail_words.texts("form_senders", kind))
