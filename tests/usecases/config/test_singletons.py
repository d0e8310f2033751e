"""What a desk has once, in its file: set, shown as from and to, exported; a file exported is its own fixed point."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from desk.config.desk_toml import BadConfiguration, read, to_toml
from desk.incidents import detector as incident_detector
from desk.knowledge import csat as csat_rules
from desk.priority.levels import Priority
from desk.priority.signals import Impact
from desk.tickets import lifecycle
from storage.config import priority_matrix
from storage.incidents import detector_settings
from storage.knowledge import csat_settings as care_rows
from storage.learning import categories
from storage.open_store import Store
from storage.people import people
from storage.tickets import lifecycle as lifecycle_rows
from tests.ops.test_configuration import NOW
from tests.small_desk import SmallDesk
from usecases.config import apply as configuration
from usecases.config import export as configuration_export
from usecases.privacy import retention
from workers.inbound import ingest
from workers.incidents import detector as watch

ONCE = """
[lifecycle]
resolve_days = 14
remind_days = 10
[aftercare]
ask_rating = true
rating_remind_days = 0
[incidents]
fewest_people = 5
[priority]
matrix = ["many = urgent high  medium low", "team = high medium medium low", "one = high medium medium low"]
[[team]]
name = "HR"
[retention]
rules = [{ team = "HR", days = 365, raw_days = 0 }, { category = "HR / Payroll", raw_days = 30 }]
[[mailbox]]
address = "hr@desk.example.test"
team = "HR"
imap = { host = "imap.example.test", user = "hr", auth = "password", password_env = "HR_PASSWORD" }
"""


def apply(store: Store, text: str) -> list[str]:
    with store.database.transaction() as session:
        return [step.words() for step in configuration.apply(session, read(tomllib.loads(text)), NOW)]


def test_what_a_desk_has_once_is_set_shown_and_exported(any_store: Store) -> None:
    assert any(line.startswith("added    lifecycle") for line in apply(any_store, ONCE))
    assert apply(any_store, ONCE) == []
    with any_store.database.reading() as session:
        assert lifecycle_rows.rules(session).resolve_days == 14
        assert detector_settings.rules(session).fewest_people == 5
        assert priority_matrix.matrix_rows(session, any_store.settings)[0] == "many = urgent high medium low"
        assert [one.days for one in retention.rules(session)] == [365, 0]
        text = to_toml(configuration_export.current_configuration(session))
    assert apply(any_store, text) == []
    assert 'password_env = "HR_PASSWORD"' in text and "[lifecycle]" in text
    (line,) = apply(any_store, text.replace("resolve_days = 14", "resolve_days = 21"))
    assert line == "changed  lifecycle: resolve_days: 14 → 21"


def test_a_desk_that_never_set_anything_exports_nothing_and_a_file_without_it_leaves_it(any_store: Store) -> None:
    with any_store.database.reading() as session:
        assert to_toml(configuration_export.current_configuration(session)) == ""
    apply(any_store, ONCE)
    assert apply(any_store, "[[team]]\nname = 'HR'\n[[mailbox]]\naddress='hr@desk.example.test'\nteam='HR'") == []
    with any_store.database.reading() as session:
        assert next(box.imap for box in people.all_mailboxes(session))["host"] == "imap.example.test"  # type: ignore[index]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[lifecycle]]\nclose_days=1", "should be written [lifecycle], once"),
        ("[lifecycle]\nclose=1", "'close' is unknown"),
        ("[lifecycle]\nremind_days=5", "[lifecycle]: remind_days warns"),
        ("[aftercare]\nask_rating=1", "ask_rating should be true or false"),
        ("[incidents]\nfewest_people=1", "from 3 to"),
        ("[priority]\nmatrix=['many = loud']", "is not like"),
        ("[retention]\nrules=[{team='Nobody', days=1}]", "there is no team 'Nobody'"),
        ("[retention]\nrules=[{days='x'}]", "rules[1].days should be a whole number"),
        ("[retention]\nrules=['x']", "rules[1] should be a table"),
        ("[[mailbox]]\naddress='a@x.test'\nimap={host='h', password='secret'}", "imap.password is a secret"),
        ("[[mailbox]]\naddress='a@x.test'\nimap={refresh={refresh_token='x'}}", "imap.refresh_token is a secret"),
    ],
)
def test_what_cannot_be_meant_says_where(store: Store, text: str, said: str) -> None:
    with pytest.raises(BadConfiguration) as refused:
        apply(store, text)
    assert said in str(refused.value) and "secret'" not in str(refused.value)


def test_workers_judge_by_the_desks_matrix_and_detector(any_store: Store) -> None:
    any_desk = SmallDesk(any_store)
    rows = ["many = low low low low", "team = low low low low", "one = low low low low"]
    apply(any_desk.store, f"[priority]\nmatrix = {rows}\n[incidents]\nwatches = false")
    any_desk.receive(any_desk.mail("p@x.example.test", "Login", "I cannot log in, nothing works, I am blocked"))
    watch.drain(any_desk.context)
    assert any_desk.ticket(1).priority is Priority.LOW
    with any_desk.store.database.reading() as session:
        assert not any_desk.context.configuration(session).detector.watches
    ingest.drain(any_desk.context)


days = st.integers(0, 3650)
cells = st.tuples(*[st.sampled_from([str(one) for one in Priority])] * 4).map(" ".join)
matrices = st.tuples(*(cells.map(f"{impact} = {{}}".format) for impact in Impact)).map(list)
lives = st.builds(lifecycle.Lifecycle, days, st.just(0), days, days) | st.builds(
    lifecycle.Lifecycle, days, st.integers(1, 9), st.integers(10, 99), days
)
cares = st.builds(csat_rules.CsatSettings, st.booleans(), days, days, days, st.booleans(), st.booleans(), st.booleans())
alarms = st.builds(
    incident_detector.Detector,
    st.booleans(),
    st.integers(3, 99),
    st.integers(10, 10**6),
    st.integers(15, 99),
    st.integers(0, 9),
)
kept = st.lists(st.builds(retention.Rule, st.just(""), st.text(max_size=9), days, st.integers(1, 99)), max_size=3)
# A text of blanks only is refused, as one that is missing.
words = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), min_size=1, max_size=12).filter(
    str.strip
)
names = words.map(lambda text: f"n{text}".strip())
imaps = st.fixed_dictionaries({"host": words, "user": words, "password_env": words}) | st.just({})


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_what_is_exported_is_a_fixed_point(store: Store, data: st.DataObject) -> None:
    """Whatever a desk is set to: its own file changes nothing, and is written the same again."""
    draw = data.draw
    with pytest.raises(InterruptedError), store.database.transaction() as session:
        lifecycle_rows.set_rules(session, draw(lives))
        care_rows.set_rules(session, draw(cares))
        detector_settings.set_rules(session, draw(alarms))
        priority_matrix.set_matrix_rows(session, draw(matrices | st.just([])))
        retention.set_rules(session, draw(kept))
        entries: dict[str, Any] = {
            "team": [{"name": name, "private": draw(st.booleans())} for name in draw(st.sets(names, max_size=3))],
            "mailbox": [{"address": "a@x.test", "name": draw(words), "imap": draw(imaps)}],
            "category": [{"name": name, "words": draw(words)} for name in draw(st.sets(names, max_size=3))],
            "macro": [{"name": name, "text": draw(words)} for name in draw(st.sets(names, max_size=3))],
        }
        configuration.apply(session, read(entries), NOW)
        text = to_toml(configuration_export.current_configuration(session))
        assert configuration.apply(session, read(tomllib.loads(text)), NOW) == []
        assert to_toml(configuration_export.current_configuration(session)) == text
        raise InterruptedError


@pytest.mark.parametrize(("kind", "hidden"), [("customer", "Procurement"), ("internal", "Sales / Quote")])
def test_the_kind_of_the_desk_decides_which_categories_there_are(any_store: Store, kind: str, hidden: str) -> None:
    apply(any_store, f'[desk]\nkind = "{kind}"')
    with any_store.database.reading() as session:
        assert hidden in categories.absent(session)
        assert configuration_export.current_configuration(session)["desk"] == {"": {"kind": kind}}


def test_a_category_of_ones_own_stands_on_every_kind_of_desk(any_store: Store) -> None:
    apply(any_store, '[desk]\nkind = "customer"\n[[category]]\nname = "Procurement"\nwords = "tender"')
    with any_store.database.reading() as session:
        assert "Procurement" not in categories.absent(session)
        assert "HR / Payroll" in categories.absent(session)


def test_a_kind_that_no_desk_is_of_is_refused(any_store: Store) -> None:
    with pytest.raises(ValueError, match="both, customer, internal"):
        apply(any_store, '[desk]\nkind = "shop"')
