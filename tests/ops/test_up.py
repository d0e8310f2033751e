"""`frontdesk up`, for real: it greets, serves, starts again what dies, and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import smtplib
import stat
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.components import need
from tests.servers.running import Desk, alive, children_of, frontdesk, plain_environ, running_desk, wait_for

pytestmark = pytest.mark.slow

MAIL = (
    "From: Ada <ada-{0}@example.test>\r\nTo: support@desk.example.test\r\n"
    "Subject: {0}\r\nMessage-ID: <{0}@x>\r\n\r\nHelp.\r\n"
)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """One desk for the tests that leave it as it was."""
    need("valkey")
    with running_desk(tmp_path_factory.mktemp("up") / "data", mail_domain="desk.example.test") as running:
        yield running


def send(desk: Desk, name: str) -> None:
    with smtplib.SMTP(*desk.smtp, timeout=20) as smtp:
        smtp.sendmail(f"ada-{name}@example.test", ["support@desk.example.test"], MAIL.format(name))


def get(desk: Desk, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(desk.http + path, timeout=20) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_a_first_start_makes_a_desk_and_says_where_it_is(desk: Desk) -> None:
    assert len(desk.password) >= 16
    assert f"swaks --server 127.0.0.1:{desk.smtp[1]} --to support@desk.example.test" in desk.output
    assert [box["address"] for box in desk.run("mailbox", "list")] == ["support@desk.example.test"]
    assert [team["name"] for team in desk.run("team", "list")] == ["Support"]
    assert [agent["role"] for agent in desk.run("agent", "list")] == ["admin"]


def test_a_mail_becomes_a_ticket_with_an_acknowledgement(desk: Desk) -> None:
    send(desk, "first-mail")
    rows = wait_for(lambda: [row for row in desk.run("ticket", "list") if row["subject"] == "first-mail"], 20)
    wait_for(lambda: _letter(desk, rows[0]["id"]).get("state") not in (None, "queued", "sending"), 20)
    assert (_letter(desk, rows[0]["id"])["state"], _letter(desk, rows[0]["id"])["reason"]) == ("caught", "")


def test_the_pages_and_the_health_answer(desk: Desk) -> None:
    assert get(desk, "livez") == (200, "ok\n")
    assert get(desk, "login")[0] == 200
    assert get(desk, "request")[0] == 200
    ready = wait_for(lambda: '"status":"ok"' in (body := get(desk, "readyz")[1]) and body, 20)
    assert '"database":"ok"' in ready
    assert "frontdesk_inbound_unsettled" in get(desk, "metrics")[1]


def test_the_numbers_hold_no_address_and_no_words(desk: Desk) -> None:
    send(desk, "canary-9921")
    wait_for(lambda: desk.run("ledger")["unsettled"] == 0, 20)
    assert "example.test" not in get(desk, "metrics")[1]
    log = desk.log.read_text()
    assert "canary-9921" not in log
    assert "@example.test" not in log


def test_the_queue_has_no_port_and_a_private_socket(desk: Desk) -> None:
    socket = desk.folder / "valkey.sock"
    assert stat.S_ISSOCK(socket.stat().st_mode)
    assert stat.S_IMODE(socket.stat().st_mode) == 0o700
    assert stat.S_IMODE((desk.folder / "secret.key").stat().st_mode) == 0o600
    assert stat.S_IMODE(desk.folder.stat().st_mode) == 0o700


def test_a_second_one_on_the_same_folder_is_refused(desk: Desk) -> None:
    done = frontdesk("up", "--smtp", ":0", "--http", ":0", environ=desk.environ)
    assert done.returncode == 75
    assert f"process {desk.process.pid}" in done.stderr


def test_a_port_in_use_is_named(desk: Desk, tmp_path: Path) -> None:
    place = f"127.0.0.1:{desk.smtp[1]}"
    environ = {**plain_environ(), "FRONTDESK_DATA_DIR": str(tmp_path / "data")}
    done = frontdesk("up", "--smtp", place, "--http", ":0", environ=environ)
    assert done.returncode == 71
    assert f"cannot listen on {place}" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("name", ["gateway", "worker", "http", "valkey"])
def test_a_killed_process_is_started_again_where_it_was(desk: Desk, name: str) -> None:
    before, place, pages = desk.child(name), desk.smtp, desk.http
    os.kill(before, signal.SIGKILL)
    wait_for(lambda: not alive(before), 10)
    wait_for(lambda: desk.child(name) != before, 20)
    subject = f"after-{name}-{before}"
    wait_for(lambda: _sent(desk, subject), 20)
    wait_for(lambda: [row for row in desk.run("ticket", "list") if row["subject"] == subject], 30)
    wait_for(lambda: _pages_answer(desk), 20)
    assert (desk.smtp, desk.http) == (place, pages)


def test_sigterm_stops_everything_in_time_and_leaves_no_process(tmp_path: Path) -> None:
    with running_desk(tmp_path / "data", mail_domain="desk.example.test") as desk:
        family = _family(desk.process.pid)
        assert len(family) >= 4
        for number in range(5):
            send(desk, f"before-the-end-{number}")
        assert desk.stop() == 0
    assert [pid for pid in family if alive(pid)] == []
    assert frontdesk("ledger", "--json", environ=desk.environ).stdout.count('"accepted": 5') == 1
    assert not (tmp_path / "data" / "running.json").exists()


def test_nothing_outlives_a_supervisor_that_was_killed(tmp_path: Path) -> None:
    with running_desk(tmp_path / "data") as desk:
        family = _family(desk.process.pid)
        desk.process.kill()
        desk.process.wait()
        wait_for(lambda: not any(alive(pid) for pid in family), 30)


def test_the_socket_moves_where_the_folders_path_is_too_long_and_ctrl_c_stops_it(tmp_path: Path) -> None:
    folder = tmp_path / ("long-" * 20) / "data"
    folder.parent.mkdir()
    with running_desk(folder, mail_domain="desk.example.test") as desk:
        send(desk, "far-away")
        wait_for(lambda: desk.run("ticket", "list"), 20)
        assert not (folder / "valkey.sock").exists()
        family = _family(desk.process.pid)
        desk.process.send_signal(signal.SIGINT)
        assert desk.process.wait(40) == 0
    assert [pid for pid in family if alive(pid)] == []


def _family(pid: int) -> list[int]:
    """All descendants of a process."""
    return [one for child in children_of(pid) for one in (child, *_family(child))]


def _letter(desk: Desk, ticket_id: int) -> dict[str, Any]:
    """The acknowledgement of a ticket, once there is one."""
    letters = desk.run("ticket", "show", str(ticket_id))["outbound"]
    return next((letter for letter in letters if letter["kind"] == "acknowledgement"), {})


def _sent(desk: Desk, subject: str) -> bool:
    try:
        send(desk, subject)
    except (OSError, smtplib.SMTPException):
        return False
    return True


def _pages_answer(desk: Desk) -> bool:
    try:
        return get(desk, "livez")[0] == 200
    except OSError:
        return False
