"""Another help desk that acknowledges whatever it gets, for tests of two machines that write to each other."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from email.message import EmailMessage
from itertools import count

from gateway.intake import Incoming
from tests.small_desk import SmallDesk

HELPDESK, MACHINE = "helpdesk@partner.example", "itsm@partner.example"
_NUMBER = re.compile(r"INC\d{7}")


@dataclass
class OtherDesk:
    """It knows its tickets by the number in the subject only, and answers each mail with a new one that names no other.

    `address` is what it sends from, `answers` the header that it takes our address from, `headers` what it admits.
    """

    desk: SmallDesk
    address: str = HELPDESK
    answers: str = "reply-to"
    headers: Sequence[tuple[str, str]] = ()
    opened: str = "[{number}] {subject}"
    updated: str = "[{number}] Printer"
    numbers: Iterator[int] = field(default_factory=lambda: count(12345))
    ids: Iterator[int] = field(default_factory=count)

    def writes(self, subject: str, text: str, to: str) -> Incoming:
        """A mail of one of its agents or of the machine itself."""
        message_id = f"{next(self.ids)}@mta.partner.example"
        return self.desk.mail(self.address, subject, text, to=to, message_id=message_id, headers=self.headers)

    def acknowledges(self, mail: EmailMessage) -> Incoming:
        """Its answer to a mail of ours: on the ticket that the subject names, or on a new one."""
        subject = str(mail["Subject"])
        known = _NUMBER.search(subject)
        number = known[0] if known else f"INC{next(self.numbers):07d}"
        words = (self.updated if known else self.opened).format(number=number, subject=subject)
        to = mail[self.answers] or mail["From"]
        return self.writes(words, f"This is ticket {number}.", to.addresses[0].addr_spec)

    def talks_until_silence(self, most: int = 12) -> int:
        """Both answer all that they get; returns how many mails of ours it came to, `most` if there is no end."""
        heard = 0
        while heard < most:
            ours = [mail for mail in self.desk.sent() if str(mail["To"]).endswith("@partner.example")][heard:]
            if not ours:
                return heard
            heard += len(ours)
            self.desk.receive(*map(self.acknowledges, ours))
            self.desk.later(minutes=61)
        return heard
