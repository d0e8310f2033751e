"""The settings of the incident detector, stored as one setting."""

from __future__ import annotations

from dataclasses import asdict

from desk.incidents import detector as incident_detector
from desk.incidents.detector import Detector
from storage.db.session import Session
from storage.runtime import key_values

KEY = "incident_detector"


def rules(session: Session) -> Detector:
    return incident_detector.read(key_values.get(session, KEY) or {})


def set_rules(session: Session, settings: Detector) -> None:
    key_values.put(session, KEY, asdict(incident_detector.read(asdict(settings))))
