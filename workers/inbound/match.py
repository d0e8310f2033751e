"""Matches each request of a batch to a ticket: which one, by which signal, and in which state the request ends.

It reads the batch context and writes nothing. A request is matched after its parents in the same batch, so that the
order of arrival does not matter.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from desk.config.settings import Settings
from desk.mail.authentication import Verdict
from desk.mail.inbound_request import AutoKind
from desk.mail.states import InboundState
from desk.mail.thanks import is_courtesy
from desk.signed import reply_address
from desk.signed.reply_address import AGENT, REQUESTER, SIDE, SIDE_AGENT, ReplyToken
from desk.tickets import participants
from desk.tickets.lifecycle import Lifecycle
from desk.tickets.side_conversation import Side
from desk.tickets.threading import Candidate, Signal
from storage.people.people import Person
from workers.inbound import bounces, external_references
from workers.inbound import side_conversations as side_conversation_mail
from workers.inbound.batch_context import BatchContext, sender_verdict
from workers.inbound.bounces import Delivery
from workers.inbound.item import Item
from workers.inbound.targets import Target, Targets


@dataclass(frozen=True)
class Decision:
    """How one request ends: its state, its target, the signal; `linked` is a ticket that it only names."""

    item: Item
    state: InboundState
    target: Target | None = None
    signal: Signal = Signal.NONE
    detail: str = ""
    linked: Target | None = None
    link_kind: str = ""
    reason: str = ""
    token: ReplyToken | None = None
    token_address: str = ""
    trust: Verdict = Verdict.NONE
    bridge: Target | None = None
    """Another ticket of the same thread, opened while this message, which joins the two, was still missing."""
    side: Side | None = None
    """The side conversation that it belongs to."""
    about: Delivery | None = None
    """The outbound message that a credible delivery report is about."""
    newcomers: tuple[str, ...] = ()
    """Participants from this message on who are not in copy: they are suggested to the agents."""


@dataclass
class Matcher:
    """Matches a batch; `decisions` fills up in an order in which parents come first."""

    batch: BatchContext
    settings: Settings
    secret: bytes
    now: datetime
    ours: frozenset[str] = frozenset()
    reopen_window: timedelta = Lifecycle().reopen_window
    decisions: dict[int, Decision] = field(default_factory=dict)
    _open: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.targets = Targets(self.batch, self.secret)

    def match_all(self, items: list[Item]) -> list[Decision]:
        for item in items:
            self._decide(item)
        return list(self.decisions.values())

    def _decide(self, item: Item) -> None:
        if item.inbound_id in self.decisions or item.inbound_id in self._open:
            return
        self._open.add(item.inbound_id)
        for key in item.keys.named:
            owner = self.batch.owners.get(key)
            if owner is not None and owner is not item:
                self._decide(owner)
        decision = self._learn_keys(self._match_request(item))
        self.decisions[item.inbound_id] = decision
        self.batch.numbers.learn(decision)

    def _match_request(self, item: Item) -> Decision:
        repeated = self._repeated(item)
        if repeated is not None:
            return repeated
        request = item.request
        if request.auto is AutoKind.OWN or reply_address.ticket_of_message_id(request.thread.message_id, self.secret):
            return Decision(item, InboundState.AUTOMATIC, self._own(item), reason="our own mail came back")
        if request.auto is AutoKind.BOUNCE:
            return self._bounce(item)
        trust = sender_verdict(request, self.settings)
        third_party = self._by_third_party(item, trust)
        if third_party is not None:
            return third_party
        agent = self._agent(item)
        token, token_address = self._token(item)
        if agent is not None and (token is None or token.purpose in (AGENT, SIDE_AGENT)):
            agent_decision = self._by_agent(item, agent, token, token_address, trust)
            if agent_decision is not None:
                return agent_decision
        if agent is None and token is not None and token.purpose in (AGENT, SIDE_AGENT):
            unknown_decision = self._by_unknown(item, token, token_address, trust)
            if unknown_decision is not None:
                return unknown_decision
        return self._by_requester(item, token, trust)

    def _repeated(self, item: Item) -> Decision | None:
        """The same content again: by another channel, to another mailbox, or sent twice."""
        key = self.batch.key_of(item)
        known = self.batch.keys[key]
        repeats = known.content_hash == item.request.content_hash and key not in self.batch.outdated
        if known.row_id and repeats:
            target = self.targets.target(known.ticket_id)
            return Decision(
                item, InboundState.DUPLICATE, target, reason=f"message {known.row_id} of ticket #{known.ticket_id}"
            )
        first = self.batch.owners[key]
        if first is not item:
            self._decide(first)
            return Decision(
                item, InboundState.DUPLICATE, self._target_of_item(first), reason="came twice at the same moment"
            )
        return None

    def _own(self, item: Item) -> Target | None:
        number = reply_address.ticket_of_message_id(item.request.thread.message_id, self.secret)
        return self.targets.target(number) if number else None

    def _bounce(self, item: Item) -> Decision:
        bounce, about = item.request.bounce, self.batch.deliveries.get(item.inbound_id)
        if about is not None:
            return self._of_delivery(item, about)
        name = bounce.original_message_id if bounce else ""
        side = (
            self.batch.sides.get(reply_address.side_of_message_id(name, self.secret) or 0) if self.batch.sides else None
        )
        target = self.targets.target(
            side.ticket_id if side else reply_address.ticket_of_message_id(name, self.secret) or 0
        )
        if target is None:
            return Decision(item, InboundState.AUTOMATIC, reason="a delivery report that names no mail of ours")
        return Decision(item, InboundState.AUTOMATIC, target, Signal.MESSAGE_ID, name, side=side)

    def _of_delivery(self, item: Item, about: Delivery) -> Decision:
        trust, side = sender_verdict(item.request, self.settings), self.batch.sides.get(about.side_id)
        signal = Signal.ADDRESS if about.signed else Signal.MESSAGE_ID
        named = (self.targets.target(about.ticket_id), signal, about.external_id)
        proven = about if bounces.is_credible(item.request, about, trust, self.settings) else None
        return Decision(item, InboundState.AUTOMATIC, *named, trust=trust, side=side, about=proven)

    def _by_third_party(self, item: Item, trust: Verdict) -> Decision | None:
        """A third party's mail in a side conversation; None for a sender who takes no part in it."""
        named = side_conversation_mail.find_named(self.batch.sides, item, self.secret, self.now)
        target = self.targets.target(named.side.ticket_id) if named else None
        if named is None or target is None:
            return None
        if not side_conversation_mail.may_write(item, named.side, target.requester, self._own_domains, trust):
            return None
        state = InboundState.APPENDED if item.request.auto is AutoKind.NONE else InboundState.AUTOMATIC
        return Decision(item, state, target, named.signal, named.detail, trust=trust, side=named.side)

    def _agent(self, item: Item) -> Person | None:
        if item.behind is not None or not item.request.sender.address:
            return None
        person = self.batch.person(item)
        return person if person.is_agent else None

    def _token(self, item: Item) -> tuple[ReplyToken | None, str]:
        """The first genuine reply address; tokens of removed people and revoked tokens are not genuine."""
        for each in item.keys.reply_addresses:
            parts = reply_address.token_of(each)
            person = self.batch.by_id.get(parts[2]) if parts and parts[0] != SIDE else None
            token = (
                reply_address.read_reply_address(each, person.key_version, self.secret, self.now) if person else None
            )
            if token is not None:
                return token, each
        return None, ""

    def _by_agent(
        self, item: Item, agent: Person, token: ReplyToken | None, token_address: str, trust: Verdict
    ) -> Decision | None:
        """An agent's mail about a ticket; None if the agent writes as a requester."""
        if token is not None:
            target, side = self._of_token(token)
            named, detail = (
                self.targets.of_candidate(self.targets.candidate_of(item)),
                token_address.partition("@")[0][:40],
            )
            if target is not None:
                signed = (token, token_address, trust)
                return Decision(
                    item, InboundState.COMMAND, target, Signal.ADDRESS, detail, named, "", "", *signed, side=side
                )
        candidate = self.targets.candidate_of(item)
        target = self.targets.of_candidate(candidate)
        if candidate is None or target is None or self._takes_part(item, target, candidate, trust):
            return None
        return Decision(
            item, InboundState.COMMAND, target, Signal.REFERENCES, "", None, "", "no reply address", trust=trust
        )

    def _of_token(self, token: ReplyToken) -> tuple[Target | None, Side | None]:
        """The ticket of an agent's reply address, and the side conversation that it answers."""
        side = self.batch.sides.get(token.ticket_id) if token.purpose == SIDE_AGENT else None
        number = token.ticket_id if token.purpose == AGENT else side.ticket_id if side else 0
        return self.targets.target(number), side

    def _by_unknown(self, item: Item, token: ReplyToken, token_address: str, trust: Verdict) -> Decision | None:
        """An unknown sender at an agent's reply address: perhaps the agent; None for a participant of the ticket."""
        target, _ = self._of_token(token)
        named = self.targets.of_candidate(self.targets.candidate_of(item))
        if target is None or any(item.sender in each.people for each in (target, named) if each):
            return None
        detail, signed = token_address.partition("@")[0][:40], (token, token_address, trust)
        return Decision(item, InboundState.COMMAND, target, Signal.ADDRESS, detail, None, "", "", *signed)

    def _by_requester(self, item: Item, token: ReplyToken | None, trust: Verdict) -> Decision:
        named = self._candidate(item, token, trust)
        candidate, target = named, self.targets.of_candidate(named)
        if candidate is None or target is None or not self._takes_part(item, target, candidate, trust):
            linked, (candidate, target) = target, self._by_external_reference(item, trust)
            if candidate is None or target is None:
                return self._opened(item, trust, linked, _link_kind(named) if linked else "")
        if item.request.auto is not AutoKind.NONE:
            return Decision(item, InboundState.AUTOMATIC, target, candidate.signal, candidate.detail, trust=trust)
        if self._is_closed_for_long(target) and not is_courtesy(
            item.request.reply, files=bool(item.request.attachments)
        ):
            return self._opened(item, trust, target, "follow-up")
        bridge = self._bridge(item, target, candidate, trust)
        return Decision(
            item, InboundState.APPENDED, target, candidate.signal, candidate.detail, trust=trust, bridge=bridge
        )

    def _bridge(self, item: Item, target: Target, candidate: Candidate, trust: Verdict) -> Target | None:
        """The parent's ticket, if a late message came onto its reply's ticket and its author takes part in both."""
        parent = self.targets.by_reference(item) if candidate.signal is Signal.LATE else None
        other = self.targets.of_candidate(parent)
        if other is None or other is target or parent is None or self._is_closed_for_long(other):
            return None
        return other if self._takes_part(item, other, parent, trust) else None

    def _opened(self, item: Item, trust: Verdict, linked: Target | None = None, kind: str = "") -> Decision:
        if item.request.auto is AutoKind.RECEIPT:
            return Decision(item, InboundState.AUTOMATIC, reason="a receipt that names no mail of ours")
        requester = self._requester(item, trust)
        target = Target(item.people(requester), requester, opener=item)
        return Decision(item, InboundState.TICKETED, target, linked=linked, link_kind=kind, trust=trust)

    def _requester(self, item: Item, trust: Verdict) -> str:
        """An agent who passes somebody's mail on opens a ticket for that somebody, if the agent is vouched for."""
        forwarded, sender = item.request.forwarded, item.sender
        if forwarded is None or self._agent(item) is None or not item.request.sender_strict:
            return sender
        return forwarded.address if trust is Verdict.PASS and forwarded.address else sender

    def _candidate(self, item: Item, token: ReplyToken | None, trust: Verdict) -> Candidate | None:
        """The first signal that names a ticket; replies that came first only if the sender may join them."""
        if token is not None and token.purpose == REQUESTER and not token.expired:
            return Candidate(token.ticket_id, Signal.ADDRESS, "reply address")
        third_party = side_conversation_mail.find_named(self.batch.sides, item, self.secret, self.now)
        if third_party is not None:
            # The sender takes no part there: it goes to the public conversation, if they take part in that.
            return Candidate(third_party.side.ticket_id, third_party.signal, third_party.detail)
        late, named = self.targets.candidate_of_replies(item), self.targets.candidate_of(item)
        target = self.targets.of_candidate(late)
        if late is None or target is None or (named is not None and named.signal.signed):
            return named
        return late if named is None or self._takes_part(item, target, late, trust) else named

    def _by_external_reference(self, item: Item, trust: Verdict) -> tuple[Candidate | None, Target | None]:
        """The ticket that a ticket number of the sender's own desk means, if the sender may write there."""
        numbers = self.batch.numbers
        for key in numbers.of.get(item.inbound_id, ()):
            target = numbers.new.get(key) or self.targets.target(numbers.known.get(key, 0))
            if target is not None and external_references.may_append(item, target.people, self._own_domains, trust):
                return Candidate(target.ticket.id if target.ticket else 0, Signal.FOREIGN, key[0]), target
        return None, None

    @property
    def _own_domains(self) -> set[str]:
        return {each.rpartition("@")[2] for each in self.ours}

    def _target_of_item(self, item: Item) -> Target | None:
        decision = self.decisions.get(item.inbound_id)
        return decision.target if decision else None

    def _takes_part(self, item: Item, target: Target, candidate: Candidate, trust: Verdict) -> bool:
        """Whether its sender may append it there; what a channel's own conversation holds together needs no more."""
        if candidate.signal is Signal.CONVERSATION:
            return trust is not Verdict.FAIL
        if item.behind is not None:  # Reply-To proves nothing: only what nobody else was given leads to their ticket.
            return candidate.signal.signed and item.sender in target.people
        request, part = item.request, target.people.get(item.request.sender.address)
        public = participants.is_public(request, target.requester, self.ours)
        return item.is_clear and participants.may_append(part, trust, signed=candidate.signal.signed, in_public=public)

    def _is_closed_for_long(self, target: Target) -> bool:
        closed = target.ticket.closed_at if target.ticket else None
        return closed is not None and self.now - closed > self.reopen_window

    def _learn_keys(self, decision: Decision) -> Decision:
        """From now on this message's key, and the unknown keys that it names, mean its ticket."""
        if (
            decision.target is None
            or decision.side
            or decision.state not in (InboundState.TICKETED, InboundState.APPENDED)
        ):
            return decision
        item = decision.item
        self.targets.new_keys[self.batch.key_of(item)] = decision.target
        for key in item.keys.named:
            if key not in self.targets.new_keys and not self.batch.keys[key].ticket_id and key not in self.batch.owners:
                self.targets.new_keys[key] = decision.target
        parties = [party.address for party in item.addressed]
        addressed = [each for each in parties if reply_address.without_token(each) not in self.ours]
        opens, people = decision.state == InboundState.TICKETED, decision.target.people
        # Whoever stands behind somebody else's mail is not proven, and brings nobody.
        verdict = decision.trust if item.behind is None else Verdict.FAIL
        fresh = participants.newcomers(people, item.sender, addressed, verdict, opens=opens)
        people.update(fresh)
        return decision if opens else replace(decision, newcomers=tuple(fresh))


def _link_kind(candidate: Candidate | None) -> str:
    """The kind of link to a ticket that the sender may not write to: which of the two mails named the other."""
    return "named-by" if candidate is not None and candidate.signal is Signal.LATE else "named"
