"""The demo's page: a buyer's phone in the browser, and what the bot decided beside it."""

import asyncio
import secrets
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias, TypeVar
from urllib.parse import quote, urlsplit

import httpx
import msgspec
from litestar import Request, Response
from litestar.enums import HttpMethod
from litestar.handlers import HTTPRouteHandler
from litestar.response import Stream

from app.demo.shop import NotTakenError
from app.demo.view import Entries, Explain, ExplainError, State, look

if TYPE_CHECKING:
    from app.demo.shop import DemoShop
    from app.demo.words import Lang

Asked: TypeAlias = Request[Any, Any, Any]
Answer: TypeAlias = Response[bytes]
Wanted = TypeVar("Wanted")

_FILES = {
    "page.css": "text/css",
    "page.js": "text/javascript",
    "icon.svg": "image/svg+xml",
}
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}
_JOURNAL_SECONDS = 5.0
_JOURNAL_LINES = 100
_HEARTBEAT_SECONDS = 0.7  # the journal moves without anything happening in the shop
_STREAM_SECONDS = 15.0  # then the browser asks anew: a server can stop in between
_STREAM_RETRY = b"retry: 250\n\n"

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=1000, pattern=r"\S")]


class _Order(msgspec.Struct, frozen=True):
    phone: str
    sku: str


class _Delivery(msgspec.Struct, frozen=True):
    code: str


class _Message(msgspec.Struct, frozen=True):
    phone: str
    text: Text


class _Look(msgspec.Struct, frozen=True):
    phone: str


class _Switches(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    model_down: bool | None = None
    waha_down: bool | None = None


class _Nothing(msgspec.Struct, frozen=True):
    pass


def read_journal(base_url: str, admin_key: str) -> Explain:
    """Reads the product's own journal over HTTP, as any admin would; empty for a stranger."""
    # Its own server speaks plain HTTP; a default client reads all certificates each time.
    plain = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)

    async def explain(phone: str) -> Entries:
        try:
            async with httpx.AsyncClient(
                base_url=base_url, timeout=_JOURNAL_SECONDS, trust_env=False, verify=plain
            ) as client:
                answer = await client.get(
                    f"/api/contacts/{quote(phone)}/journal",
                    params={"limit": _JOURNAL_LINES},
                    headers={"Authorization": f"Bearer {admin_key}"},
                )
        except httpx.HTTPError as error:
            raise ExplainError(type(error).__name__) from None
        return _entries(answer)

    return explain


def _entries(answer: httpx.Response) -> Entries:
    if answer.status_code == httpx.codes.NOT_FOUND:
        return []
    if not answer.is_success:
        raise ExplainError(f"HTTP {answer.status_code}")
    try:
        return msgspec.json.decode(answer.content, type=Entries)
    except msgspec.DecodeError:
        raise ExplainError("not a journal") from None


def routes(shop: "DemoShop", *, api: str, admin_key: str) -> list[HTTPRouteHandler]:
    """The handlers of /demo, to be mounted in the product's own server.

    The bot's decisions are read from the product's API at the base URL `api`.
    """
    return routes_explained_by(shop, read_journal(api, admin_key))


def routes_explained_by(shop: "DemoShop", explain: Explain) -> list[HTTPRouteHandler]:
    """The same, with another source of what the bot decided."""
    page = _Page(shop, explain)
    gets: dict[str, Callable[..., Awaitable[Response[Any]]]] = {
        "/demo": page.show,
        "/demo/static/{name:str}": page.static,
        "/demo/state": page.state,
        "/demo/events": page.events,
    }
    posts: dict[str, Callable[..., Awaitable[Answer]]] = {
        "/demo/orders": page.order,
        "/demo/deliver": page.deliver,
        "/demo/messages": page.write,
        "/demo/reads": page.read,
        "/demo/buyers": page.new_buyer,
        "/demo/owner": page.owner_writes,
        "/demo/switches": page.switch,
    }
    return [
        *(_route(HttpMethod.GET, path, handle) for path, handle in gets.items()),
        *(_route(HttpMethod.POST, path, handle) for path, handle in posts.items()),
    ]


def _route(
    method: HttpMethod, path: str, handle: Callable[..., Awaitable[Response[Any]]]
) -> HTTPRouteHandler:
    route = HTTPRouteHandler(
        path,
        http_method=method,
        before_request=_own_page_only,
        include_in_schema=False,
        opt={"exclude_from_auth": True, "exclude_from_csrf": True},
    )
    return route(handle)


