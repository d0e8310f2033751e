"""Who vouches for a mail: reads Authentication-Results (RFC 8601) and decides what an agent's mail may do.

Fail closed: what is not proven is kept and shown, never obeyed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from desk.signed.reply_address import AGENT, SIDE_AGENT, ReplyToken


class Verdict(StrEnum):
    """What our own receiving MTA said of the From domain; NONE: nobody whom we trust said anything."""

    PASS = "pass"
    FAIL = "fail"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Proof:
    """What an agent's mail may do: act (reply and note), and command. `why` says what is missing."""

    may_act: bool
    may_command: bool
    why: str = ""


_PROPERTY = re.compile(r"([a-z0-9.-]+)\s*=\s*(\S+)", re.IGNORECASE)


def verdict(headers: tuple[str, ...], authserv_id: str, peer_is_relay: bool, from_domain: str) -> Verdict:
    """DMARC's result in the topmost header, if `authserv_id` wrote it and the mail came from our own relay.

    Only the topmost counts: those below may have come with the mail. Two results that differ are a failure.
    """
    if not (authserv_id and peer_is_relay and headers and from_domain):
        return Verdict.NONE
    parts = _without_comments(headers[0]).split(";")
    if parts[0].split()[:1] != [authserv_id] or len(parts[0].split()) > 2:
        return Verdict.NONE
    results = [part for part in parts[1:] if part.strip().lower().startswith("dmarc")]
    if not results:
        return Verdict.NONE
    passed = all(_is_aligned_pass(result, from_domain) for result in results)
    return Verdict.PASS if passed else Verdict.FAIL


def agent_proof(
    token: ReplyToken | None,
    agent_id: int | None,
    sender_strict: bool,
    token_in_envelope: bool,
    other_ticket: bool,
    vouched: Verdict,
    site_vouches: bool,
) -> Proof:
    """The four conditions: signed address for this agent, strict From, an aligned pass, an active agent.

    `agent_id` is the active agent whom the From address belongs to. `site_vouches` is whether this site has a
    receiving MTA that could have vouched; where it has none, text still counts but commands do not.
    """
    if token is None or token.purpose not in (AGENT, SIDE_AGENT):
        return _refused("it was not sent to the reply address of the notice")
    if token.expired:
        return _refused("the reply address has expired")
    if agent_id is None or not sender_strict or agent_id != token.person_id:
        return _refused("the sender is not the agent for whom the reply address was made")
    if not token_in_envelope:
        return _refused("the reply address is not where the mail was delivered to")
    if other_ticket:
        return _refused("it answers a mail of another ticket")
    if vouched is Verdict.PASS:
        return Proof(True, True)
    if site_vouches:
        return _refused(f"the receiving mail server did not confirm the sender (DMARC: {vouched})")
    return Proof(True, False, "commands need a receiving mail server that confirms senders (authserv_id)")


def _refused(why: str) -> Proof:
    return Proof(False, False, why)


def _is_aligned_pass(result: str, from_domain: str) -> bool:
    properties: dict[str, str] = {}
    for name, value in _PROPERTY.findall(result):
        if name.lower() in properties:
            return False
        properties[name.lower()] = value.strip('"').lower()
    return properties.get("dmarc") == "pass" and properties.get("header.from") == from_domain.lower()


def _without_comments(text: str) -> str:
    """The header without its (nested) comments and with quoted strings emptied, so that neither smuggles a result."""
    out, depth, quoted, skip = [], 0, False, False
    for letter in text:
        if skip:
            skip = False
        elif letter == "\\" and (depth or quoted):
            skip = True
        elif quoted:
            quoted = letter != '"'
        elif letter == '"' and not depth:
            quoted = True
        elif letter == "(":
            depth += 1
        elif letter == ")" and depth:
            depth -= 1
        elif not depth:
            out.append(letter)
    return "".join(out) if not depth and not quoted else ""
