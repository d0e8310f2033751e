"""The compose file shows only what is meant for others."""

from __future__ import annotations

import re
from pathlib import Path

COMPOSE = (Path(__file__).parents[2] / "compose.yaml").read_text()


def _service(name: str) -> str:
    """The lines of one service."""
    return re.split(r"^  \w+:$", COMPOSE.partition(f"\n  {name}:\n")[2], maxsplit=1, flags=re.MULTILINE)[0]


def test_only_our_own_processes_reach_database_and_queue() -> None:
    for name in ("postgres", "valkey"):
        service = _service(name)
        assert "image:" in service and "ports:" not in service and "networks: [inside]" in service
    assert "--requirepass" in _service("valkey") and "POSTGRES_PASSWORD" in _service("postgres")
    assert "ports:" in _service("gateway"), "a service is found by its name"


def test_no_secret_stands_in_the_file() -> None:
    secrets = re.findall(r"\w*(?:PASSWORD|SECRET|TOKEN)\w*: (\S+)", COMPOSE)
    assert secrets and all(value.startswith("${") for value in secrets)
