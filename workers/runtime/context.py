"""The context of the actors: the store, the classifier, and the desk's configuration as of a few seconds ago."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from classifier.model import Categoriser
from classifier.starter import shipped
from desk.incidents.detector import USUAL, Detector
from desk.rules.keyword_rules import Rulebook
from desk.signed import reply_address
from desk.tickets.lifecycle import Lifecycle
from storage.config import priority_matrix
from storage.db.session import Session
from storage.incidents import detector_settings
from storage.learning import keyword_rules
from storage.mail.recent_automatic import RecentAutomatic
from storage.open_store import Store
from storage.people import organisations, people
from storage.people.people import Mailbox, Team
from storage.tickets import lifecycle
from usecases.routing import assign as assignment
from usecases.routing.assign import RoutingSetup
from usecases.rules import automations
from usecases.rules.automations import StoredAutomation
from workers.runtime.active_model import ModelWatch

FRESH_SECONDS = 5.0


@dataclass(frozen=True)
class DeskConfiguration:
    """The desk's mailboxes, teams and rules as they were a few seconds ago."""

    mailboxes: dict[str, Mailbox]
    teams: dict[int, Team]
    rules: Rulebook = field(default_factory=Rulebook)
    lifecycle: Lifecycle = field(default_factory=Lifecycle)
    organisations: Mapping[str, int] = field(default_factory=dict)
    """Domain → organisation."""
    automations: tuple[StoredAutomation, ...] = ()
    routing: RoutingSetup = field(default_factory=RoutingSetup)
    detector: Detector = USUAL

    @property
    def first(self) -> Mailbox | None:
        return next(iter(self.mailboxes.values()), None)

    def of_addresses(self, addresses: tuple[str, ...]) -> Mailbox | None:
        """The mailbox that the first of these addresses belongs to, without reply tokens."""
        known = (self.mailboxes.get(a) or self.mailboxes.get(reply_address.without_token(a)) for a in addresses)
        return next((box for box in known if box), None)


@dataclass
class Context:
    """Shared by the threads of one worker process."""

    store: Store
    categoriser: Categoriser
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    react: bool = True
    watch: ModelWatch | None = None
    recent_automatic: RecentAutomatic = field(default_factory=RecentAutomatic, repr=False)
    _configuration: tuple[float, DeskConfiguration] | None = field(default=None, repr=False)
    _matrix: tuple[str, ...] = field(default=(), repr=False)

    def configuration(self, session: Session) -> DeskConfiguration:
        """Mailboxes, teams and rules, read again when they are older than a few seconds."""
        if self._configuration is None or time.monotonic() - self._configuration[0] > FRESH_SECONDS:
            self._matrix = self._matrix or self.store.settings.priority_matrix
            self.store = priority_matrix.with_stored_matrix(session, self.store, self._matrix)
            self._configuration = (time.monotonic(), self._read_configuration(session))
        return self._configuration[1]

    def _read_configuration(self, session: Session) -> DeskConfiguration:
        return DeskConfiguration(
            mailboxes={box.address: box for box in people.all_mailboxes(session)},
            teams={team.id: team for team in people.all_teams(session)},
            rules=keyword_rules.active_rules(session, frozenset(self.categoriser.parts.classes)),
            lifecycle=lifecycle.rules(session),
            organisations=organisations.by_domain(session),
            automations=tuple(automations.active_automations(session)),
            routing=assignment.load_setup(session),
            detector=detector_settings.rules(session),
        )

    def refresh(self) -> None:
        """The desk's active model, if another one became active some seconds ago; at first, its rules."""
        if self._configuration is None:
            with self.store.database.reading() as session:
                self.configuration(session)
        if self.watch is not None:
            self.categoriser = self.watch.fresh(self.categoriser, self.now())

    @property
    def secret(self) -> bytes:
        return self.store.secret


def open_context(store: Store, *, react: bool = True) -> Context:
    """A context with the shipped model; the desk's active one takes its place when the first work comes."""
    return Context(store, shipped(), react=react, watch=ModelWatch(store, registers=True))
