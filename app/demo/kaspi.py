"""An emulated Kaspi Shop API v2: a shop's orders, read as Kaspi's JSON:API gives them."""

import math
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec
from litestar import Litestar, Request, Response
from litestar.exceptions import HTTPException
from litestar.handlers import HTTPRouteHandler

from app.demo.kaspi_shapes import (
    Body,
    Buyer,
    Item,
    Order,
    customer_of,
    entries_of,
    entry_id,
    opaque_id,
    order_resource,
    product_of,
)
from app.demo.server import Seen, client_left, cut_while

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from litestar.types import ASGIApp

    from app.world import World

Asked: TypeAlias = Request[Any, Any, Any]
Answer: TypeAlias = Response[Any]

JSON_API = "application/vnd.api+json"
_FORTNIGHT_MS = 14 * 24 * 3600 * 1000
_MAX_PAGE = 100
_CREATED = "filter[orders][creationDate]"


class EmulatedKaspi:
    """One shop's orders behind its token.

    Switches: `down`: every connection is cut; `silent_without_user_agent`: such a request is never
    answered, as Kaspi's protection does; `masks_completed`: no phone once an order is completed.
    """

    def __init__(self, token: str, merchant_uid: str, world: "World") -> None:
        self.token = token
        self.merchant_uid = merchant_uid
        self.world = world
        self.orders: dict[str, Order] = {}
        self.requests: list[Seen] = []
        self.unexpected: list[Seen] = []
        self.down = False
        self.silent_without_user_agent = True
        self.masks_completed = True
        self.app = _kaspi_app(self)

    # -- an order's life

    def place(
        self,
        items: list[Item],
        buyer: Buyer,
        *,
        code: str | None = None,
        created: int | None = None,
    ) -> Order:
        """A paid order; `created` in epoch ms, now by default."""
        code = code or str(912_000_001 + len(self.orders))
        order = Order(code=code, buyer=buyer, items=tuple(items), created=created or self._now())
        self.orders[code] = order
        return order

    def accept(self, code: str) -> Order:
        """The seller takes the order and packs it."""
        return self._becomes(code, "KASPI_DELIVERY", "ACCEPTED_BY_MERCHANT")

    def assemble(self, code: str) -> Order:
        """Packed, to be handed over."""
        self.orders[code].assembled = True
        return self.orders[code]

    def hand_over(self, code: str) -> Order:
        """With the courier."""
        order = self.assemble(code)
        order.handed_over = self._now()
        return order

    def complete(self, code: str) -> Order:
        """The buyer has it."""
        return self._becomes(code, "ARCHIVE", "COMPLETED")

    def cancel(self, code: str, reason: str = "BUYER_CANCELLATION_BY_MERCHANT") -> Order:
        """Cancelled before it was received."""
        self.orders[code].cancellation_reason = reason
        return self._becomes(code, "ARCHIVE", "CANCELLED")

    def return_(self, code: str, *, requested_only: bool = False) -> Order:
        """Returned, or only asked to be."""
        status = "KASPI_DELIVERY_RETURN_REQUESTED" if requested_only else "RETURNED"
        return self._becomes(code, "ARCHIVE", status)

    def _becomes(self, code: str, state: str, status: str) -> Order:
        order = self.orders[code]
        order.state, order.status = state, status
        return order

    def _now(self) -> int:
        return int(self.world.now().timestamp() * 1000)

    # -- the API

    async def admit(self, request: Asked) -> Answer | None:
        """Kaspi's checks of the headers."""
        self.requests.append(self._seen(request))
        if self.silent_without_user_agent and not request.headers.get("User-Agent"):
            await request.body()
            await client_left(request.receive)
        if JSON_API not in request.headers.get("Accept", ""):
            return Response("<html>Not Found</html>", status_code=404, media_type="text/html")
        if request.headers.get("X-Auth-Token") != self.token:
            return _refused(401, "Authentication failed")
        if request.headers.get("X-Merchant-Uid") != self.merchant_uid:
            return _refused(404, "Order not found")
        return None

    def not_found(self, request: Asked, _error: HTTPException) -> Answer:
        """Routes Kaspi does not have."""
        self.unexpected.append(self._seen(request))
        return _refused(404, "Not found")

    async def list_orders(self, request: Asked) -> Answer:
        """GET /orders: one page of what the filters leave, newest first."""
        asked = dict(request.query_params)
        problem = _problem(asked, self._now())
        if problem is not None:
            return _refused(400, problem)
        found = sorted(
            (order for order in self.orders.values() if _matches(order, asked, self._now())),
            key=lambda order: order.created,
            reverse=True,
        )
        page, size = int(asked["page[number]"]), int(asked["page[size]"])
        shown = found[page * size : (page + 1) * size]
        meta = {"pageCount": math.ceil(len(found) / size), "totalCount": len(found)}
        included = self._included(shown, asked.get("include[orders]"))
        data = [order_resource(order, masked=self._masks(order)) for order in shown]
        return _answer({"data": data, "included": included, "meta": meta})

    async def list_entries(self, request: Asked) -> Answer:
        """GET /orders/{id}/entries."""
        order = self._by_id(request.path_params["order"])
        if order is None:
            return _refused(404, "Order not found")
        return _answer({"data": entries_of(order), "included": []})

    async def show_product(self, request: Asked) -> Answer:
        """GET /orderentries/{id}/product: Kaspi's own card."""
        wanted = request.path_params["entry"]
        for order in self.orders.values():
            for number, item in enumerate(order.items):
                if entry_id(order, number) == wanted:
                    return _answer({"data": product_of(item), "included": []})
        return _refused(404, "Order entry not found")

    def _seen(self, request: Asked) -> Seen:
        return Seen(
            method=request.method,
            path=request.url.path,
            query=dict(request.query_params),
            json=None,
            at=self.world.now(),
        )

    def _by_id(self, wanted: str) -> Order | None:
        return next((o for o in self.orders.values() if opaque_id(o.code) == wanted), None)

    def _included(self, orders: list[Order], wanted: str | None) -> list[Body]:
        if wanted == "entries":
            return [entry for order in orders for entry in entries_of(order)]
        if wanted == "user":
            users = [customer_of(order, masked=self._masks(order)) for order in orders]
            return [{"type": "customers", "id": u["id"], "attributes": u} for u in users]
        return []

    def _masks(self, order: Order) -> bool:
        return self.masks_completed and order.state == "ARCHIVE"


