"""How easily the desk is alarmed by many requests at once, as one row of settings."""

from __future__ import annotations

from dataclasses import asdict

from desk import incident
from desk.incident import Detector
from storage import notes
from storage.transaction import Session

KEY = "incident_detector"


def rules(session: Session) -> Detector:
    return incident.read(notes.get(session, KEY) or {})


def set_rules(session: Session, wanted: Detector) -> None:
    notes.put(session, KEY, asdict(incident.read(asdict(wanted))))
