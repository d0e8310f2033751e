"""What kind of desk this is, and which of the starter's categories do not stand there.

A shop is never asked about its procurement, and colleagues never return a parcel. A category that the desk has made its
own stands in any case; whoever asks decides that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class DeskKind(StrEnum):
    """Who writes to the desk: customers, colleagues, or both."""

    BOTH = "both"
    CUSTOMER = "customer"
    INTERNAL = "internal"


@dataclass(frozen=True, slots=True)
class Desk:
    """The desk as the configuration names it."""

    kind: DeskKind = DeskKind.BOTH


_ONLY_INTERNAL = frozenset([
    "Access / Email", "Access / Permissions", "Access / VPN", "Data / Loss & Backup", "Facilities / Building",
    "Facilities / Keys & Badges", "Facilities / Rooms & Parking", "Finance / Expenses", "HR / Leave",
    "HR / Onboarding & Offboarding", "HR / Payroll", "Hardware / Computer", "Hardware / Peripherals",
    "Hardware / Phone", "Hardware / Printer", "Network", "Procurement",
])  # fmt: skip
_ONLY_CUSTOMER = frozenset([
    "Account / Closure & Privacy", "Account / Details", "Billing / Refund", "Billing / Subscription",
    "Orders & Delivery / Change or cancel", "Orders & Delivery / Damaged or wrong", "Orders & Delivery / Return",
    "Orders & Delivery / Status", "Product / Feature request", "Product / Information", "Product / Warranty & Repair",
    "Sales / Quote",
])  # fmt: skip
_ABSENT: Mapping[DeskKind, frozenset[str]] = {
    DeskKind.BOTH: frozenset(),
    DeskKind.CUSTOMER: _ONLY_INTERNAL,
    DeskKind.INTERNAL: _ONLY_CUSTOMER,
}


def read(entry: Mapping[str, Any]) -> Desk:
    """ValueError where it names no kind."""
    kind = entry.get("kind", DeskKind.BOTH)
    if kind not in list(DeskKind):
        raise ValueError(f"kind should be one of {', '.join(DeskKind)}")
    return Desk(DeskKind(kind))


def absent(kind: DeskKind) -> frozenset[str]:
    """The starter's categories that a desk of this kind does not have."""
    return _ABSENT[kind]
