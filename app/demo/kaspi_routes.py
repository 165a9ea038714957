"""The Shop API over an emulated Kaspi's orders: routes, answers and errors as Kaspi gives them."""

import asyncio
import math
from typing import TYPE_CHECKING, Any, NamedTuple, cast
from urllib.parse import parse_qsl, unquote

import msgspec
from msgspec.structs import replace

from app.demo.faults import CutAfterAccepting, CutBefore, Hang, Slow, Status
from app.demo.kaspi_faults import (
    HTML,
    JSON_API,
    CutInside,
    Html,
    KaspiFault,
    KaspiSeen,
    Redirect,
    Reply,
    SlowByWorld,
    TooMany,
    Truncated,
    instead,
    refused,
    twisted,
)
from app.demo.kaspi_filters import RefusedError, read_query
from app.demo.kaspi_shapes import (
    Body,
    Item,
    Order,
    customer_of,
    entries_of,
    entry_id,
    merchant_product_of,
    opaque_id,
    order_resource,
    plain,
    point_of_service,
    product_of,
)
from app.demo.server import client_left, cut, hold

if TYPE_CHECKING:
    from litestar.types import ASGIApp, Receive, Scope, Send

    from app.demo.kaspi import EmulatedKaspi

_BASE_PATH = "/shop/api/v2"


def kaspi_app(kaspi: "EmulatedKaspi") -> "ASGIApp":
    """The ASGI application of one shop; plain, so that it costs nothing to make."""
    api = _Api(kaspi)

    async def app(scope: "Scope", receive: "Receive", send: "Send") -> None:
        if cast("str", scope["type"]) == "lifespan":
            await _live(receive, send)
        else:
            await api.serve(cast("dict[str, Any]", scope), receive, send)

    return app


def shops_app(*shops: "EmulatedKaspi") -> "ASGIApp":
    """One server for several shops, told apart by their tokens; a strange one is the first's."""

    async def app(scope: "Scope", receive: "Receive", send: "Send") -> None:
        headers = _headers(cast("dict[str, Any]", scope))
        token = headers.get("x-auth-token")
        shop = next((each for each in shops if each.token == token), shops[0])
        await shop.app(scope, receive, send)

    return app


async def _live(receive: "Receive", send: "Send") -> None:
    while True:
        message = cast("dict[str, Any]", await receive())
        await send(cast("Any", {"type": f"{message['type']}.complete"}))
        if message["type"] == "lifespan.shutdown":
            return


def _headers(scope: dict[str, Any]) -> dict[str, str]:
    pairs = scope.get("headers", [])
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in pairs}


class _Call(NamedTuple):
    scope: dict[str, Any]
    headers: dict[str, str]
    seen: KaspiSeen


