"""One SMTP or LMTP connection: reads commands, refuses early, stores each mail, and answers 250 only for a stored one.

The base class brings the connection and STARTTLS. The command loop and DATA are ours: aiosmtpd 1.4.6 takes bare LF for
the end of a command, forgets the session when the peer stops sending, and refuses long lines (docs/decisions.md).
"""

from __future__ import annotations

import asyncio
import re

import structlog
from aiosmtpd.smtp import SMTP, TLSSetupException

from gateway.email.smtp.commands import CommandState, LmtpCommandState, MailTransaction
from gateway.email.smtp.data_reader import DataReader
from gateway.email.smtp.handoff import TOO_LARGE, Handoff
from gateway.email.smtp.limits import UNIX, MemoryShare

CHUNK = 64 * 1024
MAX_COMMAND = 2048
"""RFC 5321 asks for 512; SMTPUTF8 and parameters ask for more."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_WEB_VERBS = frozenset({"GET", "POST", "PUT", "HEAD", "OPTIONS", "CONNECT"})
_CLOSING = "421 4.3.2 Closing, come back soon"
log = structlog.get_logger()


class _Gone(Exception):
    """The connection is over, and all replies were sent."""


class Session(SMTP):
    """One SMTP connection."""

    line_length_limit = CHUNK
    protocol = "ESMTP"
    state_type: type[CommandState] = CommandState

    def __init__(self, handoff: Handoff, loop: asyncio.AbstractEventLoop) -> None:
        # The base class's own __init__ searches all methods of two objects for hooks that we do not have, which
        # costs each connection as much as two commands. It ran once, in `blank`; nothing in there is changed later.
        vars(self).update(handoff.blank(loop))
        reader = asyncio.StreamReader(limit=self.line_length_limit, loop=loop)
        asyncio.StreamReaderProtocol.__init__(self, reader, self._cb_client_connected, loop)
        self.loop = loop
        self._settings = handoff.terms.settings
        self._handoff = handoff
        self._peer = ""
        self._state = self.state_type(handoff.terms, "")
        self._wire = bytearray()
        self._replies: list[str] = []
        self._commands = self._errors = 0
        self._leaving = self._listening = self._in_data = False
        self._deadline = 0.0

    # The connection

    async def _handle_client(self) -> None:
        self._peer = _address_of(self.transport)
        self._handoff.sessions.add(self)
        try:
            with self._handoff.terms.limits.connection(self._peer) as admitted:
                await self._serve() if admitted else self._turn_away()
        except (_Gone, ConnectionError, TLSSetupException):
            pass
        except Exception as error:  # noqa: BLE001 - a fault of ours ends one session, and its text must not reach the peer
            log.error("smtp_session_failed", error=type(error).__name__, at=_place(error))
            self._queue_reply("421 4.3.0 Something went wrong here, try again later")
        finally:
            self._handoff.sessions.discard(self)
            self._flush()
            self._writer.close()

    def eof_received(self) -> bool | None:
        """The peer sends no more; commands that it sent are still executed and answered, except over TLS."""
        self._reader.feed_eof()
        return self._tls_protocol is None

    def retire(self) -> None:
        """Ends as soon as a mail that is being received has its reply."""
        self._leaving = True
        if self._listening and not self._in_data:
            self._queue_reply(_CLOSING)
            self._flush()
            self._writer.close()

    def abort(self) -> None:
        self._writer.transport.abort()

    def _reset_timeout(self, duration: float | None = None) -> None:
        """One timer for each connection that checks a deadline: a timer for each command costs more."""
        crowded = self._handoff.terms.limits.crowded
        idle = self._settings.crowded_idle_seconds if crowded else self._settings.idle_seconds
        self._deadline = self.loop.time() + (duration or idle)
        if self._timeout_handle is not None and self._timeout_handle.when() > self._deadline:
            self._timeout_handle.cancel()
            self._timeout_handle = None
        if self._timeout_handle is None:
            self._timeout_handle = self.loop.call_at(self._deadline, self._timeout_cb)

    def _timeout_cb(self) -> None:
        if self._writer.transport.is_closing():
            self.abort()
            return
        self._timeout_handle = None
        if self._listening and self.loop.time() >= self._deadline:
            self._queue_reply("421 4.4.2 Nothing heard for too long")
            self._flush()
            self._writer.close()
        self._deadline = max(self._deadline, self.loop.time() + 1)
        self._timeout_handle = self.loop.call_at(self._deadline, self._timeout_cb)

    # Commands

    def _turn_away(self) -> None:
        log.info("smtp_connection_refused", reason="too many connections")
        self._queue_reply("421 4.7.0 Too many connections, try again later")

    async def _serve(self) -> None:
        self._begin(self._handoff.tls is not None)
        self._queue_reply(f"220 {self._settings.hostname} {self.protocol}")
        while True:
            line = await self._line()
            self._reset_timeout()
            self._commands += 1
            if self._commands > self._settings.most_commands:
                self._leave("421 4.7.0 Too many commands without a mail")
            await self._execute(*self._words(line))

    def _begin(self, starttls: bool) -> None:
        self._state = self.state_type(self._handoff.terms, self._peer)
        self._state.starttls = starttls
        self._state.secure = self._tls_protocol is not None

    async def _execute(self, verb: str, argument: str) -> None:
        if verb == "DATA":
            await self._data(argument)
        elif verb == "STARTTLS":
            await self._starttls(argument)
        elif verb == "QUIT":
            self._leave("221 2.0.0 Bye")
        elif verb:
            reply = self._state.reply(verb, argument)
            if reply[0] in "45" and verb in ("MAIL", "RCPT"):
                log.info("mail_refused", door=self.protocol, at=verb, reply=reply[:9])
            self._answer(reply)

    def _words(self, line: bytes) -> tuple[str, str]:
        """Verb and argument; an empty verb where the line has its answer already."""
        if len(line) > MAX_COMMAND:
            self._answer("500 5.5.2 The line is too long")
            return "", ""
        if not line.endswith(b"\r\n"):
            # Who sends bare LF here is no mail server, but may be a web form that somebody fills with SMTP.
            self._leave("500 5.5.2 Lines end with CR LF")
        text = line[:-2].decode(errors="replace")
        verb, _, argument = text.partition(" ")
        if verb in _WEB_VERBS:
            self._leave("500 5.5.1 This is a mail server")
        if not verb or _CONTROL.search(text) or "\N{REPLACEMENT CHARACTER}" in text:
            self._answer("500 5.5.2 Not a command")
            return "", ""
        return verb.upper(), argument.strip(" ")

    async def _line(self) -> bytes:
        """The next line with its end; of a line that is too long only the last bytes, still too many."""
        searched = 0
        while (end := self._wire.find(b"\n", searched)) < 0:
            del self._wire[: max(0, len(self._wire) - MAX_COMMAND)]
            searched = len(self._wire)
            self._wire += await self._more()
        line = bytes(self._wire[: end + 1])
        del self._wire[: end + 1]
        return line

    async def _more(self) -> bytes:
        """Bytes from the peer. Before we wait all replies go out, those to a pipelined group together (RFC 2920)."""
        if self._leaving and not self._in_data:
            self._leave(_CLOSING)
        self._flush()
        self._listening = True
        try:
            await self._writer.drain()
            chunk = await self._reader.read(CHUNK)
        finally:
            self._listening = False
        if not chunk:
            raise _Gone
        return chunk

    async def _starttls(self, argument: str) -> None:
        if argument or not self._state.starttls:
            self._answer("501 5.5.4 STARTTLS takes no argument" if argument else "502 5.5.1 No TLS here")
            return
        if self._wire:
            # Commands sent in clear must not be executed as if they came through TLS (CVE-2011-0411).
            self._leave("501 5.5.1 Nothing may follow STARTTLS")
        self._flush()
        await self.smtp_STARTTLS("")
        self._begin(starttls=False)

    # The mail

    async def _data(self, argument: str) -> None:
        refusal = self._state.refuse_data(argument)
        mail = self._state.mail
        if refusal or mail is None:
            self._answer(refusal)
            return
        share = self._handoff.room.share()
        self._in_data = True
        self._reset_timeout(self._settings.data_seconds)
        self._queue_reply("354 End with <CR><LF>.<CR><LF>")
        try:
            reply, size = await self._take(mail, share)
        finally:
            share.release()
            self._in_data = False
        self._state.mail = None
        self._finish(mail, reply, size)

    def _finish(self, mail: MailTransaction, reply: str, size: int) -> None:
        fields = {
            "door": self.protocol,
            "at": "DATA",
            "reply": reply[:9],
            "size": size,
            "recipients": len(mail.recipients),
        }
        if reply[0] == "2":
            # Stored mails are logged once a commit; a line for each mail would cost more than the commit.
            log.debug("mail_accepted", **fields)
            self._commands = self._errors = 0
        else:
            log.info("mail_refused", **fields)
        self._answer_mail(mail, reply)

    def _answer_mail(self, _mail: MailTransaction, reply: str) -> None:
        self._answer(reply)

    async def _take(self, mail: MailTransaction, share: MemoryShare) -> tuple[str, int]:
        """The reply to one mail, and its size."""
        reader = DataReader(self._settings.most_bytes)
        had_room = await self._receive(reader, share)
        refusal = self._handoff.refuse(reader, had_room)
        if refusal:
            return refusal, reader.seen
        raw = reader.content()
        return await self._handoff.deliver(mail, self._peer, raw), len(raw)

    async def _receive(self, reader: DataReader, share: MemoryShare) -> bool:
        """Read to the end of the mail; False when there was no room in memory to keep it."""
        had_room = True
        rest = reader.feed(bytes(self._wire))
        self._wire.clear()
        while rest is None:
            if reader.too_large:
                share.release()
            elif had_room and not share.cover(reader.seen):
                had_room = False
                reader.drop()
                share.release()
            if reader.seen > 2 * self._settings.most_bytes:
                self._leave(TOO_LARGE)
            rest = reader.feed(await self._more())
        self._wire += rest
        return had_room

    # Replies

    def _queue_reply(self, reply: str) -> None:
        self._replies.append(reply)

    def _answer(self, reply: str) -> None:
        self._queue_reply(reply)
        if reply[0] == "5":
            self._errors += 1
            if self._errors > self._settings.most_errors:
                self._leave("421 4.7.0 Too many errors")

    def _leave(self, reply: str) -> None:
        self._queue_reply(reply)
        raise _Gone

    def _flush(self) -> None:
        if self._replies and not self._writer.transport.is_closing():
            self._writer.write(("\r\n".join(self._replies) + "\r\n").encode())
        self._replies.clear()


class LmtpSession(Session):
    """One LMTP connection: one reply for each accepted recipient after DATA (RFC 2033 section 4.2)."""

    protocol = "LMTP"
    state_type = LmtpCommandState

    def _answer_mail(self, mail: MailTransaction, reply: str) -> None:
        for _ in mail.recipients:
            self._queue_reply(reply)


def _address_of(transport: asyncio.BaseTransport | None) -> str:
    peer = transport.get_extra_info("peername") if transport is not None else None
    return str(peer[0]) if isinstance(peer, tuple) else UNIX


def _place(error: BaseException) -> str:
    """Where in our code it happened; the text of the error could contain text of the mail."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_code.co_name}:{trace.tb_lineno}" if trace else ""
