"""The price lists: what there is to speak of, and every row that somebody has to mend."""

from __future__ import annotations

from datetime import datetime

from litestar import Router, get
from msgspec import Struct

from app.store.offers import ToldFault
from app.web.front import FromFront, Front, NamedList
from app.web.problems import GUARDED


class RowFault(Struct, frozen=True, kw_only=True):
    """What is wrong with one row. ``offer`` is its SKU, or its number in the list: ``#3``.

    ``row`` counts from 1, in an XML file it is the line; ``column`` is the column's head, or the
    XML element. A fault of the whole list has no offer.
    """

    offer: str
    row: int | None
    column: str | None
    reason: str


class PriceList(Struct, frozen=True, kw_only=True):
    """A shop's ``list`` or ``sheet``; ``name`` is its file, or where it is.

    It was last looked for at ``asked_at`` and read whole at ``good_at``: the shop is spoken of by
    the ``offers`` of then. ``failed`` is why it could not be read since ``failed_at``, null when it
    could. ``faults`` are those of the last time it was read, a thousand at most.
    """

    shop: str
    list: str
    name: str
    offers: int
    asked_at: datetime | None
    good_at: datetime | None
    failed: str | None
    failed_at: datetime | None
    fault_count: int
    faults: tuple[RowFault, ...]


@get("/price-lists", responses=GUARDED, summary="The price lists and what is wrong with them")
async def price_lists(front: FromFront) -> list[PriceList]:
    """Every list of every shop, in the order of the settings; what a list says is not told here."""
    return [await _list(front, each) for each in front.lists]


async def _list(front: Front, named: NamedList) -> PriceList:
    state = await front.offers.state(named.stored_as)
    faults = () if state is None else state.faults
    return PriceList(
        shop=named.shop,
        list=named.kind,
        name=named.name,
        offers=0 if state is None else state.offers,
        asked_at=None if state is None else state.asked_at,
        good_at=None if state is None else state.good_at,
        failed=None if state is None else state.failed,
        failed_at=None if state is None else state.failed_at,
        fault_count=len(faults),
        faults=tuple(_fault(each) for each in faults),
    )


def _fault(told: ToldFault) -> RowFault:
    return RowFault(offer=told.offer, row=told.row, column=told.column, reason=told.reason)


ROUTER = Router("/api", route_handlers=[price_lists], tags=["prices"])
