"""Which addresses a connection may go to when the name of the server came over HTTP: public ones, and listed networks.

A private, loopback or link-local address would reach what stands behind the desk: a database, a router, the metadata
of a cloud. IPv6 forms that carry an IPv4 address are judged by that address too.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable, Iterator, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address
_NAT64 = ip_network("64:ff9b::/96")
_COMPATIBLE = ip_network("::/96")
_INSIDE_NAMES = (".localhost", ".local", ".internal", ".localdomain", ".home.arpa", ".lan", ".intranet")


def networks(names: Iterable[str]) -> tuple[Network, ...]:
    """The listed networks; ValueError names the first that is none."""
    return tuple(ip_network(name) for name in names)


def is_permitted(text: str, allowed: Sequence[Network]) -> bool:
    """Whether a connection may go to this IP address."""
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return False
    listed = any(address in network for network in allowed)
    return listed or all(_is_permitted(form, allowed) for form in _forms(address))


def literal_address(host: str) -> str:
    """The IP address that a host is written as, in any form that a resolver reads (127.1, 0x7f000001); else ""."""
    bare = host.strip("[]").partition("%")[0]
    try:
        return str(ip_address(bare))
    except ValueError:
        pass
    try:
        return socket.inet_ntoa(socket.inet_aton(bare)) if bare else ""
    except (OSError, ValueError):
        return ""


def is_inside_name(host: str, allowed: Sequence[Network]) -> bool:
    """Whether the host can be told, without asking a resolver, to be one that no connection may go to."""
    literal = literal_address(host)
    if literal:
        return not is_permitted(literal, allowed)
    name = host.lower().rstrip(".")
    return not allowed and ("." not in name or name.endswith(_INSIDE_NAMES))


def _forms(address: Address) -> Iterator[Address]:
    """The IPv4 address that an IPv6 address only carries; else the address, and each IPv4 address in it."""
    if isinstance(address, IPv4Address):
        yield address
    elif address.ipv4_mapped or address in _NAT64 or address in _COMPATIBLE:
        yield IPv4Address(int(address) & 0xFFFFFFFF)
    else:
        yield address
        yield from filter(None, (address.sixtofour, *(address.teredo or ())))


def _is_permitted(address: Address, allowed: Sequence[Network]) -> bool:
    if any(address in network for network in allowed):
        return True
    reserved = address.is_multicast or address.is_reserved or address.is_unspecified
    inside = isinstance(address, IPv6Address) and address.is_site_local
    return address.is_global and not reserved and not inside
