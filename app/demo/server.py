"""A real HTTP server for an ASGI application, inside the running event loop."""

import asyncio
import contextlib
import copy
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar, cast

import msgspec
from litestar import Litestar, Request, Response
from litestar.datastructures import State
from litestar.events import SimpleEventEmitter
from uvicorn import Config, Server
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

if TYPE_CHECKING:
    from litestar.types import ASGIApp, LifespanHook, Receive, Scope, Send

Json: TypeAlias = Any
"""Whatever JSON may hold."""

Asked: TypeAlias = Request[Any, Any, Any]
Answer: TypeAlias = Response[Any]
Owner = TypeVar("Owner")

_ABORT = "app.demo.abort"
_GRACE_SECONDS = 0.1


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """One request as it came; `json` is None without a body or with one that is not JSON."""

    method: str
    path: str
    query: dict[str, str]
    json: Json
    at: datetime


def twin(app: Litestar, *, on_shutdown: "Sequence[LifespanHook]" = (), **state: object) -> Litestar:
    """The doors of `app` with `app.state` and an end of their own; both may be served at once.

    Takes no time, where building the doors anew takes up to a tenth of a second.
    """
    other, router = copy.copy(app), copy.copy(app.asgi_router)
    other.state = State(state, deep_copy=False)
    other.on_shutdown = list(on_shutdown)
    other.event_emitter = SimpleEventEmitter([])
    other.asgi_router, router.app = router, other
    return other


def door(
    handle: "Callable[[Owner, Asked], Awaitable[Answer | None]]",
) -> "Callable[[Asked], Awaitable[Answer | None]]":
    """A method of whoever owns the doors, their `app.state.owner`, as a handler of requests."""

    async def handler(request: Asked) -> Answer | None:
        return await handle(request.app.state.owner, request)

    return handler


class _CuttableProtocol(HttpToolsProtocol):
    """uvicorn's protocol, whose scope also says how to abort the connection."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = {_ABORT: {"call": self.transport.abort}}


async def cut(scope: "Scope", receive: "Receive") -> None:
    """Abort the connection of a request: its client sees no answer, only the end."""
    extensions = cast("dict[str, dict[str, Any]]", scope["extensions"])
    extensions[_ABORT]["call"]()
    await client_left(receive)


def cut_while(is_down: "Callable[[], bool]", inner: "ASGIApp") -> "ASGIApp":
    """The application `inner`, every connection to which is cut while it is down."""

    async def app(scope: "Scope", receive: "Receive", send: "Send") -> None:
        if is_down() and cast("str", scope["type"]) == "http":
            await cut(scope, receive)
        else:
            await inner(scope, receive, send)

    return app


async def client_left(receive: "Receive") -> None:
    """Return when the client has gone away."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def hold(receive: "Receive", seconds: float) -> None:
    """Keep the client waiting for real seconds, or until it gives up; its body was read."""
    if seconds <= 0:
        return
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await client_left(receive)


@contextlib.asynccontextmanager
async def serving(app: "ASGIApp", host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[str]:
    """Serve `app` until the block is left and give its base URL; port 0 takes a free one.

    Installs no signal handlers and writes no access log. Raises RuntimeError when the application
    does not start, OSError when the port is taken.
    """
    listener = _listen(host, port)
    server = Server(_config(app))
    try:
        await _start(server, listener)
    except BaseException:
        listener.close()
        raise
    try:
        yield f"http://{host}:{listener.getsockname()[1]}"
    finally:
        await _stop(server)


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio switches Nagle's algorithm off only where TCP is named: else 40 ms a request.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.setblocking(False)
    except OSError:
        listener.close()
        raise
    return listener


def _config(app: "ASGIApp") -> Config:
    return Config(
        cast("Any", app),  # uvicorn and Litestar spell the same ASGI types differently
        http=_CuttableProtocol,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        timeout_keep_alive=75,
    )


async def _start(server: Server, listener: socket.socket) -> None:
    # Server.serve() would install signal handlers and tick ten times a second.
    server.config.load()
    server.lifespan = server.config.lifespan_class(server.config)
    try:
        await server.startup(sockets=[listener])
    except SystemExit:
        raise RuntimeError("the application did not start; its log says why") from None


async def _stop(server: Server) -> None:
    # Server.shutdown() sleeps 0.1 s at the least and waits for slow answers without an end.
    for listening in server.servers:
        listening.close()
    state = server.server_state
    for connection in list(state.connections):
        connection.shutdown()
    await _finish(state.tasks)
    for connection in list(state.connections):
        connection.transport.abort()
    await _finish(state.tasks)
    for task in list(state.tasks):
        task.cancel()
    await asyncio.gather(*state.tasks, return_exceptions=True)
    await server.lifespan.shutdown()


async def _finish(tasks: set[asyncio.Task[None]]) -> None:
    if tasks:
        await asyncio.wait(set(tasks), timeout=_GRACE_SECONDS)
