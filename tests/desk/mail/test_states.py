"""The states and kinds of mail are the words that rows, scripts and the JSON API have."""

from __future__ import annotations

import json

from desk.mail.states import END_STATES, InboundState, OutboundKind, OutboundState


def test_a_request_ends_in_one_of_seven_states() -> None:
    ends = ["ticketed", "appended", "duplicate-of", "automatic", "command", "refused", "quarantined"]
    assert list(END_STATES) == ends and json.loads(json.dumps(END_STATES)) == ends
    assert set(InboundState) - set(END_STATES) == {"waiting", "ordered", "releasing"}


def test_what_is_kept_for_want_of_a_relay_is_stored_as_caught() -> None:
    assert OutboundState.CAPTURED == "caught" and f"{OutboundState.CAPTURED}" == "caught"


def test_an_outbound_message_of_another_release_can_still_be_claimed() -> None:
    assert OutboundKind("postcard") == "postcard" and OutboundKind("postcard") not in set(OutboundKind)
