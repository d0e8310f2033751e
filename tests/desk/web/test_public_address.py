"""Which addresses a server that was named over HTTP may have."""

from __future__ import annotations

import pytest

from desk.web.public_address import is_inside_name, is_permitted, literal_address, networks

INSIDE = (
    "127.0.0.1", "127.255.255.254", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",
    "255.255.255.255", "224.0.0.1", "240.0.0.1", "::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254",
    "fec0::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1", "64:ff9b::127.0.0.1",
    "64:ff9b::a9fe:a9fe", "64:ff9b:1::10.0.0.1", "2002:7f00:1::", "2002:a00:1::1", "not an address", "",
)  # fmt: skip
LITERALS = (
    "127.0.0.1", "127.1", "2130706433", "0x7f000001", "017700000001", "0x7f.1", "[::1]", "::ffff:7f00:1", "localhost",
    "LOCALHOST.", "desk.localhost", "metadata.google.internal", "printer.local", "postgres", "nas.lan", "",
)  # fmt: skip


@pytest.mark.parametrize("address", INSIDE)
def test_an_address_inside_is_not_permitted(address: str) -> None:
    assert not is_permitted(address, ())


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700:4700::1111", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8"])
def test_a_public_address_is_permitted(address: str) -> None:
    assert is_permitted(address, ())


def test_a_listed_network_is_permitted_and_its_neighbour_is_not() -> None:
    allowed = networks(["10.1.0.0/16", "::1"])
    assert (
        is_permitted("10.1.2.3", allowed) and is_permitted("::ffff:10.1.2.3", allowed) and is_permitted("::1", allowed)
    )
    assert not is_permitted("10.2.0.1", allowed) and not is_permitted("127.0.0.1", allowed)


@pytest.mark.parametrize("host", LITERALS)
def test_a_host_inside_is_known_by_its_name_alone(host: str) -> None:
    assert is_inside_name(host, ())


@pytest.mark.parametrize("host", ["imap.example.com", "8.8.8.8", "134744072", "[2606:4700:4700::1111]"])
def test_a_public_host_is_left_to_the_resolver(host: str) -> None:
    assert not is_inside_name(host, ())


def test_every_spelling_of_an_address_is_the_same_address() -> None:
    assert {literal_address(host) for host in ("127.1", "0x7f000001", "2130706433", "017700000001")} == {"127.0.0.1"}
    assert literal_address("imap.example.com") == "" == literal_address("")
