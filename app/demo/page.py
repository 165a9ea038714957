"""The demo's page: a buyer's phone in the browser, the shop around it, and the desk beside."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias, TypeVar
from urllib.parse import SplitResult, urlsplit

import msgspec
from litestar import Request, Response
from litestar.datastructures import Cookie
from litestar.enums import HttpMethod
from litestar.handlers import HTTPRouteHandler
from litestar.response import Stream

from app.demo.clock import MOST_HOURS
from app.demo.kaspi_life import WrongStepError
from app.demo.shop import BY_BUYER, BY_SHOP, NotTakenError
from app.demo.view import State, look

if TYPE_CHECKING:
    from app.demo.calendar import Lang
    from app.demo.shop import DemoShop

Asked: TypeAlias = Request[Any, Any, Any]
Answer: TypeAlias = Response[bytes]
Wanted = TypeVar("Wanted")
Pass: TypeAlias = Cookie
"""The cookie with which somebody may see the desk."""

Welcome: TypeAlias = Callable[["Lang"], Awaitable[Pass]]
"""Lets somebody into the desk, in their language."""

_FILES = {
    "page.css": "text/css",
    "page.js": "text/javascript",
    "page_chat.js": "text/javascript",
    "page_panel.js": "text/javascript",
    "page_tools.js": "text/javascript",
    "page_words.js": "text/javascript",
    "icon.svg": "image/svg+xml",
}
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; frame-src 'self'; base-uri 'none'; form-action 'self'; "
        "frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}
_HEARTBEAT_SECONDS = 0.7  # the time goes on without anything happening in the shop
_STREAM_SECONDS = 15.0  # then the browser asks anew: a server can stop in between
_STREAM_RETRY = b"retry: 250\n\n"

_DESK = "/desk"

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=4096, pattern=r"\S")]


class _Order(msgspec.Struct, frozen=True):
    phone: str
    sku: str


class _Which(msgspec.Struct, frozen=True):
    code: str


class _Cancelled(msgspec.Struct, frozen=True):
    code: str
    by: Literal["shop", "buyer"] = "shop"


class _Move(msgspec.Struct, frozen=True):
    hours: Annotated[int, msgspec.Meta(ge=1, le=MOST_HOURS)]


class _Message(msgspec.Struct, frozen=True):
    phone: str
    text: Text


class _Look(msgspec.Struct, frozen=True):
    phone: str


class _Switches(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    model_down: bool | None = None
    waha_down: bool | None = None
    kaspi_down: bool | None = None


class _Nothing(msgspec.Struct, frozen=True):
    pass


def routes(shop: "DemoShop", *, welcome: Welcome | None = None) -> list[HTTPRouteHandler]:
    """The handlers of /demo, to be mounted in the product's own server.

    `welcome` lets whoever opens the page into the desk beside it.
    """
    page = _Page(shop, welcome)
    gets: dict[str, Callable[..., Awaitable[Response[Any]]]] = {
        "/demo": page.show,
        "/demo/static/{name:str}": page.static,
        "/demo/state": page.state,
        "/demo/events": page.events,
    }
    posts: dict[str, Callable[..., Awaitable[Answer]]] = {
        "/demo/orders": page.order,
        "/demo/ship": page.ship,
        "/demo/deliver": page.deliver,
        "/demo/cancel": page.cancel,
        "/demo/messages": page.write,
        "/demo/reads": page.read,
        "/demo/buyers": page.new_buyer,
        "/demo/owner": page.owner_writes,
        "/demo/switches": page.switch,
        "/demo/clock": page.move_clock,
        "/demo/desk": page.desk,
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

    def __init__(self, shop: "DemoShop", welcome: Welcome | None) -> None:
        self._shop = shop
        self._welcome = welcome
        here = Path(__file__).parent
        self._html = (here / "page.html").read_bytes()
        self._files = {name: (here / name).read_bytes() for name in _FILES}

    # -- looking

    async def show(self, request: Asked) -> Answer:
        answer = Response(self._html, media_type="text/html", headers=_HEADERS)
        # Who was led here by another site, or in a frame of one, is not let into the desk by that.
        if not _from_other_site(request):
            await self._let_in(answer, request)
        return answer

    async def desk(self, request: Asked) -> Answer:
        """Lets the page itself into the desk, however its visitor came here."""
        answer = _said(200, {"desk": _DESK})
        await self._let_in(answer, request)
        return answer

    async def _let_in(self, answer: Answer, request: Asked) -> None:
        if self._welcome is not None:
            answer.set_cookie(await self._welcome(_lang(request)))

    async def static(self, request: Asked) -> Answer:
        name = request.path_params["name"]
        if name not in self._files:
            return _said(404, {"error": "нет такого файла"})
        return Response(self._files[name], media_type=_FILES[name], headers=_HEADERS)

    async def state(self, request: Asked) -> Answer:
        return _said(200, msgspec.json.encode(self._look(request)))

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
            shown = msgspec.json.encode(self._look(request))
            if shown != last:
                yield b"data: " + shown + b"\n\n"
                last = shown
            await self._shop.changed(seen, _HEARTBEAT_SECONDS)

    def _look(self, request: Asked) -> State:
        return look(self._shop, phone=request.query_params.get("phone"), lang=_lang(request))

    # -- doing

    async def order(self, request: Asked) -> Answer:
        async def do(asked: _Order) -> dict[str, str]:
            goods = {item.sku: item for item in self._shop.goods}
            return {"code": (await self._shop.order(asked.phone, goods[asked.sku])).code}

        return await _doing(request, _Order, do)

    async def ship(self, request: Asked) -> Answer:
        async def do(asked: _Which) -> None:
            self._shop.ship(asked.code)

        return await _doing(request, _Which, do)

    async def deliver(self, request: Asked) -> Answer:
        async def do(asked: _Which) -> None:
            await self._shop.deliver(asked.code)

        return await _doing(request, _Which, do)

    async def cancel(self, request: Asked) -> Answer:
        async def do(asked: _Cancelled) -> None:
            self._shop.cancel(asked.code, BY_SHOP if asked.by == "shop" else BY_BUYER)

        return await _doing(request, _Cancelled, do)

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
            await self._shop.switch(
                model_down=asked.model_down,
                waha_down=asked.waha_down,
                kaspi_down=asked.kaspi_down,
            )

        return await _doing(request, _Switches, do)

    async def move_clock(self, request: Asked) -> Answer:
        async def do(asked: _Move) -> None:
            await self._shop.move(timedelta(hours=asked.hours))

        return await _doing(request, _Move, do)


async def _doing(
    request: Asked,
    kind: type[Wanted],
    do: Callable[[Wanted], Awaitable[dict[str, str] | None]],
) -> Answer:
    """Read the body, do what it asks for, and say how it went."""
    try:
        asked = msgspec.json.decode(await request.body(), type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return _said(400, {"error": str(error)})
    try:
        done = await do(asked)
    except KeyError:
        return _said(404, {"error": "нет такого покупателя, заказа или товара"})
    except WrongStepError:
        return _said(409, {"error": "с заказом уже иначе: посмотрите, на каком он этапе"})
    except NotTakenError as error:
        return _said(502, {"error": f"ai-seller не принял событие ({error})"})
    return _said(200, done or {})


async def _own_page_only(request: Asked) -> Answer | None:
    """Nobody logs in here, so no other website may reach it through the visitor's browser.

    A name that is not this machine's own would let a stranger's page pass for ours.
    """
    host = request.headers.get("host", "")
    if not _is_local(_parts(f"//{host}").hostname or ""):
        return _said(403, {"error": "откройте демо по адресу http://127.0.0.1 или localhost"})
    if request.method != HttpMethod.POST:
        return None
    if _from_other_site(request):
        return _said(403, {"error": "запрос с чужой страницы"})
    if request.content_type[0] != "application/json":
        return _said(415, {"error": "нужен application/json"})
    return None


def _from_other_site(request: Asked) -> bool:
    """Whether a browser sent this for a page that is not ours."""
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return True
    origin = request.headers.get("origin")
    host = request.headers.get("host", "")
    return origin is not None and not _same(_parts(origin).netloc, host)


def _parts(address: str) -> SplitResult:
    """The parts of an address; none of what is none."""
    try:
        return urlsplit(address)
    except ValueError:  # brackets that hold no address
        return urlsplit("")


def _lang(request: Asked) -> "Lang":
    return "kk" if request.query_params.get("lang") == "kk" else "ru"


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
