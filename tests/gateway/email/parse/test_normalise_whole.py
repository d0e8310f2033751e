"""Whole mails: what somebody else's writer put in comes out, and no accident on the way breaks the reader."""

from __future__ import annotations

import time

from hypothesis import given

from desk.mail.inbound_request import Unreadable, from_json, to_json
from tests.gateway.email.mails import read, read_whole
from tests.gateway.email.whole_mails import Written, broken, written


@given(written())
def test_what_was_written_is_read(mail: Written) -> None:
    done = read_whole(mail.raw)
    request = done.request
    assert request.subject == mail.subject
    assert request.text.strip("\n") == mail.text
    assert request.reply == mail.text
    assert [file.name for file in request.attachments] == [name for name, _ in mail.files]
    contents = dict(done.files)
    assert [contents[file.sha256] for file in request.attachments] == [content for _, content in mail.files]
    assert request.sender_strict
    assert request.defects == ()


@given(written())
def test_line_ends_change_nothing_that_is_read(mail: Written) -> None:
    one, two = read(mail.raw), read(mail.raw.replace(b"\r\n", b"\n"))
    assert (one.subject, one.text, one.attachments) == (two.subject, two.text, two.attachments)


@given(broken())
def test_accidents_on_the_way_never_break_the_reader(raw: bytes) -> None:
    started = time.process_time()
    try:
        request = read(raw)
    except Unreadable:
        return
    assert time.process_time() - started < 2
    assert from_json(to_json(request)) == request
    assert bool(request.reply.strip()) == bool(request.text.strip())
