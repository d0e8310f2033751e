"""Incidents, end to end: people write, the desk notices, gathers, raises, tells; and it does so once."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
import sqlalchemy as sa

from desk.priority.levels import Priority
from desk.tickets import transitions
from desk.tickets.ticket import Actor, ActorKind, Status
from gateway.intake import accept
from storage.db.statements import insert_rows
from storage.incidents import incidents
from storage.incidents.incidents import DISMISSED, MEMBER, OPEN, QUIET, RESOLVED, SUGGESTED, Incident
from storage.people import people
from storage.people.people import NewAgent
from storage.tables.learning import incident_traffic
from storage.tables.tickets import agents
from storage.tickets import tickets
from tests.small_desk import BOB, CAROL, SmallDesk, words
from usecases.incidents import bulk_orders
from usecases.incidents.bulk_orders import NewOrder
from workers.inbound import ingest
from workers.incidents import detector as watch

OUTAGE = (
    "I cannot log in since this morning, the login page says gateway timeout.",
    "Login does not work, it says: gateway timeout. Please help, I cannot sign in.",
    "Hello, the login page shows a gateway timeout error, cannot log in at all.",
    "We cannot log in any more. Error: gateway timeout on the login page",
    "login broken?? gateway timeout when I try to log in with my password",
    "My password is right, but I cannot log in: gateway timeout.",
    "Cannot log in to my account, gateway timeout.",
    "Gateway timeout when logging in, cannot log in since nine.",
)


def everyday(desk: SmallDesk, days: int = 8) -> None:
    """A desk that has been there for a while: a few requests a day, about everything."""
    said = (
        ("Invoice copy", "Please send me a copy of the last invoice, the accounting needs it."),
        ("Printer", "The printer on the second floor is out of toner."),
        ("Password", "I forgot my password for the intranet, could you reset it and log me in?"),
        ("Holiday", "How many days of leave do I have left this year?"),
    )
    for day in range(days):
        for place, (subject, text) in enumerate(said):
            desk.later(hours=2)
            sender = f"person{day}{place}@home{place}.example.test"
            accept(desk.store, [desk.mail(sender, subject, text)], desk.now)
            ingest.drain(desk.context)
            watch.drain(desk.context)
        desk.later(hours=16)


def outage(
    desk: SmallDesk, texts: Sequence[str] = OUTAGE, minutes: float = 1.0, subject: str = "Cannot log in"
) -> list[int]:
    """So many people, one after the other; their tickets."""
    before = len(desk.tickets())
    for place, text in enumerate(texts):
        desk.later(minutes=minutes)
        desk.receive(desk.mail(f"user{place}@place{place}.example.test", subject, text))
        watch.drain(desk.context)
    return [ticket.id for ticket in desk.tickets()[before:]]


def all_incidents(desk: SmallDesk) -> list[Incident]:
    with desk.store.database.reading() as session:
        return list(reversed(incidents.page(session)))


def places(desk: SmallDesk, number: int = 1) -> dict[int, str]:
    with desk.store.database.reading() as session:
        return {one.ticket_id: one.state for one in incidents.list_tickets(session, number)}


def ordered(desk: SmallDesk, kind: str, text: str = "", steps: int = 9) -> None:
    """What an agent orders for all tickets of the first incident."""
    alice = Actor(ActorKind.AGENT, desk.alice.id, "Alice")
    with desk.store.database.transaction() as session:
        order = bulk_orders.place_order(session, NewOrder(1, "k", kind, text, alice), desk.now)
        for _ in range(steps):
            bulk_orders.run_step(session, order.id, desk.now)


def judged_by_rules(desk: SmallDesk, **settings: object) -> None:
    """From now on nothing but the number of people makes these tickets Urgent."""
    changed = replace(desk.store.settings, priority_trained=False, **settings)  # type: ignore[arg-type]
    desk.context.store = desk.store = replace(desk.store, settings=changed)


def test_many_people_with_one_trouble_are_one_incident(any_desk: SmallDesk) -> None:
    judged_by_rules(any_desk)
    everyday(any_desk)
    hit = outage(any_desk)
    (found,) = all_incidents(any_desk)
    assert found.category == "Access / Authentication" and found.state == OPEN and found.people == len(OUTAGE)
    assert places(any_desk) == dict.fromkeys(hit, MEMBER)
    assert "people wrote about Access / Authentication within" in found.why
    for number in hit:
        assert any_desk.ticket(number).priority is Priority.URGENT
        kinds = any_desk.kinds(number)
        assert kinds.count("incident_joined") == kinds.count("priority_changed") == 1
    (raised,) = [e for e in any_desk.events(hit[0]) if e.kind == "priority_changed"]
    assert raised.why.startswith("affects many users: ") and raised.data.incident == 1


def test_a_calm_desk_has_none_and_watching_twice_is_watching_once(any_desk: SmallDesk) -> None:
    everyday(any_desk)
    assert all_incidents(any_desk) == []
    hit = outage(any_desk)
    before = [any_desk.kinds(number) for number in hit]
    assert watch.drain(any_desk.context) == 0
    assert [any_desk.kinds(number) for number in hit] == before and len(all_incidents(any_desk)) == 1


def test_two_watchers_at_once_open_one_incident(any_desk: SmallDesk) -> None:
    everyday(any_desk)
    for place, text in enumerate(OUTAGE):
        any_desk.receive(any_desk.mail(f"user{place}@place{place}.example.test", "Cannot log in", text))
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: watch.drain(any_desk.context), range(4)))
    assert len(all_incidents(any_desk)) == 1 and set(places(any_desk).values()) == {MEMBER}
    for ticket in any_desk.tickets()[-len(OUTAGE) :]:
        assert any_desk.kinds(ticket.id).count("incident_joined") == 1


def test_one_person_who_writes_five_times_is_no_incident(any_desk: SmallDesk) -> None:
    everyday(any_desk)
    for number in range(8):
        any_desk.receive(any_desk.mail(BOB, f"Cannot log in {number}", OUTAGE[number]))
    watch.drain(any_desk.context)
    assert all_incidents(any_desk) == []


def test_machines_and_agents_do_not_count(any_desk: SmallDesk) -> None:
    everyday(any_desk)
    for place, text in enumerate(OUTAGE):
        headers = [("Auto-Submitted", "auto-generated")]
        any_desk.receive(
            any_desk.mail(f"robot{place}@place{place}.example.test", "Cannot log in", text, headers=headers)
        )
    with any_desk.store.database.transaction() as session:
        for place in range(len(OUTAGE)):
            people.add_agent(session, NewAgent(f"staff{place}@corp.example.test", "", "agent"), any_desk.now)
    for place, text in enumerate(OUTAGE):
        any_desk.receive(any_desk.mail(f"staff{place}@corp.example.test", "Cannot log in", text))
    watch.drain(any_desk.context)
    assert all_incidents(any_desk) == []


def test_other_words_at_the_same_time_are_suggested_and_not_raised(any_desk: SmallDesk) -> None:
    everyday(any_desk)
    outage(any_desk)
    other = "My password expires tomorrow and I want to choose a longer one. Where do I change my password?"
    (number,) = outage(any_desk, [other], subject="A question")
    late, *_ = outage(any_desk, ["cannot log in, gateway timeout on the login page"])
    assert places(any_desk)[number] == SUGGESTED and any_desk.ticket(number).priority is not Priority.URGENT
    assert places(any_desk)[late] == MEMBER and any_desk.ticket(late).priority is Priority.URGENT


def test_an_agents_priority_stays(any_desk: SmallDesk) -> None:
    everyday(any_desk)
    (first,) = outage(any_desk, OUTAGE[:1])
    with any_desk.store.database.transaction() as session:
        held = tickets.get(session, first, lock=True)
        assert held
        alice = Actor(ActorKind.AGENT, any_desk.alice.id, "Alice")
        tickets.save(session, transitions.set_priority(held, Priority.LOW, alice, any_desk.now))
    outage(any_desk, OUTAGE[1:])
    assert places(any_desk)[first] == MEMBER and any_desk.ticket(first).priority is Priority.LOW


def test_a_matrix_of_the_desks_own_says_what_many_users_are(any_desk: SmallDesk) -> None:
    rows = ("many = high high low low", "team = high medium medium low", "one = medium medium low low")
    judged_by_rules(any_desk, priority_matrix=rows)
    everyday(any_desk)
    hit = outage(any_desk)
    assert {any_desk.ticket(number).priority for number in hit} == {Priority.HIGH}
    for number in hit:
        (raised,) = [event for event in any_desk.events(number) if event.kind == "priority_changed"]
        why = any_desk.ticket(number).priority_why
        assert raised.why.startswith("affects many users: ") and why.impact == "many"
        assert why.reasons[0] == raised.why


def test_the_lead_is_told_once(any_desk: SmallDesk) -> None:
    with any_desk.store.database.transaction() as session:
        team = people.team_named(session, "Support")
        assert team
        people.add_agent(session, NewAgent("lena@corp.example.test", "Lena", "lead", "", [team.id]), any_desk.now)
        people.add_agent(session, NewAgent("root@corp.example.test", "Root", "admin", "", [team.id]), any_desk.now)
    everyday(any_desk)
    outage(any_desk)
    any_desk.work()
    (letter,) = any_desk.sent("incident")
    assert letter["To"].addresses[0].addr_spec == "lena@corp.example.test"
    assert letter["Subject"] == "Incident 1: Access / Authentication"
    assert "people wrote about Access / Authentication" in words(letter)
    assert letter["Reply-To"] is None or "+" not in letter["Reply-To"].addresses[0].addr_spec


@pytest.mark.parametrize("role", ["admin", "agent"])
def test_without_a_lead_the_admins_are_told(desk: SmallDesk, role: str) -> None:
    with desk.store.database.transaction() as session:
        people.add_agent(session, NewAgent("root@corp.example.test", "Root", role), desk.now)
    everyday(desk)
    outage(desk)
    desk.work()
    assert len(desk.sent("incident")) == (role == "admin")


def test_an_incident_goes_quiet_by_itself(any_desk: SmallDesk) -> None:
    everyday(any_desk)
    outage(any_desk)
    any_desk.later(minutes=30)
    watch.drain(any_desk.context)
    assert all_incidents(any_desk)[0].state == OPEN
    any_desk.later(minutes=61)
    watch.drain(any_desk.context)
    (found,) = all_incidents(any_desk)
    assert found.state == QUIET and found.ended_at == any_desk.now and found.ended_by is None


def test_the_first_hours_and_the_backlog_of_a_mailbox_are_no_incident(any_desk: SmallDesk) -> None:
    outage(any_desk)
    assert all_incidents(any_desk) == []
    everyday(any_desk)
    old = [("Date", "Mon, 26 Oct 2026 08:00:00 +0000")]
    for place, text in enumerate(OUTAGE):
        any_desk.receive(any_desk.mail(f"late{place}@far{place}.example.test", "Cannot log in", text, headers=old))
    watch.drain(any_desk.context)
    assert all_incidents(any_desk) == []


def test_what_was_dismissed_needs_many_more_people_to_alarm_again(any_desk: SmallDesk) -> None:
    everyday(any_desk)
    outage(any_desk, OUTAGE[:4])
    ordered(any_desk, "dismiss")
    assert all_incidents(any_desk)[0].state == DISMISSED
    outage(any_desk, OUTAGE[4:])
    assert len(all_incidents(any_desk)) == 1
    any_desk.later(days=8)
    outage(any_desk, [text.replace("gateway", "upstream") for text in OUTAGE])
    assert [one.state for one in all_incidents(any_desk)] == [DISMISSED, OPEN]


def test_what_was_resolved_does_not_alarm_again_by_its_old_reports(any_desk: SmallDesk) -> None:
    everyday(any_desk)
    hit = outage(any_desk)
    ordered(any_desk, "resolve", "It works again.")
    assert {any_desk.ticket(number).status for number in hit} == {Status.RESOLVED}
    any_desk.work()
    assert len(any_desk.sent("reply")) == len(hit)
    any_desk.receive(any_desk.mail("new@elsewhere.example.test", "Cannot log in", OUTAGE[0]))
    watch.drain(any_desk.context)
    assert [one.state for one in all_incidents(any_desk)] == [RESOLVED]


def test_an_order_of_many_tickets_is_finished_by_the_watch(any_desk: SmallDesk) -> None:
    everyday(any_desk)
    hit = outage(any_desk)
    ordered(any_desk, "answer", "We are on it.", steps=0)
    watch.drain(any_desk.context)
    watch.drain(any_desk.context)
    assert all(any_desk.kinds(number).count("replied") == 1 for number in hit)


def test_one_companys_trouble_is_an_incident_of_that_company(any_desk: SmallDesk) -> None:
    everyday(any_desk)
    with any_desk.store.database.transaction() as session:
        # The whole desk writes much about it: only who they are is strange.
        hour = int(any_desk.now.timestamp() // 3600)
        rows = [
            {"category": category, "organisation": "", "hour": hour - n, "slot": (hour - n + 72) % 168, "messages": 30}
            for n in range(1, 300)
            for category in ("", "Access / Authentication")
        ]
        session.execute(sa.delete(incident_traffic).where(incident_traffic.c.organisation == ""))
        insert_rows(session, incident_traffic, rows)
    for place, text in enumerate(OUTAGE):
        any_desk.receive(any_desk.mail(f"user{place}@acme.example.test", "Cannot log in", text))
    watch.drain(any_desk.context)
    (found,) = all_incidents(any_desk)
    assert found.organisation == "acme.example.test" and "from acme.example.test" in found.why


TONER = "Our toner on floor 3 is empty again, could somebody please bring a new one before noon?"


def test_what_is_sent_twice_is_linked_and_nothing_is_merged(any_desk: SmallDesk) -> None:
    any_desk.receive(any_desk.mail(BOB, "Toner", f"Hello,\n\n{TONER}"))
    any_desk.later(hours=3)
    any_desk.receive(any_desk.mail(BOB, "Toner once more", f"Good morning,\n\n{TONER.upper()}"))
    any_desk.receive(any_desk.mail(BOB, "Other", "Where do I find the holiday form?"))
    any_desk.receive(any_desk.mail(CAROL, "Toner", TONER))
    watch.drain(any_desk.context)
    watch.drain(any_desk.context)
    with any_desk.store.database.reading() as session:
        assert [tickets.links_of(session, number) for number in (1, 2, 3, 4)] == [
            [(2, "repeat")],
            [(1, "repeat")],
            [],
            [],
        ]
    for number, other in ((1, "2"), (2, "1")):
        (linked,) = [event for event in any_desk.events(number) if event.kind == "linked"]
        assert linked.after == other and linked.why == "the same requester said the same within a day"
    any_desk.later(hours=25)
    any_desk.receive(any_desk.mail(BOB, "Toner", TONER))
    watch.drain(any_desk.context)
    with any_desk.store.database.reading() as session:
        assert tickets.links_of(session, 5) == []


@pytest.mark.parametrize("kind", [bulk_orders.ANSWER, bulk_orders.RESOLVE, bulk_orders.DISMISS])
@pytest.mark.parametrize("lost", ["read-only", "light", "deactivated"])
def test_who_loses_the_role_while_an_order_runs_changes_no_further_ticket(
    desk: SmallDesk, kind: str, lost: str
) -> None:
    everyday(desk)
    hit = outage(desk)
    alice = Actor(ActorKind.AGENT, desk.alice.id, "Alice")
    with desk.store.database.transaction() as session:
        order = bulk_orders.place_order(session, NewOrder(1, "k", kind, "It is repaired.", alice), desk.now)
        assert bulk_orders.run_step(session, order.id, desk.now, most=2)
        values = {"active": False} if lost == "deactivated" else {"role": lost}
        session.execute(sa.update(agents).where(agents.c.id == desk.alice.id).values(**values))
        while bulk_orders.run_step(session, order.id, desk.now, most=2):
            pass
        ended = bulk_orders.get(session, order.id)
    assert ended.done_at is not None and ended.done <= 2
    failed = [[e.why for e in desk.events(number) if e.kind == "incident_order_failed"] for number in sorted(hit)]
    assert not any(failed[:2]) and all(len(reasons) == 1 for reasons in failed[2:])
    assert all(("may not" in why) or ("no active agent" in why) for (why,) in failed[2:])
    assert sum("replied" in desk.kinds(number) for number in hit) <= 2
