"""Settings: what overrides what, and how a wrong one is named."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest

from cli.data.configuration import load
from desk.config.settings import BadSetting, Settings, host_and_port, read, unknown

WRONG = {
    "SMTP": "25",
    "HTTP": "localhost:http",
    "LMTP": "somewhere",
    "SECRET_KEY": "short",
    "RELAY_URL": "http://relay.example",
    "DATABASE_URL": "mysql://root:hunter2@db/desk",
    "REDIS_URL": "amqp://queue",
    "PUBLIC_URL": "desk.example.test",
    "TRUSTED_RELAYS": "10.0.0.0/8, mail.example.test",
    "WORKER_THREADS": "0",
    "JAIL_SIZE": "two",
    "MAX_MESSAGE_BYTES": "-1",
    "ACKNOWLEDGE": "maybe",
    "LOG_LEVEL": "loud",
    "TLS_CERT": "/nowhere/cert.pem",
}


def test_a_variable_wins_over_the_file_and_an_option_over_both(tmp_path: Path) -> None:
    (tmp_path / "frontdesk.toml").write_text('desk_name = "File"\nhttp = "127.0.0.1:1"\nsmtp = "127.0.0.1:2"\n')
    environ = {"FRONTDESK_HTTP": "127.0.0.1:11", "FRONTDESK_SMTP": "127.0.0.1:12"}
    settings = load(environ, {"smtp": "127.0.0.1:22", "http": None}, tmp_path)
    assert (settings.desk_name, settings.http, settings.smtp) == ("File", "127.0.0.1:11", "127.0.0.1:22")


def test_the_file_may_lie_in_the_data_folder(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "frontdesk.toml").write_text('desk_name = "Data"\n')
    assert load({}, {"data_dir": "data"}, tmp_path).desk_name == "Data"


def test_the_file_that_is_named_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match="FRONTDESK_CONFIG"):
        load({"FRONTDESK_CONFIG": str(tmp_path / "none.toml")}, {}, tmp_path)


def test_a_file_that_is_no_toml_is_named(tmp_path: Path) -> None:
    (tmp_path / "frontdesk.toml").write_text("smtp = 127.0.0.1\n")
    with pytest.raises(BadSetting, match=r"frontdesk\.toml"):
        load({}, {}, tmp_path)


def test_an_unknown_word_in_the_file_is_named() -> None:
    with pytest.raises(BadSetting, match=r"frontdesk\.toml: smpt"):
        read({}, {"smpt": "127.0.0.1:25"})


def test_a_value_of_the_wrong_kind_in_the_file_is_named() -> None:
    with pytest.raises(BadSetting, match=r"frontdesk\.toml: worker_threads"):
        read({}, {"worker_threads": "four"})


@pytest.mark.parametrize("name", sorted(WRONG))
def test_a_wrong_variable_names_itself(name: str, tmp_path: Path) -> None:
    environ = {f"FRONTDESK_{name}": WRONG[name]}
    if name == "TLS_CERT":
        environ["FRONTDESK_TLS_KEY"] = "/nowhere/key.pem"
    with pytest.raises(BadSetting) as caught:
        load(environ, {}, tmp_path)
    assert caught.value.name == f"FRONTDESK_{name}"
    assert "hunter2" not in str(caught.value)


def test_the_command_ends_with_78_and_no_trace(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(Path(__file__).parents[2] / "frontdesk.py"), "up"],
        env={"PATH": "/usr/bin", "FRONTDESK_SMTP": "nonsense"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 78
    assert "FRONTDESK_SMTP" in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "good"),
    [
        ("DATABASE_URL", "postgresql://desk:secret@db:5432/desk"),
        ("DATABASE_URL", "postgresql:///desk?host=/run/postgresql"),
        ("DATABASE_URL", "sqlite:////var/lib/frontdesk/desk.sqlite3"),
        ("REDIS_URL", "unix:///run/valkey.sock"),
        ("REDIS_URL", "rediss://:secret@queue:6380/1"),
        ("RELAY_URL", "smtp://desk:s%40fe@relay.example.test:587"),
        ("LMTP", "/run/frontdesk/lmtp.sock"),
        ("SMTP", "[::1]:2525"),
        ("SMTP", ":0"),
    ],
)
def test_the_usual_forms_are_taken(name: str, good: str) -> None:
    assert getattr(read({f"FRONTDESK_{name}": good}, {}), name.lower()) == good


def test_nothing_set_is_fine() -> None:
    assert read({}, {}) == Settings()


def test_every_setting_has_a_kind_that_can_be_read() -> None:
    assert all(isinstance(field.default, (str, int, tuple)) for field in fields(Settings))


def test_an_address_without_a_host_is_loopback() -> None:
    assert host_and_port("X", ":0") == ("127.0.0.1", 0)
    assert host_and_port("X", "[::1]:25") == ("::1", 25)


def test_a_secret_may_stand_in_a_file_and_a_variable_goes_first(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text("k" * 40 + "\n")
    environ = {"FRONTDESK_SECRET_KEY_FILE": str(path)}
    assert load(environ, {}, tmp_path).secret_key == "k" * 40
    assert load(environ | {"FRONTDESK_SECRET_KEY": "v" * 32}, {}, tmp_path).secret_key == "v" * 32


def test_a_secrets_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match="FRONTDESK_RELAY_URL_FILE"):
        load({"FRONTDESK_RELAY_URL_FILE": str(tmp_path / "none")}, {}, tmp_path)


@pytest.mark.parametrize(
    ("wrong", "meant"),
    [("RELAY_ULR", "RELAY_URL"), ("SECRETKEY", "SECRET_KEY"), ("SECRET_KEYS_FILE", "SECRET_KEY"), ("HTPP", "HTTP")],
)
def test_a_misspelled_variable_is_refused_with_what_is_meant(wrong: str, meant: str, tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match=f"FRONTDESK_{meant} is meant") as caught:
        load({f"FRONTDESK_{wrong}": "x"}, {}, tmp_path)
    assert caught.value.name == f"FRONTDESK_{wrong}"


def test_a_variable_that_means_nothing_is_named_and_stops_nothing(tmp_path: Path) -> None:
    environ = {"FRONTDESK_PORT_8025_TCP": "tcp://10.0.0.1:8025", "PATH": "/bin", "FRONTDESK_CONFIG": "x"}
    assert unknown(environ) == ["FRONTDESK_PORT_8025_TCP"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("UNDO_SEND_SECONDS", "500"),
        ("MAIL_DOMAIN", "support@desk.example"),
        ("AUTHSERV_ID", "mx one"),
        ("MAX_MESSAGE_BYTES", "10"),
        ("HTTP", "127.0.0.1:2525"),
        ("TRUSTED_PROXIES", "proxy.example"),
    ],
)
def test_a_value_that_cannot_be_meant_names_itself(name: str, value: str, tmp_path: Path) -> None:
    with pytest.raises(BadSetting) as caught:
        load({f"FRONTDESK_{name}": value}, {}, tmp_path)
    assert caught.value.name == f"FRONTDESK_{name}"
