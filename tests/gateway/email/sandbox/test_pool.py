"""The sandbox: whatever a mail does to its parser, its neighbours are read and it is quarantined with its reason."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desk.mail.inbound_request import Envelope
from gateway.email.parse.normalise import Normalised
from gateway.email.sandbox import frames
from gateway.email.sandbox.pool import Quarantine, SandboxPool
from gateway.email.sandbox.process import SandboxUnavailable
from gateway.email.smtp.types import RawMail

FAR = 60.0
"""Seconds that no test takes, also beside others: a test of one limit must not meet another one first."""
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
PARSER = "tests.gateway.email.sandbox.stub_parser:normalise"


def mail(raw: bytes) -> RawMail:
    return RawMail(raw, Envelope("ann@there.test", ("help@desk.test",), "192.0.2.1"), "help@desk.test", NOW)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxPool]:
    """One whose clocks are far away: only its memory and what it may not do limit a mail."""
    sandbox = SandboxPool(1, seconds=FAR, cpu_seconds=FAR, parser=PARSER, own_domains=frozenset({"desk.test"}))
    yield sandbox
    sandbox.close()


def read(sandbox: SandboxPool, *raws: bytes) -> list[Normalised | Quarantine]:
    return sandbox.normalise_many([mail(raw) for raw in raws])


def text_of(result: Normalised | Quarantine) -> str:
    assert isinstance(result, Normalised)
    return result.request.text


def test_a_batch_comes_back_in_its_order(sandbox: SandboxPool) -> None:
    raws = [f"mail {n}".encode() for n in range(50)]
    assert [text_of(result) for result in read(sandbox, *raws)] == [raw.decode() for raw in raws]


def test_nothing_asked_is_nothing_answered(sandbox: SandboxPool) -> None:
    assert read(sandbox) == []


def test_envelope_source_time_and_own_domains_reach_the_parser(sandbox: SandboxPool) -> None:
    (result,) = read(sandbox, b"hello")
    assert isinstance(result, Normalised)
    assert result.request.envelope == Envelope("ann@there.test", ("help@desk.test",), "192.0.2.1")
    assert result.request.source == "help@desk.test"
    assert result.request.received_at == NOW
    assert result.request.fields == (("desk.test", "own"),)


def test_files_come_back_with_their_bytes_even_when_empty(sandbox: SandboxPool) -> None:
    (result,) = read(sandbox, b"attach attach attach")
    assert isinstance(result, Normalised)
    assert result.files == (("file0", b""), ("file1", b"\x01" * 50_000), ("file2", b"\x02" * 100_000))


def test_a_mail_of_many_megabytes_passes(sandbox: SandboxPool) -> None:
    before = sandbox.pids
    (result,) = read(sandbox, b"x" * 8_000_000)
    assert isinstance(result, Normalised)
    assert sandbox.pids != before, "the child that grew for it was not replaced"


def test_an_unreadable_mail_is_quarantined_with_its_reason(sandbox: SandboxPool) -> None:
    assert read(sandbox, b"refuse", b"next") == [Quarantine("too many parts"), *read(sandbox, b"next")]


def test_a_fault_in_the_parser_costs_one_mail_and_tells_nothing_of_it(sandbox: SandboxPool) -> None:
    before = sandbox.pids
    results = read(sandbox, b"one", b"fault", b"two")
    assert results[1] == Quarantine("parser died: KeyError")
    assert [text_of(results[n]) for n in (0, 2)] == ["one", "two"]
    assert sandbox.pids == before


@pytest.mark.parametrize(
    ("order", "reason"), [(b"grow", "needed more than 300 MB"), (b"crash", "parser died: SIGSEGV")]
)
def test_only_the_bad_mail_of_a_batch_is_set_aside(sandbox: SandboxPool, order: bytes, reason: str) -> None:
    assert_only_the_middle_one_is_bad(sandbox, order, reason)


@pytest.mark.parametrize("order", [b"spin", b"stall"])
def test_only_the_mail_that_takes_too_much_processor_time_is_set_aside(order: bytes) -> None:
    sandbox = SandboxPool(1, seconds=FAR, cpu_seconds=0.3, parser=PARSER)
    assert_only_the_middle_one_is_bad(sandbox, order, "took longer than 0.3 s")
    sandbox.close()


def test_only_the_mail_that_waits_for_ever_is_set_aside() -> None:
    sandbox = SandboxPool(1, seconds=1.5, cpu_seconds=FAR, parser=PARSER)
    assert_only_the_middle_one_is_bad(sandbox, b"hang", "took longer than 1.5 s")
    sandbox.close()


def assert_only_the_middle_one_is_bad(sandbox: SandboxPool, order: bytes, reason: str) -> None:
    results = read(sandbox, b"one", b"two", order, b"three", b"four")
    assert results[2] == Quarantine(reason)
    assert [text_of(results[n]) for n in (0, 1, 3, 4)] == ["one", "two", "three", "four"]


def test_two_bad_mails_in_a_batch_are_both_found(sandbox: SandboxPool) -> None:
    results = read(sandbox, b"crash", b"one", b"crash", b"two")
    assert [isinstance(result, Quarantine) for result in results] == [True, False, True, False]


def test_what_a_library_prints_does_not_reach_the_gateway(sandbox: SandboxPool) -> None:
    assert text_of(read(sandbox, b"chatter")[0]) == "chatter"


def test_nothing_can_be_written_to_a_file(sandbox: SandboxPool, tmp_path: Path) -> None:
    path = tmp_path / "escape"
    assert read(sandbox, b"write " + bytes(path)) == [Quarantine("parser died: OSError")]
    assert path.stat().st_size == 0


def test_the_environment_of_the_gateway_stays_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FRONTDESK_SECRET_KEY", "hush")
    sandbox = SandboxPool(1, parser=PARSER)
    seen = text_of(read(sandbox, b"environment")[0])
    sandbox.close()
    assert "hush" not in seen
    assert "FRONTDESK" not in seen


def test_the_child_may_leave_no_core_and_no_file(sandbox: SandboxPool) -> None:
    assert text_of(read(sandbox, b"limits")[0]) == "[(0, 0), (0, 0)]"


def test_a_child_that_was_killed_while_idle_blames_no_mail(sandbox: SandboxPool) -> None:
    read(sandbox, b"warm")
    for pid in sandbox.pids:
        os.kill(pid, signal.SIGKILL)
    assert text_of(read(sandbox, b"next")[0]) == "next"


def test_two_threads_use_two_children_at_once(tmp_path: Path) -> None:
    sandbox = SandboxPool(2, seconds=FAR, cpu_seconds=FAR, parser=PARSER)
    done: list[str] = []
    slow = threading.Thread(
        target=lambda: done.extend(text_of(one) for one in read(sandbox, b"wait " + bytes(tmp_path / "go")))
    )
    slow.start()
    while len(sandbox.pids) == 2:
        os.sched_yield()
    done.extend(text_of(result) for result in read(sandbox, b"quick"))
    (tmp_path / "go").touch()
    slow.join(FAR)
    sandbox.close()
    assert [text.split()[0] for text in done] == ["quick", "wait"]


def test_a_parser_that_cannot_be_loaded_is_nobodys_mails_fault() -> None:
    sandbox = SandboxPool(1, parser="tests.gateway.no_such_parser:normalise")
    with pytest.raises(SandboxUnavailable, match="ModuleNotFoundError"):
        read(sandbox, b"hello")
    sandbox.close()


def test_a_closed_jail_takes_nothing_and_leaves_no_child() -> None:
    sandbox = SandboxPool(2, parser=PARSER)
    pids = sandbox.pids
    sandbox.close()
    with pytest.raises(SandboxUnavailable):
        read(sandbox, b"hello")
    assert not [pid for pid in pids if os.path.exists(f"/proc/{pid}")]


def test_children_end_when_the_gateway_is_killed() -> None:
    gateway = subprocess.Popen(
        [sys.executable, "-c", _GATEWAY],
        stdout=subprocess.PIPE,
        text=True,
        env={"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    assert gateway.stdout is not None
    pids = gateway.stdout.readline().split()
    gateway.kill()
    gateway.wait()
    gateway.stdout.close()
    until = time.monotonic() + 10
    while any(_runs(pid) for pid in pids) and time.monotonic() < until:
        time.sleep(0.01)
    assert pids
    assert not [pid for pid in pids if _runs(pid)]


_GATEWAY = f"""
from gateway.email.sandbox.pool import SandboxPool
sandbox = SandboxPool(2, parser={PARSER!r})
print(*sandbox.pids, flush=True)
input()
"""


def _runs(pid: str) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


@given(st.lists(st.lists(st.binary(max_size=300), min_size=1, max_size=6), max_size=6), st.integers(1, 400))
def test_frames_survive_any_cut(sent: list[list[bytes]], step: int) -> None:
    wire = b"".join(piece for parts in sent for piece in frames.pack(parts))
    unpacker = frames.Unpacker(1_000_000)
    got = [frame for at in range(0, len(wire), step) for frame in unpacker.feed(wire[at : at + step])]
    assert got == sent


def test_an_answer_that_is_too_large_is_not_taken() -> None:
    unpacker = frames.Unpacker(100)
    with pytest.raises(frames.BadFrame):
        unpacker.feed(b"".join(frames.pack([b"x" * 200])))
    with pytest.raises(frames.BadFrame):
        frames.Unpacker(100).feed(b"\xff\xff\xff\xff")


def test_a_sandbox_whose_processes_start_says_so(sandbox: SandboxPool) -> None:
    assert sandbox.check() == ""


def test_a_sandbox_whose_processes_do_not_start_says_why() -> None:
    broken = SandboxPool(1, parser="gateway.email.parse.normalise:no_such_parser")
    try:
        assert broken.check() != ""
    finally:
        broken.close()
    assert broken.check() == "", "what was closed on purpose is not broken"