class _Api:
    """One request after the other, from the door to the wire."""

    def __init__(self, kaspi: "EmulatedKaspi") -> None:
        self._kaspi = kaspi

    async def serve(self, scope: dict[str, Any], receive: "Receive", send: "Send") -> None:
        """Note the request, let go wrong what should, and answer."""
        kaspi = self._kaspi
        headers = _headers(scope)
        call = _Call(scope=scope, headers=headers, seen=self._seen(scope, headers))
        kaspi.note(call.seen)
        kaspi.at_once += 1
        kaspi.most_at_once = max(kaspi.most_at_once, kaspi.at_once)
        try:
            reply = None if kaspi.down else await self._answer(call, receive)
            kaspi.answers[0 if reply is None or reply.cut_inside else reply.status] += 1
            if reply is not None:
                await _send(reply, send)
            if reply is None or reply.cut_inside:
                await cut(cast("Scope", scope), receive)
        finally:
            kaspi.at_once -= 1

    async def _answer(self, call: _Call, receive: "Receive") -> Reply | None:
        """What to send back; None: nothing, the connection is to be cut."""
        kaspi = self._kaspi
        await _read(receive)
        faults = kaspi.faults.take(call.seen)
        if await self._goes_wrong_before(faults, receive):
            return None
        for fault in faults:
            if isinstance(fault, Status | TooMany | Html | Redirect):
                return instead(fault)
        if kaspi.silent_without_user_agent and not call.seen.user_agent:
            await client_left(receive)
            return None
        reply = self._checked(call) or self._routed(call, faults)
        return _goes_wrong_after(reply, faults)

    async def _goes_wrong_before(self, faults: list[KaspiFault], receive: "Receive") -> bool:
        for fault in faults:
            match fault:
                case Slow():
                    await hold(receive, fault.seconds)
                case SlowByWorld():
                    await self._kaspi.world.sleep(fault.seconds)
                case Hang():
                    await client_left(receive)
                    return True
                case CutBefore():
                    return True
                case _:
                    pass
        return False

    def _seen(self, scope: dict[str, Any], headers: dict[str, str]) -> KaspiSeen:
        return KaspiSeen(
            method=scope["method"],
            path=scope["path"],
            query=dict(_query(scope)),
            json=None,
            at=self._kaspi.world.now(),
            has_token="x-auth-token" in headers,
            merchant_uid=headers.get("x-merchant-uid"),
            user_agent=headers.get("user-agent"),
            accept=headers.get("accept"),
            content_type=headers.get("content-type"),
            real_at=asyncio.get_running_loop().time(),
        )

    # -- at the door

    def _checked(self, call: _Call) -> Reply | None:
        """Kaspi's checks of the headers, and its limit if it has one."""
        kaspi, seen = self._kaspi, call.seen
        if JSON_API not in (seen.accept or ""):
            return Reply(status=404, body=b"<html>Not Found</html>", media_type=HTML)
        if call.headers.get("x-auth-token") != kaspi.token:
            return refused(kaspi.refusal, "Authentication failed")
        if kaspi.needs_merchant_uid and seen.merchant_uid != kaspi.merchant_uid:
            return refused(404, "Order not found")
        if kaspi.most_a_second is not None and kaspi.in_last_second() > kaspi.most_a_second:
            return instead(TooMany(1))
        return None

    def _routed(self, call: _Call, faults: list[KaspiFault]) -> Reply:
        scope, reads = call.scope, call.seen.method == "GET"
        try:
            body = self._body(_parts(scope), scope) if reads else None
        except RefusedError as error:
            return refused(400, str(error))
        except LookupError as error:
            return refused(404, str(error.args[0]))
        if body is None:
            self._kaspi.unexpected.append(call.seen)
            return refused(404, "Not found")
        return Reply(body=msgspec.json.encode(twisted(body, faults)))

    def _body(self, parts: list[str], scope: dict[str, Any]) -> Body | None:
        """The answer of a route; None: Kaspi has no such route."""
        match parts:
            case ["orders"]:
                return self._list_orders(scope)
            case ["orders", order]:
                return _one(self._resource(self._order(order)))
            case ["orders", order, "entries"]:
                return {"data": entries_of(self._order(order)), "included": []}
            case ["orderentries", entry]:
                return _one(self._entry(entry)[0])
            case ["orderentries", entry, "product"]:
                return _one(product_of(self._entry(entry)[1]))
            case ["orderentries", entry, "deliveryPointOfService"]:
                self._entry(entry)
                return _one(point_of_service())
            case ["masterproducts", card, "merchantProduct"]:
                return _one(merchant_product_of(self._item(card)))
            case ["pointofservices", point] if point == point_of_service()["id"]:
                return _one(point_of_service())
            case _:
                return None

    # -- the routes

    def _list_orders(self, scope: dict[str, Any]) -> Body:
        """One page of what the filters leave, newest first unless Kaspi does not sort."""
        kaspi = self._kaspi
        now = int(kaspi.world.now().timestamp() * 1000)
        query = read_query(_query(scope), now=now, needs_state=kaspi.needs_state)
        found = [order for order in kaspi.orders.values() if query.leaves(order)]
        found.sort(key=lambda order: order.created, reverse=True)
        if not kaspi.sorts:
            kaspi.dice.shuffle(found)
        shown = found[query.page * query.size : (query.page + 1) * query.size]
        return {
            "data": [self._resource(order) for order in shown],
            "included": self._included(shown, query.include),
            "meta": {"pageCount": math.ceil(len(found) / query.size), "totalCount": len(found)},
        }

    def _resource(self, order: Order) -> Body:
        return order_resource(order, phone=self._kaspi.phone_of(order))

    def _included(self, orders: list[Order], wanted: str | None) -> list[Body]:
        if wanted == "entries":
            return [entry for order in orders for entry in entries_of(order)]
        if wanted == "user":
            users = [customer_of(each, phone=self._kaspi.phone_of(each)) for each in orders]
            return [{"type": "customers", "id": u["id"], "attributes": u} for u in users]
        return []

    def _order(self, wanted: str) -> Order:
        order = self._kaspi.orders.get(plain(wanted))
        if order is None:
            raise LookupError("Order not found")
        return order

    def _entry(self, wanted: str) -> tuple[Body, Item]:
        order = self._kaspi.orders.get(plain(wanted).partition("##")[0])
        for place, (number, item) in enumerate(order.entries if order else []):
            if order and entry_id(order, number) == wanted:
                return entries_of(order)[place], item
        raise LookupError("Order entry not found")

    def _item(self, card: str) -> Item:
        for order in self._kaspi.orders.values():
            for _, item in order.entries:
                if opaque_id(item.card) == card:
                    return item
        raise LookupError("Product not found")


def _one(resource: Body) -> Body:
    return {"data": resource, "included": []}


def _query(scope: dict[str, Any]) -> list[tuple[str, str]]:
    return parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)


def _parts(scope: dict[str, Any]) -> list[str]:
    """The pieces of the path, whether or not it begins as Kaspi's own address does."""
    path = scope["raw_path"].decode("latin-1").removeprefix(_BASE_PATH)
    return [unquote(part) for part in path.strip("/").split("/")]


async def _read(receive: "Receive") -> None:
    more = True
    while more:
        message = cast("dict[str, Any]", await receive())
        more = message["type"] == "http.request" and bool(message.get("more_body"))


def _goes_wrong_after(reply: Reply, faults: list[KaspiFault]) -> Reply | None:
    for fault in faults:
        match fault:
            case CutAfterAccepting():
                return None
            case CutInside():
                reply = replace(reply, cut_inside=True)
            case Truncated():
                reply = replace(reply, body=reply.body[: len(reply.body) // 2])
            case _:
                pass
    return reply


async def _send(reply: Reply, send: "Send") -> None:
    headers = {"content-type": reply.media_type, "content-length": str(len(reply.body))}
    both = (headers | reply.headers).items()
    raw = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in both]
    start = {"type": "http.response.start", "status": reply.status, "headers": raw}
    await send(cast("Any", start))
    shown = reply.body[: len(reply.body) // 2] if reply.cut_inside else reply.body
    rest = {"type": "http.response.body", "body": shown, "more_body": reply.cut_inside}
    await send(cast("Any", rest))
