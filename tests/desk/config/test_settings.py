"""A wrong setting is named, whatever is wrong with it; nothing else is raised, and no secret is said."""

from __future__ import annotations

from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desk.config.settings import BadSetting, Settings, host_and_port, read

NAMES = [f"FRONTDESK_{f.name.upper()}" for f in fields(Settings)]
values = st.text(max_size=20) | st.sampled_from(
    ["²", "-1", "0", "١", "127.0.0.1:²", "[::1]:25", "smtp://[", "http://a:x"]
)


@given(st.dictionaries(st.sampled_from(NAMES), values, max_size=3))
def test_a_wrong_variable_is_named(environ: dict[str, str]) -> None:
    try:
        read(environ, {})
    except BadSetting as error:
        assert error.name in NAMES


@given(st.dictionaries(st.text(max_size=10) | st.sampled_from([f.name for f in fields(Settings)]), st.none() | values))
def test_a_wrong_line_of_the_file_is_named(toml: dict[str, object]) -> None:
    try:
        read({}, toml)
    except BadSetting as error:
        assert error.name


def test_a_variable_goes_before_the_file() -> None:
    assert read({"FRONTDESK_DESK_NAME": "A"}, {"desk_name": "B"}).desk_name == "A"
    assert read({}, {"desk_name": "B"}).desk_name == "B"


def test_a_password_in_an_address_is_never_repeated() -> None:
    with pytest.raises(BadSetting) as failed:
        read({"FRONTDESK_RELAY_URL": "smtp//u:geheim@host"}, {})
    assert "geheim" not in str(failed.value) and failed.value.name == "FRONTDESK_RELAY_URL"


@pytest.mark.parametrize(
    ("text", "place"),
    [("127.0.0.1:0", ("127.0.0.1", 0)), (":25", ("127.0.0.1", 25)), ("[::1]:25", ("::1", 25)), ("h:1", ("h", 1))],
)
def test_places_are_read(text: str, place: tuple[str, int]) -> None:
    assert host_and_port("X", text) == place


@pytest.mark.parametrize("text", ["", "host", "host:", "host:x", "host:65536", "host:-1", "host:²"])
def test_a_wrong_place_is_refused(text: str) -> None:
    with pytest.raises(BadSetting):
        host_and_port("X", text)


@pytest.mark.parametrize("zone", ["", "Nowhere", "Europe", "../../etc/passwd", "x\0y"])
def test_a_time_zone_that_is_none_is_named(zone: str) -> None:
    assert read({"FRONTDESK_TIME_ZONE": "Asia/Tokyo"}, {}).time_zone == "Asia/Tokyo"
    with pytest.raises(BadSetting, match="Europe/Berlin"):
        read({"FRONTDESK_TIME_ZONE": zone}, {})


@pytest.mark.parametrize("selector", ["", "a b", ".x", "x" * 64, "x;p=1"])
def test_a_key_that_signs_mail_needs_a_selector_that_a_domain_name_can_have(selector: str) -> None:
    read({"FRONTDESK_DKIM_KEY": "k.pem", "FRONTDESK_DKIM_SELECTOR": "desk2026"}, {})
    with pytest.raises(BadSetting, match="FRONTDESK_DKIM"):
        read({"FRONTDESK_DKIM_KEY": "k.pem", "FRONTDESK_DKIM_SELECTOR": selector}, {})
