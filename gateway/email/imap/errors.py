"""Errors of IMAP fetching. Their texts are shown to the admins and contain no secret."""

from __future__ import annotations


class ImapError(Exception):
    """The mail server or a folder of it cannot be used. `refused`: somebody has to change something first."""

    def __init__(self, why: str, *, refused: bool = False) -> None:
        super().__init__(why)
        self.refused = refused


class StoreRefused(Exception):
    """Nothing can be stored now; the mail stays where it is, and is fetched again."""


class Stopping(Exception):
    """The work is over, or the lease is somebody else's."""
