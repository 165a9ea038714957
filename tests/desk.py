"""The desk as a browser without scripts sees it: logged in, its forms with their token."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from html.parser import HTMLParser

import httpx

_HTML = {"Accept": "text/html"}
_TOKEN = re.compile(r'<meta name="csrf" content="([^"]+)">')
_UNSEEN = frozenset({"script", "style", "template", "head"})
_VOID = frozenset({"meta", "link", "input", "img", "br", "hr", "use"})


class Desk:
    """Somebody at the desk. ``http`` bears their cookie."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self.http = http
        self.csrf = ""

    async def login(self, key: str, *, who: str = "Асель", lang: str = "ru") -> httpx.Response:
        """Log in; the page one comes to."""
        form = {"key": key, "who": who, "lang": lang}
        answer = await self.http.post("/desk/login", data=form, headers=_HTML)
        found = _TOKEN.search(answer.text)
        self.csrf = found[1] if found else ""
        return answer

    async def get(self, path: str, **about: str) -> httpx.Response:
        """A page, with these query parameters."""
        return await self.http.get(path, params=about or None, headers=_HTML)

    async def page(self, path: str, **about: str) -> str:
        """The HTML of a page that is there."""
        answer = await self.get(path, **about)
        assert answer.status_code == 200, (answer.status_code, seen(answer.text))
        return answer.text

    async def post(self, path: str, fields: Mapping[str, str] | None = None) -> httpx.Response:
        """Send a form of the desk's; the page one comes to."""
        form = {"csrf": self.csrf, **(fields or {})}
        return await self.http.post(path, data=form, headers=_HTML)


@asynccontextmanager
async def desk_of(
    url: str, *, key: str | None, who: str = "Асель", lang: str = "ru"
) -> AsyncIterator[Desk]:
    """Somebody at the desk of the product at ``url``; ``key`` None has not logged in."""
    async with httpx.AsyncClient(base_url=url, verify=False, follow_redirects=True) as http:
        desk = Desk(http)
        if key is not None:
            answer = await desk.login(key, who=who, lang=lang)
            assert answer.status_code == 200, answer.text
            assert desk.csrf, seen(answer.text)
        yield desk


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self._unseen = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _VOID:
            return
        if self._unseen or tag in _UNSEEN:
            self._unseen += 1

    def handle_endtag(self, tag: str) -> None:
        if self._unseen and tag not in _VOID:
            self._unseen -= 1

    def handle_data(self, data: str) -> None:
        if not self._unseen:
            self.words.append(data)


def seen(html: str) -> str:
    """The text of a page as one reads it."""
    reader = _Reader()
    reader.feed(html)
    return " ".join(" ".join(reader.words).split())
