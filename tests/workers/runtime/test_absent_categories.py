"""What a desk of a kind never hears of: the worker's model leaves it out as soon as the kind is set."""

from __future__ import annotations

from datetime import UTC, datetime

from classifier.starter import shipped
from desk.learning.desk_kind import Desk, DeskKind
from storage.learning import categories
from storage.open_store import Store
from workers.runtime.active_model import ModelWatch, register_starter

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
TEXT = "Please create a purchase order for our supplier"


def set_kind(store: Store, kind: DeskKind) -> None:
    with store.database.transaction() as session:
        categories.set_desk(session, Desk(kind), NOW)


def test_a_shop_never_hears_of_procurement(store: Store) -> None:
    register_starter(store, NOW)
    watch = ModelWatch(store)
    whole = watch.load_active(shipped(), NOW)
    set_kind(store, DeskKind.CUSTOMER)
    cut = watch.load_active(whole, NOW)
    assert whole.guess([TEXT])[0].category == "Procurement"
    assert "Procurement" not in cut.classes_
    assert cut.guess(["Where is my parcel?"])[0].category == "Orders & Delivery / Status"


def test_a_desk_that_turns_to_both_hears_of_everything_again(store: Store) -> None:
    register_starter(store, NOW)
    set_kind(store, DeskKind.CUSTOMER)
    watch = ModelWatch(store)
    cut = watch.load_active(shipped(), NOW)
    set_kind(store, DeskKind.BOTH)
    assert watch.load_active(cut, NOW).classes_.tolist() == shipped().classes_.tolist()


def test_a_model_that_is_cut_is_not_read_again_while_nothing_changes(store: Store) -> None:
    register_starter(store, NOW)
    set_kind(store, DeskKind.INTERNAL)
    watch = ModelWatch(store)
    cut = watch.load_active(shipped(), NOW)
    assert watch.load_active(cut, NOW) is cut