def _kaspi_app(kaspi: EmulatedKaspi) -> "ASGIApp":
    routes: dict[str, Callable[[Asked], Awaitable[Answer]]] = {
        "/orders": kaspi.list_orders,
        "/orders/{order:str}/entries": kaspi.list_entries,
        "/orderentries/{entry:str}/product": kaspi.show_product,
    }
    inner = Litestar(
        [HTTPRouteHandler(path, http_method="GET")(handle) for path, handle in routes.items()],
        before_request=kaspi.admit,
        exception_handlers={HTTPException: kaspi.not_found},
        openapi_config=None,
        logging_config=None,
    )

    return cut_while(lambda: kaspi.down, inner)


def _problem(asked: dict[str, str], now: int) -> str | None:
    """What Kaspi would say against these filters; a search by code needs no others."""
    asked.setdefault("page[number]", "0" if "filter[orders][code]" in asked else "")
    asked.setdefault("page[size]", "100" if "filter[orders][code]" in asked else "")
    for name in ("page[number]", "page[size]"):
        if not asked[name].isdigit():
            return f"Required parameter {name} is empty"
    if not 1 <= int(asked["page[size]"]) <= _MAX_PAGE:
        return "page[size] must be between 1 and 100"
    if "filter[orders][code]" in asked:
        return None
    if not asked.get(f"{_CREATED}[$ge]", "").isdigit():
        return "Required filter [orders][creationDate][$ge] is empty"
    if "filter[orders][state]" not in asked and "filter[orders][status]" not in asked:
        return "Required filter [orders][state] is empty"
    window = int(asked.get(f"{_CREATED}[$le]", now)) - int(asked[f"{_CREATED}[$ge]"])
    if window > _FORTNIGHT_MS:
        return "The period of [orders][creationDate] must not be longer than 14 days"
    return None


def _matches(order: Order, asked: dict[str, str], now: int) -> bool:
    if "filter[orders][code]" in asked:
        return order.code == asked["filter[orders][code]"]
    since = int(asked[f"{_CREATED}[$ge]"])
    until = int(asked.get(f"{_CREATED}[$le]", now))
    state = asked.get("filter[orders][state]", order.state)
    status = asked.get("filter[orders][status]", order.status)
    return since <= order.created <= until and (state, status) == (order.state, order.status)


def _refused(status: int, title: str) -> Answer:
    return _answer({"errors": [{"title": title}]}, status)


def _answer(body: Body, status: int = 200) -> Answer:
    return Response(msgspec.json.encode(body), status_code=status, media_type=JSON_API)
