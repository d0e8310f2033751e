"""The one request schema: there and back as JSON whatever is in it, and nothing in it that a database refuses."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from desk.channels import Channel
from desk.mail.inbound_request import (
    MAX_LINE,
    MAX_TEXT,
    VERSION,
    Attachment,
    AutoKind,
    Bounce,
    Cut,
    Envelope,
    InboundRequest,
    Party,
    ThreadKeys,
    clean_line,
    clean_text,
    from_json,
    to_json,
)

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)

texts = st.text(st.characters(), max_size=30) | st.sampled_from(
    ["\x00", "\ud800", "a\udfff\x00b", "\u2028", "a\nb", ""]
)
filled = texts.map(lambda text: "x" + text)
many = st.lists(texts, max_size=3).map(tuple)
parties = st.builds(Party, texts, texts)
zones = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
moments = st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1), timezones=zones)  # noqa: DTZ001
requests = st.builds(
    InboundRequest,
    channel=st.sampled_from(Channel),
    source=filled,
    external_id=texts,
    content_hash=filled,
    received_at=moments,
    sender=parties,
    subject=texts,
    text=texts,
    reply=texts,
    cut=st.lists(st.builds(Cut, st.just("quote"), texts), max_size=2).map(tuple),
    html=texts,
    sender_strict=st.booleans(),
    to=st.lists(parties, max_size=2).map(tuple),
    cc=st.lists(parties, max_size=2).map(tuple),
    sent_at=st.none() | moments,
    attachments=st.lists(
        st.builds(Attachment, texts, texts, st.integers(0), texts, texts, st.booleans()), max_size=2
    ).map(tuple),
    thread=st.builds(ThreadKeys, texts, many, many, many, texts),
    envelope=st.builds(Envelope, texts, many, texts),
    auto=st.sampled_from(AutoKind),
    auto_reason=texts,
    bounce=st.none() | st.builds(Bounce, many, st.booleans(), texts, texts, texts),
    authentication=many,
    defects=many,
    fields=st.lists(st.tuples(texts, texts), max_size=2).map(tuple),
    raw=texts,
    forwarded=st.none() | parties,
)


@given(requests)
def test_a_request_comes_back_from_json_as_it_was(request: InboundRequest) -> None:
    assert from_json(to_json(request)) == request


@given(requests)
def test_every_database_takes_every_text_of_a_request(request: InboundRequest) -> None:
    written = to_json(request)
    written.encode()
    assert "\\u0000" not in written


def test_a_request_without_a_zone_a_hash_or_a_source_is_none() -> None:
    good = {"channel": Channel.API, "source": "s", "external_id": "", "content_hash": "h", "received_at": NOW}
    for wrong in ({"received_at": NOW.replace(tzinfo=None)}, {"content_hash": ""}, {"source": ""}):
        with pytest.raises(ValueError, match="must"):
            InboundRequest(**good | wrong, sender=Party("b@x"))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
FIELDS = list(InboundRequest.__dataclass_fields__)


@given(st.dictionaries(st.sampled_from(FIELDS), json_values), requests)
def test_what_is_not_a_request_is_a_value_error(wrong: dict[str, object], request: InboundRequest) -> None:
    for data in (wrong, json.loads(to_json(request)) | wrong, list(wrong)):
        try:
            from_json(json.dumps(data))
        except ValueError:
            continue


@pytest.mark.parametrize("text", ["", "[]", "null", "{}", '{"version":"x"}', '{"sender":"x"}', "[" * 100_000])
def test_odd_json_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError):
        from_json(text)


def test_a_request_of_a_newer_version_is_refused_by_its_number() -> None:
    with pytest.raises(ValueError, match=f"{VERSION + 1} > {VERSION}"):
        from_json(json.dumps({"version": VERSION + 1}))


def test_fields_that_this_version_does_not_know_are_left_aside() -> None:
    made = InboundRequest(Channel.API, "s", "", "h", NOW, Party("b@x"))
    assert from_json(json.dumps(json.loads(to_json(made)) | {"mood": "good"})) == made


@given(texts)
@example("x" * (MAX_LINE + 5))
def test_a_clean_line_is_one_line_and_stays_as_it_is(text: str) -> None:
    line = clean_line(text)
    assert line.isprintable() and len(line) <= MAX_LINE and clean_line(line) == line


@given(texts)
@example("x" * (MAX_TEXT + 5))
def test_a_clean_text_stays_as_it_is_and_keeps_what_is_printable(text: str) -> None:
    cleaned = clean_text(text)
    assert clean_text(cleaned) == cleaned and len(cleaned) == min(len(text), MAX_TEXT) and "\x00" not in cleaned
