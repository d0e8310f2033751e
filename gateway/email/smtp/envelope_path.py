"""The argument of MAIL FROM and RCPT TO, parsed strictly (RFC 5321 section 4.1.2)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from storage.people.addresses import canonical_domain

MAX_ADDRESS = 320

_LOCAL = r'(?:"(?:[^"\\\x00-\x1f\x7f]|\\[\x20-\x7e])*"|[^\s<>"@\\,;:()\[\]\x00-\x1f\x7f]+)'
_DOMAIN = r"(?:\[[^\[\]\s<>@\x00-\x1f\x7f]+\]|[^\s<>\"@\\,;:()\[\]\x00-\x1f\x7f]+)"
_MAILBOX = rf"(?P<local>{_LOCAL})(?:@(?P<domain>{_DOMAIN}))?"
_ROUTE = r"(?P<route>@[^:<>\"\s]*:)?"
_BRACKETED = re.compile(rf"\s*<(?:{_ROUTE}{_MAILBOX})?>(?P<options>(?: .*)?)")
_BARE = re.compile(rf"\s*{_MAILBOX}(?P<options>(?: .*)?)")
_PLAIN_QUOTED = re.compile(r'"([A-Za-z0-9!#$&\'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$&\'*+/=?^_`{|}~-]+)*)"')


@dataclass(frozen=True, slots=True)
class Path:
    """One address of the envelope: the local part as it was written, the domain as DNS has it; both empty for `<>`.

    `routed` means that the address says which way the mail shall go on: a source route, `%`, `!` or a second `@`.
    """

    local: str
    domain: str
    options: tuple[tuple[str, str], ...]
    routed: bool

    @property
    def address(self) -> str:
        return f"{self.local}@{self.domain}" if self.domain else self.local


def read_path(text: str) -> Path:
    """`<@route:local@domain> KEY=value` as a Path. Raises ValueError where it is not one."""
    found = _BRACKETED.fullmatch(text) or _BARE.fullmatch(text)
    if found is None:
        raise ValueError("not an address")
    parts = found.groupdict()
    local, domain = _unquoted(parts["local"] or ""), canonical_domain(parts["domain"] or "")
    if len(local) + len(domain) > MAX_ADDRESS:
        raise ValueError("the address is too long")
    routed = bool(parts.get("route")) or any(sign in local for sign in "%!@")
    return Path(local, domain, _options(parts["options"]), routed)


def _unquoted(local: str) -> str:
    """`"support"` is `support` (RFC 5321 section 4.1.2); what needs its quotes keeps them."""
    plain = _PLAIN_QUOTED.fullmatch(local)
    return plain[1] if plain else local


def _options(text: str) -> tuple[tuple[str, str], ...]:
    options = []
    for word in text.split():
        key, equals, value = word.partition("=")
        if not key.replace("-", "").isalnum() or (equals and not value):
            raise ValueError("not a parameter")
        options.append((key.upper(), value))
    return tuple(options)
