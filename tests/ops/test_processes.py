"""Processes of many machines: what they do when a service is away at the start, and when a whole group is ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import urllib.request
from dataclasses import replace
from pathlib import Path

import pytest

from storage.open_store import Store, open_store
from tests.servers import postgres
from tests.servers.fleet import AGENT, Fleet, wait_until
from tests.servers.running import SCRIPT, frontdesk, plain_environ

pytestmark = pytest.mark.slow

MAIL = b"From: ada@example.test\r\nTo: support@desk.example.test\r\nSubject: x\r\nMessage-ID: <%d@x>\r\n\r\nHelp.\r\n"


def test_a_gateway_that_starts_before_the_database_waits_and_then_serves(
    own_postgres: postgres.Postgres, store: Store, tmp_path: Path
) -> None:
    with own_postgres.fresh_database() as url:
        there = open_store(replace(store.settings, database_url=url))
        with Fleet(there, tmp_path / "fleet") as fleet:
            there.close()
            own_postgres.kill()
            fleet.start("valkey", "gateway1", "worker1")
            wait_until(lambda: fleet.log("gateway1").count("database_awaited") >= 2, "the gateway does not wait")
            assert not fleet.send(MAIL % 1, "ada@example.test")
            assert all(process.poll() is None for process in fleet.processes.values())
            own_postgres.start()
            wait_until(lambda: fleet.send(MAIL % 1, "ada@example.test"), "the gateway does not come back")
            fleet.wait_until_settled()
            assert fleet.states() == {"ticketed": 1}
            assert "Traceback" not in fleet.log("gateway1")
            for name in ("gateway1", "worker1"):
                fleet.stop(name)
        there.close()


def test_sigterm_to_the_whole_group_drains_too(store: Store, tmp_path: Path) -> None:
    with Fleet(store, tmp_path / "fleet") as fleet:
        fleet.start("valkey", "gateway", "worker")
        wait_until(lambda: "worker_started" in fleet.log("worker"), "the worker does not start")
        for number in range(20):
            assert fleet.send(MAIL % number, "ada@example.test")
        for name in ("gateway", "worker"):
            os.killpg(fleet.processes[name].pid, signal.SIGTERM)
        assert {name: fleet.processes.pop(name).wait(30) for name in ("gateway", "worker")} == {
            "gateway": 0,
            "worker": 0,
        }
        fleet.start("worker")
        fleet.wait_until_settled()
        assert fleet.states() == {"ticketed": 20}
        assert AGENT not in fleet.log("gateway") + fleet.log("worker")


def test_a_worker_without_a_queue_says_which_variable_is_missing(store: Store) -> None:
    environ = {**plain_environ(), "FRONTDESK_DATA_DIR": store.settings.data_dir}
    done = frontdesk("worker", environ=environ)
    assert done.returncode == 78
    assert "FRONTDESK_REDIS_URL" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    environ = {**plain_environ(), "FRONTDESK_DATA_DIR": str(tmp_path / "file" / "data")}
    done = frontdesk("up", "--smtp", ":0", "--http", ":0", environ=environ)
    assert done.returncode == 73
    assert str(tmp_path / "file" / "data") in done.stderr
    assert "Traceback" not in done.stderr


def test_every_kind_of_process_shows_its_health(store: Store, tmp_path: Path) -> None:
    with Fleet(store, tmp_path / "fleet") as fleet:
        fleet.start("valkey")
        for name in ("http", "console"):
            fleet.start(name)
            wait_until(lambda: _alive(fleet.http_port), "the pages do not answer")
            assert fleet.stop(name) == 0
        for name in ("gateway", "worker"):
            command = [sys.executable, str(SCRIPT), name, "--http", f"127.0.0.1:{fleet.http_port}"]
            with subprocess.Popen(command, env=fleet._environment(), stderr=subprocess.DEVNULL) as process:
                wait_until(lambda: _alive(fleet.http_port), f"the {name} does not answer")
                process.terminate()
                assert process.wait(30) == 0


def _alive(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/livez", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
