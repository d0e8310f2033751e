"""Who vouches for a mail: reads Authentication-Results (RFC 8601) and decides what an agent's mail may do.

The proof of a sender has three values. A pass is "pass" for the very domain of the From. A failure is "fail", a pass
for another domain, or results that contradict each other. Everything else is no statement: "none" and "bestguesspass"
(the domain publishes no policy), "temperror" and "permerror" (nothing could be found out), "policy", "neutral" and
words that RFC 7489 does not know, a pass that names no domain, no result, no header, a header that cannot be read.
Fail closed for agents: what is not proven is kept and shown, never executed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from desk.signed.reply_address import AGENT, SIDE_AGENT, ReplyToken


class Verdict(StrEnum):
    """What our own receiving MTA said of the From domain; NONE: nobody whom we trust said anything of it."""

    PASS = "pass"
    FAIL = "fail"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Proof:
    """What an agent's mail may do: act (reply and note), and command. `why` says what is missing."""

    may_act: bool
    may_command: bool
    why: str = ""


_DMARC = re.compile(r"\s*dmarc\s*(?:/\s*1\s*)?=\s*([a-z]+)(?![^\s;])", re.IGNORECASE)
"""The result of the method, in version 1 (RFC 8601, 2.2)."""
_FROM = re.compile(r"(?<![^\s;])header\.from\s*=\s*(\S+)", re.IGNORECASE)


def verdict(headers: tuple[str, ...], authserv_id: str, peer_is_relay: bool, from_domain: str) -> Verdict:
    """DMARC's result in the topmost header, if `authserv_id` wrote it and the mail came from our own relay.

    Only the topmost counts: those below may have come with the mail. Several results are a pass if all of them are.
    """
    if not (authserv_id and peer_is_relay and headers and from_domain):
        return Verdict.NONE
    parts = _without_comments(headers[0]).split(";")
    if parts[0].split()[:1] != [authserv_id] or len(parts[0].split()) > 2:
        return Verdict.NONE
    results = {_result(match[1], part, from_domain) for part in parts[1:] if (match := _DMARC.match(part))}
    if Verdict.FAIL in results:
        return Verdict.FAIL
    return Verdict.PASS if results == {Verdict.PASS} else Verdict.NONE


@dataclass(frozen=True, slots=True)
class AgentMailFacts:
    """What is known of a mail that somebody sent as an agent."""

    token: ReplyToken | None
    """Of the signed address that it was sent to."""
    agent_id: int | None
    """The active agent whom the From address belongs to."""
    sender_strict: bool
    token_in_envelope: bool
    other_ticket: bool
    """It answers a mail of another ticket than its address names."""
    vouched: Verdict
    site_vouches: bool
    """This site has a receiving MTA that could have vouched; where it has none, text counts but commands do not."""


def agent_proof(facts: AgentMailFacts) -> Proof:
    """The four conditions: signed address for this agent, strict From, an aligned pass, an active agent."""
    token = facts.token
    if token is None or token.purpose not in (AGENT, SIDE_AGENT):
        return _refused("it was not sent to the reply address of the notice")
    if token.expired:
        return _refused("the reply address has expired")
    if facts.agent_id is None or not facts.sender_strict or facts.agent_id != token.person_id:
        return _refused("the sender is not the agent for whom the reply address was made")
    if not facts.token_in_envelope:
        return _refused("the reply address is not where the mail was delivered to")
    if facts.other_ticket:
        return _refused("it answers a mail of another ticket")
    if facts.vouched is Verdict.PASS:
        return Proof(True, True)
    if facts.site_vouches:
        return _refused(f"the receiving mail server did not confirm the sender (DMARC: {facts.vouched})")
    return Proof(True, False, "commands need a receiving mail server that confirms senders (authserv_id)")


def _refused(why: str) -> Proof:
    return Proof(False, False, why)


def _result(word: str, part: str, from_domain: str) -> Verdict:
    """What one DMARC result says of the From domain."""
    if word.lower() == "fail":
        return Verdict.FAIL
    if word.lower() != "pass":
        return Verdict.NONE
    domains = {value.strip('"').lower() for value in _FROM.findall(part)}
    if not domains:
        return Verdict.NONE
    return Verdict.PASS if domains == {from_domain.lower()} else Verdict.FAIL


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
