"""The CSAT settings, stored as one setting."""

from __future__ import annotations

from dataclasses import asdict

from desk.knowledge import csat as csat_rules
from desk.knowledge.csat import CsatSettings
from storage.db.session import Session
from storage.runtime import key_values

KEY = "aftercare"


def rules(session: Session) -> CsatSettings:
    return csat_rules.read(key_values.get(session, KEY) or {})


def set_rules(session: Session, settings: CsatSettings) -> None:
    key_values.put(session, KEY, asdict(csat_rules.read(asdict(settings))))
