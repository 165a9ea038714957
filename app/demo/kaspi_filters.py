"""The query of GET /orders: what Kaspi refuses of it, and which orders are left."""

from collections.abc import Sequence
from typing import TypeAlias

import msgspec

from app.demo.kaspi_shapes import Order

Pairs: TypeAlias = Sequence[tuple[str, str]]
"""A query as it came, repeated names and all."""

STATES = frozenset({"NEW", "SIGN_REQUIRED", "PICKUP", "DELIVERY", "KASPI_DELIVERY", "ARCHIVE"})
STATUSES = frozenset(
    {
        "APPROVED_BY_BANK",
        "ACCEPTED_BY_MERCHANT",
        "COMPLETED",
        "CANCELLED",
        "CANCELLING",
        "KASPI_DELIVERY_RETURN_REQUESTED",
        "RETURNED",
    }
)
_TYPES = frozenset({"DELIVERY", "KASPI_DELIVERY", "PICKUP"})
_MODES = frozenset({"DELIVERY_LOCAL", "DELIVERY_PICKUP", "DELIVERY_REGIONAL_TODOOR"})
_INCLUDES = frozenset({"entries", "user"})

_FORTNIGHT_MS = 14 * 24 * 3600 * 1000
_MAX_PAGE = 100
_FILTER = "filter[orders]"
_CREATED = f"{_FILTER}[creationDate]"
_OPERATORS = ("$ge", "$gt", "$le", "$lt")
_CHOICES = {
    f"{_FILTER}[state]": STATES,
    f"{_FILTER}[status]": STATUSES,
    f"{_FILTER}[deliveryType]": _TYPES | _MODES,
    f"{_FILTER}[signatureRequired]": frozenset({"true", "false"}),
    "include[orders]": _INCLUDES,
}
_KNOWN = {f"{_CREATED}[{operator}]" for operator in _OPERATORS} | {f"{_FILTER}[code]", *_CHOICES}


class RefusedError(Exception):
    """Kaspi takes no such query; the text is the title of its error."""


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """A query Kaspi takes; `since` and `until` in epoch ms, both included."""

    page: int = 0
    size: int = _MAX_PAGE
    code: str | None = None
    state: str | None = None
    status: str | None = None
    delivery_type: str | None = None
    signature: bool | None = None
    since: int = 0
    until: int = 0
    include: str | None = None
    live_only: bool = False

    def leaves(self, order: Order) -> bool:
        """Whether the order is one of those asked for."""
        if self.code is not None:
            return order.code == self.code
        if self.live_only and order.state == "ARCHIVE":
            return False
        return (
            self.since <= order.created <= self.until
            and self.state in {None, order.state}
            and self.status in {None, order.status}
            and self.signature in {None, order.needs_signature}
            and self.delivery_type in {None, order.delivery.state, order.delivery.mode}
        )


def read_query(pairs: Pairs, *, now: int, needs_state: bool = True) -> Query:
    """What is asked for; `now` in epoch ms, `needs_state`: a state or a status must be named.

    A search by order number needs nothing else. Raises RefusedError.
    """
    asked = _each_once(pairs)
    code = asked.get(f"{_FILTER}[code]")
    page, size = _page(asked, by_code=code is not None)
    _check_known(asked)
    if code is not None:
        return Query(page=page, size=size, code=code, include=asked.get("include[orders]"))
    since, until = _window(asked, now)
    state, status = asked.get(f"{_FILTER}[state]"), asked.get(f"{_FILTER}[status]")
    nothing_named = state is None and status is None
    if nothing_named and needs_state:
        raise RefusedError("Required filter [orders][state] is empty")
    return Query(
        page=page,
        size=size,
        state=state,
        status=status,
        delivery_type=_besides(asked, "deliveryType", state),
        signature=_signature(asked, state),
        since=since,
        until=until,
        include=asked.get("include[orders]"),
        live_only=nothing_named,
    )


def _each_once(pairs: Pairs) -> dict[str, str]:
    asked: dict[str, str] = {}
    for name, value in pairs:
        if name in asked:
            raise RefusedError(f"Parameter {name} is given twice")
        asked[name] = value
    return asked


def _page(asked: dict[str, str], *, by_code: bool) -> tuple[int, int]:
    if by_code:
        asked = {"page[number]": "0", "page[size]": str(_MAX_PAGE)} | asked
    number, size = (_digits(asked, name) for name in ("page[number]", "page[size]"))
    if not 1 <= size <= _MAX_PAGE:
        raise RefusedError(f"page[size] must be between 1 and {_MAX_PAGE}")
    return number, size


def _digits(asked: dict[str, str], name: str) -> int:
    value = asked.get(name, "")
    if not (value.isascii() and value.isdigit()):
        raise RefusedError(f"Required parameter {name} is empty")
    return int(value)


def _check_known(asked: dict[str, str]) -> None:
    """A filter of another spelling is refused, and so are several values in one."""
    for name, value in asked.items():
        if name.startswith(("filter", "include")) and name not in _KNOWN:
            if name.startswith(_CREATED[:-1]) and f"{_CREATED}[$ge]" not in asked:
                continue  # the date that is missing is what Kaspi complains of
            raise RefusedError(f"Unknown parameter {name}")
        if name in _CHOICES and value not in _CHOICES[name]:
            raise RefusedError(f"Value of {name} is not valid")


def _window(asked: dict[str, str], now: int) -> tuple[int, int]:
    sides = {}
    for operator in _OPERATORS:
        value = asked.get(f"{_CREATED}[{operator}]")
        if value is not None and not (value.isascii() and value.isdigit()):
            raise RefusedError(f"Required filter [orders][creationDate][{operator}] is empty")
        sides[operator] = None if value is None else int(value)
    if sides["$ge"] is None:
        raise RefusedError("Required filter [orders][creationDate][$ge] is empty")
    since = max(sides["$ge"], -1 if sides["$gt"] is None else sides["$gt"] + 1)
    ends = [sides["$le"], None if sides["$lt"] is None else sides["$lt"] - 1]
    until = min((end for end in ends if end is not None), default=now)
    if until - since > _FORTNIGHT_MS:
        raise RefusedError("The period of [orders][creationDate] must not be longer than 14 days")
    return since, until


def _besides(asked: dict[str, str], name: str, state: str | None) -> str | None:
    """A filter that may not say the same as the state does."""
    value = asked.get(f"{_FILTER}[{name}]")
    if value is not None and value == state:
        raise RefusedError(f"Filter [orders][{name}] is not allowed with state {state}")
    return value


def _signature(asked: dict[str, str], state: str | None) -> bool | None:
    value = asked.get(f"{_FILTER}[signatureRequired]")
    if value is None:
        return None
    if state == "SIGN_REQUIRED":
        raise RefusedError("Filter [orders][signatureRequired] is not allowed with this state")
    return value == "true"
