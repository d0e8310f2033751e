"""The states of inbound requests, and the kinds and states of outbound messages, as they are stored."""

from __future__ import annotations

from desk.text.stored_word import StoredWord


class InboundState(StoredWord):
    """How far an accepted request is, or how it ended."""

    WAITING = "waiting"
    ORDERED = "ordered"
    """Waits to be carried out, not to become a message: what its source says it is."""
    RELEASING = "releasing"
    """An agent let it out of the quarantine, and it is about to be read again."""

    TICKETED = "ticketed"
    APPENDED = "appended"
    DUPLICATE = "duplicate-of"
    AUTOMATIC = "automatic"
    COMMAND = "command"
    REFUSED = "refused"
    QUARANTINED = "quarantined"


END_STATES = tuple(
    state for state in InboundState if state not in (InboundState.WAITING, InboundState.ORDERED, InboundState.RELEASING)
)
"""In one of these every request ends."""


class OutboundKind(StoredWord):
    """What an outbound message is for."""

    ACKNOWLEDGEMENT = "acknowledgement"
    REPLY = "reply"
    COPY = "copy"
    """A reply or a word of a side conversation, to somebody in Cc."""
    SIDE = "side"
    """To the third party of a side conversation."""
    REMINDER = "reminder"
    RATING = "rating"
    CONFIRMATION = "confirmation"
    """Older releases confirmed commands with it."""
    COMMAND_ANSWER = "command-answer"
    NOTICE = "notice"
    INCIDENT = "incident"
    REPORT = "report"
    TEAM = "team"
    """To an agent who got into a private team or out of it."""
    REQUESTS_LINK = "requests-link"
    """The link by which a requester sees all their requests, those of private teams too."""


class OutboundState(StoredWord):
    """How far an outbound message is."""

    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    CAPTURED = "caught"
    """Kept here instead of being sent, because there is no relay."""
    UNDELIVERABLE = "undeliverable"
    BOUNCED = "bounced"
    SUPPRESSED = "suppressed"
