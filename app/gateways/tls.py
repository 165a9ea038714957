"""What every client trusts, read once: a certificate store takes a while to load."""

from __future__ import annotations

import ssl
from functools import cache

import httpx


@cache
def tls() -> ssl.SSLContext:
    """The default of httpx, shared by all clients of the process."""
    return httpx.create_ssl_context()
