"""What can be told to go wrong with the next requests to an emulated Kaspi."""

from datetime import datetime
from email.utils import format_datetime
from typing import TypeAlias

import msgspec

from app.demo.faults import CutAfterAccepting, CutBefore, Hang, Slow, Status
from app.demo.kaspi_shapes import Body, opaque_id
from app.demo.server import Json, Seen

HTML = "text/html; charset=utf-8"
JSON_API = "application/vnd.api+json"


class KaspiSeen(Seen, frozen=True, kw_only=True):
    """One request as it came; headers as sent, None where absent, and never the token itself.

    `at` is by the world's clock, `real_at` in seconds of the event loop's. `query` holds the last
    value of a name given twice.
    """

    has_token: bool
    merchant_uid: str | None
    user_agent: str | None
    accept: str | None
    content_type: str | None
    real_at: float

    def is_about(self, piece: str | None) -> bool:
        """Whether the path holds this piece or the query this very value; None is any request."""
        return piece is None or piece in self.path or piece in self.query.values()


class TooMany(msgspec.Struct, frozen=True):
    """429; `retry_after` in seconds, as a date, or as any text; None: the header is absent."""

    retry_after: int | datetime | str | None = None


class Html(msgspec.Struct, frozen=True):
    """A page for people instead of JSON."""

    code: int = 200


class Redirect(msgspec.Struct, frozen=True):
    """Sends the client to another address."""

    to: str
    code: int = 302


class SlowByWorld(msgspec.Struct, frozen=True):
    """Answers after so many seconds of the world's clock."""

    seconds: float


class Truncated(msgspec.Struct, frozen=True):
    """Half of the JSON, as if that were all."""


class CutInside(msgspec.Struct, frozen=True):
    """Sends half of the answer and cuts the connection."""


class NoIncluded(msgspec.Struct, frozen=True):
    """Gives nothing in `included`, though asked for."""


class UnknownFields(msgspec.Struct, frozen=True):
    """A field nobody knows in every object."""


GARBAGE: tuple[Json, ...] = (
    {"type": "orders", "id": opaque_id("912999001"), "attributes": None},
    {"type": "orders"},
    {
        "type": "orders",
        "id": 7,
        "attributes": {
            "code": "912999002",
            "creationDate": "вчера",
            "totalPrice": "много",
            "status": 17,
            "state": None,
            "customer": "нет",
            "kaspiDelivery": [],
            "signatureRequired": "false",
        },
        "relationships": None,
    },
    {"type": "orders", "id": None, "attributes": {"code": None, "status": "COMPLETED"}},
    "заказ",
    None,
)
"""Resources that are no orders."""


class Garbage(msgspec.Struct, frozen=True):
    """Resources that are no orders among those of the page; its counts do not know of them."""

    resources: tuple[Json, ...] = GARBAGE


Twist: TypeAlias = NoIncluded | UnknownFields | Garbage
Instead: TypeAlias = Status | TooMany | Html | Redirect
KaspiFault: TypeAlias = (
    Twist
    | Instead
    | Slow
    | SlowByWorld
    | Hang
    | CutBefore
    | CutAfterAccepting
    | Truncated
    | CutInside
)


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """What goes back over the wire; `cut_inside`: the half of it only."""

    status: int = 200
    body: bytes = b""
    media_type: str = JSON_API
    headers: dict[str, str] = {}
    cut_inside: bool = False


class _Told(msgspec.Struct, kw_only=True):
    faults: tuple[KaspiFault, ...]
    times: int | None
    only: str | None


class Faults:
    """The faults told, and how many requests they are still for."""

    def __init__(self) -> None:
        self._told: list[_Told] = []

    def tell(self, *faults: KaspiFault, times: int | None, only: str | None) -> None:
        """All of these together, for so many requests, or for all until `clear`."""
        self._told.append(_Told(faults=faults, times=times, only=only))

    def clear(self) -> None:
        """All is well again."""
        self._told.clear()

    @property
    def left(self) -> int:
        """How many requests are still to fail, not counting what fails for good."""
        return sum(told.times or 0 for told in self._told)

    def take(self, seen: KaspiSeen) -> list[KaspiFault]:
        """The faults of this request: all that last, and the counted ones first in the line."""
        found: list[KaspiFault] = []
        counted = False
        for told in list(self._told):
            if not seen.is_about(told.only) or (told.times is not None and counted):
                continue
            found += told.faults
            if told.times is not None:
                counted = True
                told.times -= 1
        self._told = [told for told in self._told if told.times is None or told.times > 0]
        return found


def instead(fault: Instead) -> Reply:
    """The answer that is given instead of the real one."""
    match fault:
        case Status():
            given = msgspec.json.encode(fault.body) if fault.body is not None else b""
            return Reply(status=fault.code, body=given, headers=fault.headers)
        case TooMany():
            later = _retry_after(fault.retry_after)
            headers = {} if later is None else {"Retry-After": later}
            return refused(429, "Too many requests", headers=headers)
        case Html():
            page = "<!DOCTYPE html><html><body>Kaspi.kz</body></html>"
            return Reply(status=fault.code, body=page.encode(), media_type=HTML)
        case Redirect():
            return Reply(status=fault.code, media_type=HTML, headers={"Location": fault.to})


def refused(status: int, title: str, *, headers: dict[str, str] | None = None) -> Reply:
    """An error as Kaspi words it."""
    body = msgspec.json.encode({"errors": [{"title": title}]})
    return Reply(status=status, body=body, headers=headers or {})


def twisted(body: Body, faults: list[KaspiFault]) -> Body:
    """The body with whatever of the faults is about bodies."""
    for fault in faults:
        match fault:
            case NoIncluded():
                body = body | {"included": []}
            case Garbage() if isinstance(body.get("data"), list):
                data = body["data"]
                body = body | {"data": [*data[:1], *fault.resources, *data[1:]]}
            case UnknownFields():
                body = _with_unknown(body)
            case _:
                pass
    return body


def _with_unknown(value: Json) -> Json:
    match value:
        case dict():
            known = {name: _with_unknown(each) for name, each in value.items()}
            return {"futureField": {"kind": "NEW", "values": [1, None]}} | known
        case list():
            return [_with_unknown(each) for each in value]
        case _:
            return value


def _retry_after(wanted: int | datetime | str | None) -> str | None:
    if isinstance(wanted, datetime):
        return format_datetime(wanted, usegmt=True)
    return None if wanted is None else str(wanted)
