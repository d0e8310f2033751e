"""Where a web request came from: only hops that we were told to trust may speak for somebody else.

It takes the address that connected and the X-Forwarded-For headers, and returns one address. An untrusted peer can
write what it likes into the header; nothing of it is read.
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

MOST_HOPS = 20


def came_from(peer: str, forwarded: Sequence[str], trusted: Sequence[str]) -> str:
    """The nearest address that is not a trusted proxy; `trusted` are addresses or networks."""
    hops = [hop.strip() for header in forwarded for hop in header.split(",")][-MOST_HOPS:]
    nearest = peer
    while hops and is_within(nearest, trusted):
        hop = _address(hops.pop())
        if hop is None:
            break
        nearest = str(hop)
    return nearest


def neighbourhood(address: str) -> str:
    """What a limit counts by: an IPv4 address, or the /64 of an IPv6 address, since a host may use all of it."""
    found = _address(address)
    if isinstance(found, IPv6Address):
        return str(ip_network((found, 64), strict=False))
    return str(found) if found else address


def is_within(address: str, trusted: Sequence[str]) -> bool:
    """Whether it is one of those addresses, or lies in one of those networks."""
    found = _address(address)
    return found is not None and any(found in ip_network(one, strict=False) for one in trusted)


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        found = ip_address(text.strip("[]"))
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return mapped or found
