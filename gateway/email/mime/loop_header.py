"""Recognises our own mail that came back although its Message-ID was rewritten, as Amazon SES does.

Our own header proves nothing alone: another Frontdesk writes it too, even one of the same company. With it, the mail
must be from the very mailbox that it came to. Without it, such mail is a person's or a contact form's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from gateway.email.mime.header import Header

_OURS = re.compile(r"[a-z][a-z_-]{0,40}; ticket=\d{1,19}")


def came_back(head: Header, sender: str, recipients: Iterable[str]) -> bool:
    """Whether nobody need read it: we wrote it ourselves."""
    if not head.has("x-frontdesk") or not _OURS.fullmatch(head.text("x-frontdesk")):
        return False
    return bool(sender) and sender in {each.lower() for each in recipients}
