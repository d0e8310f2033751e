"""TransportError: why an outbound message was not sent, in the form that `deliver` understands for every transport."""

from __future__ import annotations


class TransportError(Exception):
    """It was not sent. `permanent`: trying again cannot help. `retry_after`: seconds that the far end asked for.

    `reason` is shown on the ticket: no secret and no content in it.
    """

    def __init__(self, reason: str, *, permanent: bool, retry_after: int | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.permanent = permanent
        self.retry_after = retry_after
