"""The seller's sheet of customers, kept in step with the store. The store is the truth."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from enum import StrEnum
from itertools import islice
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from app.domain.conversation import OFF_STAGES, Conversation
from app.domain.events import Item, Order, Stage
from app.errors import AiSellerError, StoreDown, Transient
from app.log import Logger
from app.store.sheet import Cursor, Customers

if TYPE_CHECKING:  # half a second of imports, for those who keep no sheet
    from app.gateways.google_sheets import GoogleSheet, KeptRow, Row

MOST = 2000
"""People written in a run; the rest of them in the next."""

LATE = timedelta(minutes=5)
"""A turn is booked at the time it began: so long afterwards it may still be settled."""

WHOLE_EVERY = timedelta(days=1)
"""How often everybody is compared: the seller may have deleted a row, or sorted at a bad moment."""

TRY_AGAIN = timedelta(minutes=1)
LONGEST = timedelta(minutes=10)
"""After the first failure, and at the most between two tries unless Google asks for more."""

CELL = 45_000
"""Characters in a cell; Google takes 50,000."""

_NAME = 200
_BLANK: Row = ("", "", "", "", "", "")
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


class CustomerStage(StrEnum):
    """Where the shop is with a customer, in the words sellers' sheets have always had."""

    POST_PURCHASE = "POST_PURCHASE"
    ORDER_DELIVERED = "ORDER_DELIVERED"
    NURTURING = "NURTURING"


