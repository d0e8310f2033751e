"""Why fetching stops: the words that the IMAP door's parts use among themselves.

In: a text for the one who runs the desk, without any secret. Out: it, to the health of the mailbox.
"""

from __future__ import annotations


class ImapTrouble(Exception):
    """The mail server or a folder of it cannot be used. `refused`: somebody has to change something first."""

    def __init__(self, why: str, *, refused: bool = False) -> None:
        super().__init__(why)
        self.refused = refused


class StoreRefused(Exception):
    """Nothing can be stored now; the mail stays where it is, and is fetched again."""


class Stopping(Exception):
    """The work is over, or the lease is somebody else's."""
