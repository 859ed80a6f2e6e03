"""Where a request comes from, for what is counted by address.

API Gateway's own word is taken, `requestContext.identity.sourceIp`: the address that opened the connection. A client
can write into `X-Forwarded-For` whatever it likes, and API Gateway appends that same address to it, so the header tells
nothing more that could be relied on.
"""

import ipaddress
from collections.abc import Mapping
from typing import Any

_ONE_HOME = 64


def source(event: Mapping[str, Any]) -> str:
    """The address that a request comes from; of IPv6 its network of 64 bits, since whoever has one has all of that."""
    given = str(event["requestContext"]["identity"]["sourceIp"])
    try:
        address = ipaddress.ip_address(given)
    except ValueError:
        return given
    if isinstance(address, ipaddress.IPv4Address):
        return given
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((address, _ONE_HOME), strict=False))