class _Shown(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An order as the sheet tells it."""

    code: str
    shop: str
    stage: Stage
    total: float | None = None
    created_at: datetime | None = None
    items: tuple[Item, ...] = ()


class _Compared(Struct, frozen=True, kw_only=True):
    """The sheet beside the store: phones whose row is missing or old, with their times; the row of
    each phone; the rows we wrote, by phone; and rows of ours that there should not be.
    """

    late: dict[str, datetime]
    rows: dict[str, int]
    ours: dict[str, int]
    doubles: list[int]


async def keep_in_step(
    sheet: GoogleSheet | None,
    customers: Customers,
    *,
    now: datetime,
    zone: tzinfo,
    log: Logger,
    most: int = MOST,
) -> int:
    """Bring the sheet up to date with who changed; how many rows were written or emptied.

    At most ``most`` people are written, the others in the next runs. A run that dies, or runs
    twice, does no harm: the next one finds every row by its phone. What Google or the seller's
    settings make fail is told once, and tried again later and later. Raises ``StoreDown``.
    """
    if sheet is None:
        return 0
    cursor = _of_sheet(await customers.cursor(), sheet.id, now=now)
    if cursor.again is not None and now < cursor.again <= now + 2 * LONGEST:
        return 0
    try:
        written, done = await _run(sheet, customers, cursor=cursor, now=now, zone=zone, most=most)
    except StoreDown:
        raise
    except AiSellerError as error:
        if _is_news(error, cursor):
            log.warning("customers_sheet_late", reason=error.reason, code=error.code)
        await customers.keep(_failed(cursor, error, now=now))
        return 0
    if cursor.tries:
        log.info("customers_sheet_back", tries=cursor.tries)
    if written:
        log.info("customers_sheet", rows=written)
    if done != cursor:
        await customers.keep(done)
    return written


def _of_sheet(kept: Cursor | None, sheet: str, *, now: datetime) -> Cursor:
    """Another sheet is filled from the beginning."""
    if kept is not None and kept.sheet == sheet:
        return kept
    began = (now - LATE).replace(microsecond=0) if kept is None else kept.began
    return Cursor(sheet=sheet, began=began)


def _is_news(error: AiSellerError, cursor: Cursor) -> bool:
    """Once an outage, and when it turns out that somebody has to do something."""
    return not cursor.tries or (error.code != cursor.failed and not isinstance(error, Transient))


def _failed(cursor: Cursor, error: AiSellerError, *, now: datetime) -> Cursor:
    asked = error.retry_after if isinstance(error, Transient) else None
    pause = min(TRY_AGAIN * 2 ** min(cursor.tries, 10), LONGEST)
    again = now + min(max(pause, timedelta(seconds=asked or 0)), 2 * LONGEST)
    return replace(cursor, tries=cursor.tries + 1, failed=error.code, again=again, people=None)


async def _run(
    sheet: GoogleSheet,
    customers: Customers,
    *,
    cursor: Cursor,
    now: datetime,
    zone: tzinfo,
    most: int,
) -> tuple[int, Cursor]:
    """What was written, and how far the sheet is then. Google is asked only when it has to be."""
    whole = cursor.whole is None or not now - WHOLE_EVERY < cursor.whole <= now
    people = await customers.count()
    changed = await customers.changed(_since(cursor, whole=whole))
    if not changed and people == cursor.people:
        return 0, replace(cursor, since=now)
    keys = await sheet.read_keys()
    if not whole and not any(row.updated_at for row in keys.rows):  # somebody emptied it
        whole, changed = True, await customers.changed(None)
    # In a thread: with many people it takes a second, and turns would wait for it.
    found = await asyncio.to_thread(_compared, keys.rows, changed, began=cursor.began, zone=zone)
    gone = await customers.unknown(list(found.ours))
    empty = [*(found.ours[phone] for phone in gone), *found.doubles]
    changed_rows, new = await _rows(customers, found, most=most, zone=zone)
    blank = [(number, _BLANK) for number in empty]
    await sheet.write_rows(keys, changed=[*blank, *changed_rows], new=new)
    written = len(blank) + len(changed_rows) + len(new)
    done = replace(cursor, people=people, tries=0, failed=None, again=None)
    if len(found.late) <= most:
        done = replace(done, since=now, whole=now if whole else cursor.whole)
    return written, done


def _since(cursor: Cursor, *, whole: bool) -> datetime | None:
    return None if whole or cursor.since is None else cursor.since - LATE


# --- what has to be done ----------------------------------------------------------------------


def _compared(
    rows: Sequence[KeptRow], changed: dict[str, datetime], *, began: datetime, zone: tzinfo
) -> _Compared:
    """A row shows what it should when it has the time of the last change."""
    kept, doubles = _by_phone(rows)
    times = {phone: max(at, began) for phone, at in changed.items()}
    return _Compared(
        late={
            phone: at
            for phone, at in times.items()
            if phone not in kept or kept[phone].updated_at != _written(at, zone)
        },
        rows={phone: row.number for phone, row in kept.items()},
        ours={phone: row.number for phone, row in kept.items() if _is_ours(row, began)},
        doubles=[row.number for row in doubles],
    )


def _by_phone(rows: Iterable[KeptRow]) -> tuple[dict[str, KeptRow], list[KeptRow]]:
    """The row of each phone, and those of ours there should not be.

    Of several rows ours counts: the others are the seller's own, or came of a request that was
    answered too late and made again.
    """
    kept: dict[str, KeptRow] = {}
    doubles: list[KeptRow] = []
    for row in sorted(rows, key=lambda row: (not row.updated_at, row.number)):
        if row.phone not in kept:
            kept[row.phone] = row
        elif row.updated_at:
            doubles.append(row)
    return kept, doubles


def _is_ours(row: KeptRow, began: datetime) -> bool:
    """Whether this store wrote it. A store that lost its people must not empty the sheet."""
    if not row.updated_at:
        return False
    try:
        return datetime.fromisoformat(row.updated_at) >= began
    except (ValueError, TypeError):
        return True


async def _rows(
    customers: Customers, found: _Compared, *, most: int, zone: tzinfo
) -> tuple[list[tuple[int, Row]], list[Row]]:
    """Rows that are there, with their numbers, and those that are not yet."""
    changed: list[tuple[int, Row]] = []
    new: list[Row] = []
    async for known in customers.conversations(list(islice(found.late, most))):
        row = row_of(known, _written(found.late[known.chat], zone))
        number = found.rows.get(known.chat)
        if number is None:
            new.append(row)
        else:
            changed.append((number, row))
    return changed, new


# --- a customer as a row ----------------------------------------------------------------------


def row_of(known: Conversation, written: str) -> Row:
    """A customer as the sheet shows them."""
    return (
        known.chat,
        _plain(known.name or ""),
        stage_of(known.orders),
        _orders(known.orders),
        "no" if known.opt_out is None else "yes",
        written,
    )


def stage_of(orders: Sequence[Order]) -> CustomerStage:
    """By the newest order when it is delivered, else by whether one is under way."""
    aged = sorted(orders, key=lambda order: order.created_at or _LONG_AGO)
    if aged and aged[-1].stage is Stage.DELIVERED:
        return CustomerStage.ORDER_DELIVERED
    if any(_is_under_way(order.stage) for order in orders):
        return CustomerStage.POST_PURCHASE
    return CustomerStage.NURTURING


def _is_under_way(stage: Stage) -> bool:
    return stage not in OFF_STAGES and stage not in (Stage.DELIVERED, Stage.UNKNOWN)


def _orders(orders: Sequence[Order]) -> str:
    """A JSON list, the oldest left out where a cell cannot hold them all."""
    shown = [
        _Shown(
            code=order.code,
            shop=order.shop,
            stage=order.stage,
            total=order.total,
            created_at=order.created_at,
            items=order.items,
        )
        for order in orders
    ]
    while len(text := msgspec.json.encode(shown).decode()) > CELL:
        shown.pop(0)
    return text


def _plain(name: str) -> str:
    """On one line and without what no cell can hold."""
    return "".join(c for c in " ".join(name.split()) if c.isprintable())[:_NAME]


def _written(at: datetime, zone: tzinfo) -> str:
    return at.astimezone(zone).isoformat(timespec="milliseconds")
