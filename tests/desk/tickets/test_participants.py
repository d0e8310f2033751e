"""Who takes part in a conversation, and what that allows: to be named gives no hold."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from desk.channels import Channel
from desk.mail.authentication import Verdict
from desk.mail.inbound_request import InboundRequest, Party
from desk.tickets.participants import (
    ADDRESSED,
    COPIED,
    SIGNED,
    WRITERS,
    Participation,
    is_public,
    may_append,
    newcomers,
)

KIM, CARL, EVE, DESK = "kim@x.test", "carl@x.test", "eve@evil.test", "support@desk.test"
NOW = datetime(2026, 11, 2, tzinfo=UTC)


def mail(*to: str, cc: tuple[str, ...] = ()) -> InboundRequest:
    parties = tuple(map(Party, to)), tuple(map(Party, cc))
    return InboundRequest(Channel.EMAIL, "s", "", "h", NOW, Party(CARL), to=parties[0], cc=parties[1])


@pytest.mark.parametrize("part", sorted(SIGNED))
@pytest.mark.parametrize("verdict", list(Verdict))
def test_a_signed_address_counts_whatever_the_mail_server_says(part: str, verdict: Verdict) -> None:
    assert may_append(part, verdict, signed=True, in_public=False)


@pytest.mark.parametrize("part", [*Participation, None])
def test_a_weak_signal_and_a_failure_append_nothing(part: str | None) -> None:
    assert not may_append(part, Verdict.FAIL, signed=False, in_public=True)


@pytest.mark.parametrize("part", list(Participation))
@pytest.mark.parametrize("verdict", [Verdict.PASS, Verdict.NONE])
def test_only_who_wrote_here_may_write_to_the_desk_alone(part: str, verdict: Verdict) -> None:
    assert may_append(part, verdict, signed=False, in_public=False) is (part in WRITERS)
    assert may_append(part, verdict, signed=False, in_public=True) is (part in WRITERS | ADDRESSED)


@pytest.mark.parametrize("part", [None, Participation.NAMED])
def test_who_is_only_named_has_no_hold_by_any_signal(part: str | None) -> None:
    assert not any(may_append(part, v, signed=s, in_public=p) for v in Verdict for s in (0, 1) for p in (0, 1))


def test_a_mail_is_public_if_the_requester_and_the_desk_are_seen_in_it() -> None:
    assert is_public(mail(KIM, cc=(DESK,)), KIM, {DESK}) and is_public(mail("support+x@desk.test", KIM), KIM, {DESK})
    assert not is_public(mail(DESK), KIM, {DESK})
    assert not is_public(mail(KIM), KIM, {DESK}), "the desk got it in Bcc"


def test_only_a_proven_first_mail_puts_people_in_copy() -> None:
    assert newcomers({KIM: "requester"}, KIM, [CARL], Verdict.PASS, opens=True) == {CARL: Participation.CC}
    later = [newcomers({KIM: "requester"}, w, [EVE], v, opens=False) for w in (KIM, CARL) for v in Verdict]
    first = [newcomers({KIM: "requester"}, KIM, [EVE], v, opens=True) for v in (Verdict.FAIL, Verdict.NONE)]
    assert not any(part in COPIED for one in (*later, *first) for part in one.values())


def test_a_mail_that_failed_brings_nobody_and_an_unproven_one_only_names() -> None:
    assert newcomers({KIM: "requester"}, KIM, [EVE], Verdict.FAIL, opens=False) == {}
    assert newcomers({KIM: "requester"}, KIM, [EVE], Verdict.NONE, opens=False) == {EVE: Participation.NAMED}
    assert newcomers({KIM: "requester"}, KIM, [CARL], Verdict.PASS, opens=False) == {CARL: Participation.ASKED}


def test_who_takes_part_keeps_that_part() -> None:
    people = {KIM: "requester", CARL: "cc"}
    assert newcomers(people, KIM, [CARL, KIM], Verdict.PASS, opens=False) == {}
