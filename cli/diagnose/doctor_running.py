"""The doctor's look at what a running desk runs with, and at whether its sandbox can start on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

from cli.data_folder import noted_settings, running
from cli.diagnose.findings import Finding, broken, fine, warning
from desk.config.settings import Settings

MAIL = b"From: doctor@example.org\r\nSubject: doctor\r\n\r\nIs anybody there?\r\n"
_OWN = {"data_dir", "redis_url", "smtp", "lmtp", "http", "public_url", "log_level", "log_json"}
"""What `frontdesk up` chooses itself, or what changes nothing."""


def as_running(settings: Settings) -> Settings:
    """These settings with those of the running desk, where they are no secrets."""
    noted = running(settings).get("settings", {})
    plain = {name: _value(value) for name, value in noted.items() if not isinstance(value, dict)}
    names = set(plain) & set(Settings.__dataclass_fields__) - _OWN
    return replace(settings, **{name: plain[name] for name in names})


def differences(settings: Settings) -> Iterator[Finding]:
    """Whether this command was called with the settings that the running desk has; nothing where none runs here."""
    facts = running(settings)
    noted = facts.get("settings")
    if not noted:
        return
    here = noted_settings(settings, facts.get("salt", ""))
    other = sorted(name for name in here if name not in _OWN and name in noted and noted[name] != here[name])
    who = f"the running desk (process {facts['pid']})"
    if not other:
        yield fine("settings", f"are those of {who}")
        return
    names = ", ".join(f"FRONTDESK_{name.upper()}" for name in other)
    yield warning(
        "settings",
        f"{who} runs with other values of {names}",
        "use the same variables or frontdesk.toml here; secrets are looked at as they are here, the rest as there",
    )


def sandbox(now: datetime) -> Finding:
    """Whether a mail can be read: without the sandbox every mail is answered 451."""
    from desk.mail.inbound_request import Envelope
    from gateway.email.sandbox.pool import Quarantine, SandboxPool
    from gateway.email.sandbox.process import SandboxUnavailable
    from gateway.email.smtp.types import RawMail

    advice = "every mail is answered 451 until it starts: look at this user's limits (ulimit -a), and install again"
    try:
        sandbox = SandboxPool(1)
        try:
            answer = sandbox.normalise_many([RawMail(MAIL, Envelope(), "doctor", now)])[0]
        finally:
            sandbox.close()
    except (SandboxUnavailable, OSError) as error:
        return broken("sandbox", str(error), advice)
    if isinstance(answer, Quarantine):
        return broken("sandbox", f"a plain mail cannot be read in it: {answer.reason}", advice)
    return fine("sandbox", "reads mail")


def _value(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
