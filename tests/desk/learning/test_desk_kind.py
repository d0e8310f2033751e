"""Which of the starter's categories a desk of a kind has."""

from __future__ import annotations

import pytest

from classifier.starter import hints
from desk.learning import desk_kind
from desk.learning.desk_kind import DeskKind


@pytest.mark.parametrize("name", ["Procurement", "HR / Payroll", "Hardware / Printer", "Facilities / Building"])
def test_a_desk_for_customers_never_hears_of_the_house(name: str) -> None:
    assert name in desk_kind.absent(DeskKind.CUSTOMER)


@pytest.mark.parametrize("name", ["Orders & Delivery / Return", "Billing / Refund", "Sales / Quote"])
def test_a_desk_for_colleagues_has_no_shop(name: str) -> None:
    assert name in desk_kind.absent(DeskKind.INTERNAL)


def test_a_desk_for_both_has_every_category() -> None:
    assert not desk_kind.absent(DeskKind.BOTH)


@pytest.mark.parametrize("kind", [DeskKind.CUSTOMER, DeskKind.INTERNAL])
def test_only_categories_of_the_starter_are_absent(kind: DeskKind) -> None:
    assert desk_kind.absent(kind) < set(hints())


def test_a_kind_that_there_is_not_is_refused() -> None:
    with pytest.raises(ValueError, match="both, customer, internal"):
        desk_kind.read({"kind": "shop"})
