"""Who may come in: a bearer of the key, or a network we trust."""

from __future__ import annotations

from collections.abc import Sequence
from hmac import compare_digest
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any, TypeAlias
from urllib.parse import urlsplit

from litestar.connection import ASGIConnection
from litestar.exceptions import NotAuthorizedException
from litestar.handlers import BaseRouteHandler

from app.web.front import Network, front_of

Connection: TypeAlias = ASGIConnection[Any, Any, Any, Any]

CHALLENGE = {"WWW-Authenticate": 'Bearer realm="ai-seller"'}
"""The header of every 401: which kind of key is asked for."""


def admin(connection: Connection, _handler: BaseRouteHandler) -> None:
    """Let in who bears the admin key. Raises NotAuthorizedException (401)."""
    if not bears(connection, front_of(connection).admin_key):
        raise NotAuthorizedException("the admin key is needed", headers=CHALLENGE)


def trusted_or_admin(connection: Connection, handler: BaseRouteHandler) -> None:
    """Let in a trusted network, or who bears the admin key. Raises NotAuthorizedException."""
    if not is_trusted(connection, front_of(connection).trusted):
        admin(connection, handler)


def bears(connection: Connection, key: str | None) -> bool:
    """Whether the request bears ``key``; compared in constant time. No key lets nobody in."""
    scheme, _, given = connection.headers.get("authorization", "").partition(" ")
    if not key or scheme.lower() != "bearer":
        return False
    return compare_digest(given.strip().encode("utf-8", "replace"), key.encode())


def is_trusted(connection: Connection, networks: Sequence[Network]) -> bool:
    """Whether the request comes from one of ``networks``. A unix socket comes from none.

    A page of another site in a browser on this machine comes from that site, wherever it runs;
    and who asks for us by a name of the Internet was led here by it (DNS rebinding, a tunnel).
    """
    here = not from_other_site(connection) and _is_local_name(connection)
    address = client_ip(connection) if here else None
    return address is not None and any(address in network for network in networks)


def from_other_site(connection: Connection) -> bool:
    """Whether a browser sent this for a page that is not ours (Fetch Metadata, or the Origin)."""
    site = connection.headers.get("sec-fetch-site")
    if site is not None:
        return site not in ("same-origin", "none")
    origin = connection.headers.get("origin")
    return origin is not None and _place(origin) != connection.headers.get("host")


def plain_name(told: str) -> str:
    """What somebody calls themselves, on one line and without what turns or hides letters."""
    return " ".join("".join(each if each.isprintable() else " " for each in told).split())


def _is_local_name(connection: Connection) -> bool:
    """Whether we were asked for by an address, ``localhost`` or a name without a dot."""
    host = connection.headers.get("host", "")
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:  # brackets that hold no address
        return False
    try:
        ip_address(name)
    except ValueError:
        return "." not in name
    return True


def _place(origin: str) -> str:
    """The host and port of an origin; '' for what is none."""
    try:
        return urlsplit(origin).netloc
    except ValueError:  # brackets that hold no address
        return ""


def client_ip(connection: Connection) -> IPv4Address | IPv6Address | None:
    """Who asks; an IPv4 address that came over an IPv6 socket as IPv4. None when unknown."""
    if connection.client is None:
        return None
    try:
        address = ip_address(connection.client.host)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
