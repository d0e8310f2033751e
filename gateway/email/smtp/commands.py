"""The SMTP commands before DATA (HELO, MAIL, RCPT and the small ones), and the mail transaction that they build.

The replies never tell which software this is, which addresses exist (VRFY), or where mail for others could go.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from gateway.email.smtp.envelope_path import Path, read_path
from gateway.email.smtp.limits import Limits
from gateway.email.smtp.types import SmtpSettings

_BODIES = frozenset({"7BIT", "8BITMIME"})


@dataclass(frozen=True, slots=True)
class Terms:
    """The terms of a server: which addresses are accepted, which domains are ours, and the limits."""

    settings: SmtpSettings
    accepts: Callable[[str], bool]
    is_ours: Callable[[str], bool]
    limits: Limits


@dataclass(slots=True)
class MailTransaction:
    """A mail transaction: its sender, and one recipient for each RCPT that was answered 250."""

    sender: str
    recipients: list[str] = field(default_factory=list)


class CommandState:
    """The state of one session between two mails. `starttls` is whether TLS can be asked for now."""

    greetings = frozenset({"HELO", "EHLO"})

    def __init__(self, terms: Terms, peer: str) -> None:
        self._terms = terms
        self._peer = peer
        self.starttls = False
        self.secure = False
        self.greeted = False
        self.mail: MailTransaction | None = None

    def reply(self, verb: str, argument: str) -> str:
        """The reply to one command; DATA, STARTTLS and QUIT are not ours, because they are handled by the session."""
        if verb in self.greetings:
            return self._greet(verb, argument)
        command = _COMMANDS.get(verb)
        return command(self, argument) if command else "500 5.5.1 No such command"

    def refuse_data(self, argument: str) -> str:
        """Why DATA cannot begin now; empty when it can."""
        if argument:
            return "501 5.5.4 DATA takes no argument"
        if self.mail is None:
            return "503 5.5.1 MAIL first"
        if not self.mail.recipients:
            return "503 5.5.1 No recipient was accepted"
        return ""

    def _greet(self, verb: str, argument: str) -> str:
        if not argument:
            return f"501 5.5.4 Syntax: {verb} hostname"
        self.greeted, self.mail = True, None
        hostname = self._terms.settings.hostname
        if verb == "HELO":
            return f"250 {hostname}"
        offers = [hostname, f"SIZE {self._terms.settings.most_bytes}", "8BITMIME", "SMTPUTF8", "PIPELINING"]
        if self.starttls:
            offers.append("STARTTLS")
        return "".join(f"250-{offer}\r\n" for offer in offers) + "250 ENHANCEDSTATUSCODES"

    def _mail(self, argument: str) -> str:
        if not self.greeted:
            return "503 5.5.1 Say hello first"
        if self.mail is not None:
            return "503 5.5.1 One mail at a time"
        path = _path(argument, "FROM:")
        if path is None:
            return "501 5.1.7 Syntax: MAIL FROM:<address>"
        refusal = self._refuse_options(path)
        if refusal:
            return refusal
        if not self._terms.limits.may_send(self._peer):
            return "450 4.7.1 Too many mails from your address, try again later"
        self.mail = MailTransaction(path.address)
        return "250 2.1.0 OK"

    def _refuse_options(self, path: Path) -> str:
        for key, value in path.options:
            if key == "SIZE" and value.isascii() and value.isdigit():
                # More digits than any size has are not worth counting.
                if len(value) > 18 or int(value) > self._terms.settings.most_bytes:
                    return "552 5.3.4 The mail is larger than we take"
            elif not (key == "BODY" and value.upper() in _BODIES) and not (key == "SMTPUTF8" and not value):
                return "555 5.5.4 Parameter not recognised"
        return ""

    def _rcpt(self, argument: str) -> str:
        if self.mail is None:
            return "503 5.5.1 MAIL first"
        path = _path(argument, "TO:")
        if path is None or not path.local:
            return "501 5.1.3 Syntax: RCPT TO:<address>"
        if path.options:
            return "555 5.5.4 Parameter not recognised"
        if len(self.mail.recipients) >= self._terms.settings.most_recipients:
            return "452 4.5.3 Too many recipients, send the rest in another mail"
        refusal = self._refuse_recipient(path)
        if not refusal:
            self.mail.recipients.append(path.address)
        return refusal or "250 2.1.5 OK"

    def _refuse_recipient(self, path: Path) -> str:
        if path.routed or (path.domain and not self._terms.is_ours(path.domain)):
            return "550 5.7.1 We do not relay"
        if not self._terms.accepts(path.address):
            return "550 5.1.1 No such mailbox here"
        return ""

    def _rset(self, _argument: str) -> str:
        self.mail = None
        return "250 2.0.0 OK"

    def _noop(self, _argument: str) -> str:
        return "250 2.0.0 OK"

    def _help(self, _argument: str) -> str:
        return "214 2.0.0 This is a helpdesk: write to its address"

    def _vrfy(self, _argument: str) -> str:
        return "252 2.1.5 Send a mail and see"

    def _expn(self, _argument: str) -> str:
        return "502 5.5.1 Not told"

    def _auth(self, _argument: str) -> str:
        if self.secure:
            return "502 5.5.1 Nobody signs in here"
        return "530 5.7.0 Nobody signs in here, least of all without TLS"


class LmtpCommandState(CommandState):
    """The same commands under another greeting (RFC 2033 section 4.1)."""

    greetings = frozenset({"LHLO"})


def _path(argument: str, keyword: str) -> Path | None:
    if argument[: len(keyword)].upper() != keyword:
        return None
    try:
        return read_path(argument[len(keyword) :])
    except ValueError:
        return None


_COMMANDS: dict[str, Callable[[CommandState, str], str]] = {
    "MAIL": CommandState._mail,
    "RCPT": CommandState._rcpt,
    "RSET": CommandState._rset,
    "NOOP": CommandState._noop,
    "HELP": CommandState._help,
    "VRFY": CommandState._vrfy,
    "EXPN": CommandState._expn,
    "AUTH": CommandState._auth,
}