class _Page:
    """One method a route."""

    def __init__(self, shop: "DemoShop", explain: Explain) -> None:
        self._shop = shop
        self._explain = explain
        here = Path(__file__).parent
        self._html = (here / "page.html").read_bytes()
        self._files = {name: (here / name).read_bytes() for name in _FILES}

    # -- looking

    async def show(self) -> Answer:
        return Response(self._html, media_type="text/html", headers=_HEADERS)

    async def static(self, request: Asked) -> Answer:
        name = request.path_params["name"]
        if name not in self._files:
            return _said(404, {"error": "нет такого файла"})
        return Response(self._files[name], media_type=_FILES[name], headers=_HEADERS)

    async def state(self, request: Asked) -> Answer:
        return _said(200, msgspec.json.encode(await self._look(request)))

    async def events(self, request: Asked) -> Stream:
        headers = {**_HEADERS, "Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return Stream(self._stream(request), media_type="text/event-stream", headers=headers)

    async def _stream(self, request: Asked) -> AsyncIterator[bytes]:
        """The whole state, now and on each change, for a while."""
        clock = asyncio.get_running_loop().time
        ends, last = clock() + _STREAM_SECONDS, b""
        yield _STREAM_RETRY
        while not self._shop.closing and clock() < ends:
            seen = self._shop.changes
            state = await self._look(request)
            shown = msgspec.json.encode(state)
            if shown != last:
                yield b"data: " + shown + b"\n\n"
                last = shown
            if state.why is None:
                # It does not answer: perhaps it stops, and waits for this very stream to end.
                return
            await self._shop.changed(seen, _HEARTBEAT_SECONDS)

    async def _look(self, request: Asked) -> State:
        lang: Lang = "kk" if request.query_params.get("lang") == "kk" else "ru"
        phone = request.query_params.get("phone")
        return await look(self._shop, self._explain, phone=phone, lang=lang)

    # -- doing

    async def order(self, request: Asked) -> Answer:
        async def do(asked: _Order) -> dict[str, str]:
            goods = {item.sku: item for item in self._shop.goods}
            return {"code": (await self._shop.order(asked.phone, goods[asked.sku])).code}

        return await _doing(request, _Order, do)

    async def deliver(self, request: Asked) -> Answer:
        async def do(asked: _Delivery) -> None:
            await self._shop.deliver(asked.code)

        return await _doing(request, _Delivery, do)

    async def write(self, request: Asked) -> Answer:
        async def do(asked: _Message) -> None:
            await self._shop.write(asked.phone, asked.text.strip())

        return await _doing(request, _Message, do)

    async def read(self, request: Asked) -> Answer:
        async def do(asked: _Look) -> None:
            await self._shop.reads(asked.phone)

        return await _doing(request, _Look, do)

    async def new_buyer(self, request: Asked) -> Answer:
        async def do(_asked: _Nothing) -> dict[str, str]:
            buyer = self._shop.new_buyer()
            return {"phone": buyer.phone, "name": buyer.name}

        return await _doing(request, _Nothing, do)

    async def owner_writes(self, request: Asked) -> Answer:
        async def do(asked: _Message) -> None:
            await self._shop.owner_writes(asked.phone, asked.text.strip())

        return await _doing(request, _Message, do)

    async def switch(self, request: Asked) -> Answer:
        async def do(asked: _Switches) -> None:
            await self._shop.switch(model_down=asked.model_down, waha_down=asked.waha_down)

        return await _doing(request, _Switches, do)


async def _doing(
    request: Asked,
    kind: type[Wanted],
    do: Callable[[Wanted], Awaitable[dict[str, str] | None]],
) -> Answer:
    """Read the body, do what it asks for, and say how it went."""
    try:
        asked = msgspec.json.decode(await request.body(), type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return _said(400, {"error": str(error)})
    try:
        done = await do(asked)
    except KeyError:
        return _said(404, {"error": "нет такого покупателя, заказа или товара"})
    except NotTakenError as error:
        return _said(502, {"error": f"ai-seller не принял событие ({error})"})
    return _said(200, done or {})


async def _own_page_only(request: Asked) -> Answer | None:
    """Nobody logs in here, so no other website may reach it through the visitor's browser.

    A name that is not this machine's own would let a stranger's page pass for ours.
    """
    host = request.headers.get("host", "")
    if not _is_local(urlsplit(f"//{host}").hostname or ""):
        return _said(403, {"error": "откройте демо по адресу http://127.0.0.1 или localhost"})
    if request.method != HttpMethod.POST:
        return None
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return _said(403, {"error": "запрос с чужой страницы"})
    origin = request.headers.get("origin")
    if origin is not None and not _same(urlsplit(origin).netloc, host):
        return _said(403, {"error": "запрос с чужой страницы"})
    if request.content_type[0] != "application/json":
        return _said(415, {"error": "нужен application/json"})
    return None


def _is_local(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return bool(ip_address(host))
    except ValueError:
        return False


def _same(one: str, other: str) -> bool:
    return secrets.compare_digest(one.lower().encode(), other.lower().encode())


def _said(status: int, body: bytes | dict[str, str]) -> Answer:
    content = body if isinstance(body, bytes) else msgspec.json.encode(body)
    headers = {**_HEADERS, "Cache-Control": "no-store"}
    return Response(content, status_code=status, media_type="application/json", headers=headers)
