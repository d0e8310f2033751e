"""What becomes of each request of a batch: which ticket, by which signal, which end state. Reads facts, writes nothing.

A request is decided after the parents that came in the same batch, so that order of arrival does not matter.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from desk.config.settings import Settings
from desk.mail.authentication import Verdict
from desk.mail.inbound_request import AutoKind, Channel
from desk.mail.thanks import is_courtesy
from desk.signed import reply_address
from desk.signed.reply_address import AGENT, REQUESTER, SIDE, SIDE_AGENT, ReplyToken
from desk.tickets import subject, threading
from desk.tickets.lifecycle import Lifecycle
from desk.tickets.side_conversation import Side
from desk.tickets.threading import Candidate, Signal
from desk.tickets.ticket import Ticket
from storage.people.people import Person
from workers.inbound import external_references
from workers.inbound import side_conversations as side_conversation_mail
from workers.inbound.batch_context import Facts, Item, vouched


@dataclass
class Spot:
    """A ticket that is there, or one that `opener` opens (`ticket` is None until it has its number)."""

    people: dict[str, str]
    requester: str
    ticket: Ticket | None = None
    opener: Item | None = None


@dataclass(frozen=True)
class Decision:
    """How one request ends. `known_id` is the ticket or message that it repeats; `linked` one that it only names."""

    item: Item
    state: str
    spot: Spot | None = None
    signal: Signal = Signal.NONE
    detail: str = ""
    linked: Spot | None = None
    link_kind: str = ""
    reason: str = ""
    token: ReplyToken | None = None
    token_address: str = ""
    trust: Verdict = Verdict.NONE
    bridge: Spot | None = None
    """Another ticket of the same thread: it was opened while this message, which joins the two, was still missing."""
    side: Side | None = None
    """The side conversation in which it is said."""


@dataclass
class Decider:
    """Decides a batch; `decisions` fills up in an order in which parents come first."""

    facts: Facts
    settings: Settings
    secret: bytes
    now: datetime
    ours: frozenset[str] = frozenset()
    reopen_window: timedelta = Lifecycle().reopen_window
    decisions: dict[int, Decision] = field(default_factory=dict)
    spots: dict[int, Spot] = field(default_factory=dict)
    new_keys: dict[str, Spot] = field(default_factory=dict)
    _open: set[int] = field(default_factory=set)

    def decide_all(self, items: list[Item]) -> list[Decision]:
        for item in items:
            self._decide(item)
        return list(self.decisions.values())

    def _decide(self, item: Item) -> None:
        if item.inbound_id in self.decisions or item.inbound_id in self._open:
            return
        self._open.add(item.inbound_id)
        for key in threading.named_keys(item.request):
            owner = self.facts.owners.get(key)
            if owner is not None and owner is not item:
                self._decide(owner)
        decision = self._one(item)
        self.decisions[item.inbound_id] = decision
        self._remember(decision)
        self.facts.numbers.learn(decision)

    def _one(self, item: Item) -> Decision:
        repeated = self._repeated(item)
        if repeated is not None:
            return repeated
        request = item.request
        if request.auto is AutoKind.OWN or reply_address.ticket_of_message_id(request.thread.message_id, self.secret):
            return Decision(item, "automatic", self._own(item), reason="our own mail came back")
        if request.auto is AutoKind.BOUNCE:
            return self._bounce(item)
        trust = vouched(request, self.settings)
        aside = self._aside(item, trust)
        if aside is not None:
            return aside
        agent = self._agent(item)
        token, token_address = self._token(item)
        if agent is not None and (token is None or token.purpose in (AGENT, SIDE_AGENT)):
            spoken = self._by_agent(item, agent, token, token_address, trust)
            if spoken is not None:
                return spoken
        return self._by_requester(item, token, trust)

    def _repeated(self, item: Item) -> Decision | None:
        """The same content again: by another door, to another mailbox, or sent twice."""
        key = self.facts.key_of(item)
        known = self.facts.keys[key]
        if known.row_id and known.content_hash == item.request.content_hash:
            spot = self._spot(known.ticket_id)
            return Decision(item, "duplicate-of", spot, reason=f"message {known.row_id} of ticket #{known.ticket_id}")
        first = self.facts.owners[key]
        if first is not item:
            self._decide(first)
            return Decision(item, "duplicate-of", self._spot_of(first), reason="came twice at the same moment")
        return None

    def _own(self, item: Item) -> Spot | None:
        number = reply_address.ticket_of_message_id(item.request.thread.message_id, self.secret)
        return self._spot(number) if number else None

    def _bounce(self, item: Item) -> Decision:
        bounce = item.request.bounce
        name = bounce.original_message_id if bounce else ""
        side = (
            self.facts.sides.get(reply_address.side_of_message_id(name, self.secret) or 0) if self.facts.sides else None
        )
        spot = self._spot(side.ticket_id if side else reply_address.ticket_of_message_id(name, self.secret) or 0)
        if spot is None:
            return Decision(item, "automatic", reason="a delivery report that names no mail of ours")
        return Decision(item, "automatic", spot, Signal.MESSAGE_ID, name, side=side)

    def _aside(self, item: Item, trust: Verdict) -> Decision | None:
        """What a third party says in a side conversation; None for whoever takes no part in it."""
        named = side_conversation_mail.named(self.facts.sides, item, self.secret, self.now)
        spot = self._spot(named.side.ticket_id) if named else None
        if named is None or spot is None:
            return None
        if not side_conversation_mail.may_say(item, named.side, spot.requester, self._own_domains, trust):
            return None
        state = "appended" if item.request.auto is AutoKind.NONE else "automatic"
        return Decision(item, state, spot, named.signal, named.detail, trust=trust, side=named.side)

    def _agent(self, item: Item) -> Person | None:
        person = self.facts.persons.get(item.request.sender.address) if item.behind is None else None
        return person if person is not None and person.is_agent else None

    def _token(self, item: Item) -> tuple[ReplyToken | None, str]:
        """The first genuine reply address; tokens of people who are gone or were revoked are not genuine."""
        for each in threading.reply_addresses(item.request):
            parts = reply_address.token_of(each)
            person = self.facts.by_id.get(parts[2]) if parts and parts[0] != SIDE else None
            token = (
                reply_address.read_reply_address(each, person.key_version, self.secret, self.now) if person else None
            )
            if token is not None:
                return token, each
        return None, ""

    def _by_agent(
        self, item: Item, agent: Person, token: ReplyToken | None, token_address: str, trust: Verdict
    ) -> Decision | None:
        """An agent's mail about a ticket; None if the agent writes as anybody else would."""
        if token is not None:
            side = self.facts.sides.get(token.ticket_id) if token.purpose == SIDE_AGENT else None
            number = token.ticket_id if token.purpose == AGENT else side.ticket_id if side else 0
            spot, named = self._spot(number), self._named(item)
            detail = token_address.partition("@")[0][:40]
            if spot is not None:
                signed = (token, token_address, trust)
                return Decision(item, "command", spot, Signal.ADDRESS, detail, named, "", "", *signed, side=side)
        spot = self._named(item)
        if spot is None or agent.address in spot.people:
            return None
        return Decision(item, "command", spot, Signal.REFERENCES, "", None, "", "no reply address", trust=trust)

    def _by_requester(self, item: Item, token: ReplyToken | None, trust: Verdict) -> Decision:
        candidate = self._candidate(item, token)
        spot = self._spot_of_candidate(item, candidate)
        if candidate is None or spot is None or not self._takes_part(item, spot, candidate, trust):
            named, (candidate, spot) = spot, self._by_foreign_number(item, trust)
            if candidate is None or spot is None:
                return self._opened(item, trust, named, "named" if named else "")
        if item.request.auto is not AutoKind.NONE:
            return Decision(item, "automatic", spot, candidate.signal, candidate.detail, trust=trust)
        if self._too_late(spot) and not is_courtesy(item.request.reply, files=bool(item.request.attachments)):
            return self._opened(item, trust, spot, "follow-up")
        bridge = self._bridge(item, spot, candidate, trust)
        return Decision(item, "appended", spot, candidate.signal, candidate.detail, trust=trust, bridge=bridge)

    def _bridge(self, item: Item, spot: Spot, candidate: Candidate, trust: Verdict) -> Spot | None:
        """The parent's ticket, if a late message came onto its reply's ticket and its author takes part in both."""
        parent = self._by_reference(item) if candidate.signal is Signal.LATE else None
        other = self._spot_of_candidate(item, parent)
        if other is None or other is spot or parent is None or self._too_late(other):
            return None
        return other if self._takes_part(item, other, parent, trust) else None

    def _opened(self, item: Item, trust: Verdict, linked: Spot | None = None, kind: str = "") -> Decision:
        if item.request.auto is AutoKind.RECEIPT:
            return Decision(item, "automatic", reason="a receipt that names no mail of ours")
        requester = self._requester(item, trust)
        spot = Spot(item.people(requester), requester, opener=item)
        return Decision(item, "ticketed", spot, linked=linked, link_kind=kind, trust=trust)

    def _requester(self, item: Item, trust: Verdict) -> str:
        """An agent who passes somebody's mail on opens a ticket for that somebody, if the agent is vouched for."""
        forwarded, sender = item.request.forwarded, item.sender
        if forwarded is None or self._agent(item) is None or not item.request.sender_strict:
            return sender
        return forwarded.address if trust is Verdict.PASS and forwarded.address else sender

    def _candidate(self, item: Item, token: ReplyToken | None) -> Candidate | None:
        request = item.request
        if token is not None and token.purpose == REQUESTER and not token.expired:
            return Candidate(token.ticket_id, Signal.ADDRESS, "reply address")
        aside = side_conversation_mail.named(self.facts.sides, item, self.secret, self.now)
        if aside is not None:
            # Said by somebody who takes no part there: to the public conversation, if they do in that.
            return Candidate(aside.side.ticket_id, aside.signal, aside.detail)
        signed = threading.signed_message_ids(request, self.secret)
        if signed:
            return Candidate(signed[0][0], Signal.MESSAGE_ID, signed[0][1])
        return self._late(item) or self._by_reference(item) or self._by_subject(item)

    def _late(self, item: Item) -> Candidate | None:
        """Replies to this mail are here already and hold its id."""
        key = self.facts.key_of(item)
        spot = self.new_keys.get(key) or self._spot(self.facts.keys[key].ticket_id)
        if spot is None:
            return None
        senders = {a for a, role in spot.people.items() if role in ("requester", "sender")}
        if not threading.may_link_late(item.request, senders, spot.requester):
            return None
        return Candidate(spot.ticket.id if spot.ticket else 0, Signal.LATE, key)

    def _by_reference(self, item: Item) -> Candidate | None:
        keys = threading.named_keys(item.request)
        known = {key: self._ticket_number(key) for key in keys}
        return threading.first_known(keys, {k: n for k, n in known.items() if n is not None}, item.request.channel)

    def _by_subject(self, item: Item) -> Candidate | None:
        if item.request.channel is not Channel.EMAIL:
            return None
        numbers = [number for number in subject.tags(item.request.subject) if number in self.facts.tickets]
        return Candidate(numbers[0], Signal.SUBJECT, subject.tag(numbers[0])) if numbers else None

    def _by_foreign_number(self, item: Item, trust: Verdict) -> tuple[Candidate | None, Spot | None]:
        """The ticket that a ticket number of the sender's own desk means, if the sender may write there."""
        numbers = self.facts.numbers
        for key in numbers.of.get(item.inbound_id, ()):
            spot = numbers.new.get(key) or self._spot(numbers.known.get(key, 0))
            if spot is not None and external_references.may_append(item, spot.people, self._own_domains, trust):
                return Candidate(spot.ticket.id if spot.ticket else 0, Signal.FOREIGN, key[0]), spot
        return None, None

    @property
    def _own_domains(self) -> set[str]:
        return {each.rpartition("@")[2] for each in self.ours}

    def _named(self, item: Item) -> Spot | None:
        """The ticket that a mail names below the reply address, whoever wrote it."""
        signed = threading.signed_message_ids(item.request, self.secret)
        if signed:
            return self._spot(signed[0][0])
        candidate = self._by_reference(item) or self._by_subject(item)
        return self._spot_of_candidate(item, candidate)

    def _ticket_number(self, key: str) -> int | None:
        """The ticket behind a key; 0 for one that this batch opens."""
        if key in self.new_keys:
            spot = self.new_keys[key]
            return spot.ticket.id if spot.ticket else 0
        known = self.facts.keys.get(key)
        return known.ticket_id if known and known.ticket_id else None

    def _spot_of_candidate(self, item: Item, candidate: Candidate | None) -> Spot | None:
        if candidate is None:
            return None
        if (
            candidate.signal in (Signal.REFERENCES, Signal.CONVERSATION, Signal.LATE)
            and candidate.detail in self.new_keys
        ):
            return self.new_keys[candidate.detail]
        return self._spot(candidate.ticket_id)

    def _spot_of(self, item: Item) -> Spot | None:
        decision = self.decisions.get(item.inbound_id)
        return decision.spot if decision else None

    def _spot(self, number: int) -> Spot | None:
        """The ticket of that number, or the one that it was merged into."""
        ticket = self.facts.tickets.get(number)
        while ticket is not None and ticket.merged_into:
            ticket = self.facts.tickets.get(ticket.merged_into)
        if ticket is None:
            return None
        if ticket.id not in self.spots:
            people = self.facts.people_of.get(ticket.id, {})
            requester = next((a for a, role in people.items() if role == "requester"), "")
            self.spots[ticket.id] = Spot(people, requester, ticket)
        return self.spots[ticket.id]

    def _takes_part(self, item: Item, spot: Spot, candidate: Candidate, trust: Verdict) -> bool:
        if candidate.signal in (Signal.CONVERSATION, Signal.LATE):
            return trust is not Verdict.FAIL
        if item.behind is not None:  # Reply-To proves nothing: only what nobody else was given leads to their ticket.
            return candidate.signal in (Signal.ADDRESS, Signal.MESSAGE_ID) and item.sender in spot.people
        return item.is_clear and threading.may_append(item.request.sender.address, spot.people, trust is Verdict.FAIL)

    def _too_late(self, spot: Spot) -> bool:
        closed = spot.ticket.closed_at if spot.ticket else None
        return closed is not None and self.now - closed > self.reopen_window

    def _remember(self, decision: Decision) -> None:
        """From now on this message's id, and the unknown ids that it names, mean its ticket."""
        if decision.spot is None or decision.side or decision.state not in ("ticketed", "appended"):
            return
        item = decision.item
        self.new_keys[self.facts.key_of(item)] = decision.spot
        for key in threading.named_keys(item.request):
            if key not in self.new_keys and not self.facts.keys[key].ticket_id and key not in self.facts.owners:
                self.new_keys[key] = decision.spot
        # Unproven senders, and people whom they name, may write, but nothing is sent to them.
        proven = decision.trust is Verdict.PASS and item.behind is None
        decision.spot.people.setdefault(item.sender, "sender" if proven else "named")
        role = "cc" if proven else "named"
        for party in item.addressed:
            if reply_address.without_token(party.address) not in self.ours:
                decision.spot.people.setdefault(party.address, role)
