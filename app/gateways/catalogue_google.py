"""Addresses of Google's sheets: the one a seller copies, and the one that gives the rows."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

_HOSTS = frozenset({"docs.google.com", "spreadsheets.google.com"})
_PUBLISHED = re.compile(r"((?:/a/[^/]+|/u/[0-9]+)?/spreadsheets(?:/u/[0-9]+)?/d/e/[\w-]+)(?:/.*)?")
_SHARED = re.compile(
    r"(?:/a/[^/]+|/u/[0-9]+)?(/spreadsheets)(?:/u/[0-9]+)?(/d/[\w-]+)(?:/([\w-]*).*)?"
)
_READY = frozenset({"export", "gviz"})
"""Pages that give rows already."""

_KEY = "resourcekey"
"""What old sheets are opened with beside their id."""


def csv_export(url: str) -> str:
    """The CSV export of the Google sheet at this address; any other address as it is.

    The sheet shown in the address (``gid``) is the one exported, else the first.

    >>> csv_export("https://docs.google.com/spreadsheets/d/1aB/edit?usp=sharing#gid=7")
    'https://docs.google.com/spreadsheets/d/1aB/export?format=csv&gid=7'
    """
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return url
    if parts.scheme.lower() not in {"http", "https"} or host not in _HOSTS:
        return url
    query = dict(parse_qsl(parts.query))
    asked = {**query, **dict(parse_qsl(parts.fragment))}
    published = _PUBLISHED.fullmatch(parts.path)
    if published is not None:
        if "output" in query:
            return url
        return _address(f"{published[1]}/pub", {"output": "csv", **_kept(asked, "gid", "single")})
    shared = _SHARED.fullmatch(parts.path)
    if shared is None or shared[3] in _READY or "output" in query:
        return url
    kept = _kept(asked, "gid", _KEY)
    return _address(f"{shared[1]}{shared[2]}/export", {"format": "csv", **kept})


def _kept(asked: dict[str, str], *names: str) -> dict[str, str]:
    return {name: asked[name] for name in names if name in asked}


def _address(path: str, query: dict[str, str]) -> str:
    return urlunsplit(("https", "docs.google.com", path, urlencode(query), ""))
