"""A Kaspi shop's orders and what happens to them, by hand or by themselves."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from app.demo.kaspi_shapes import Buyer, Delivery, Item, Moves, Order

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from app.world import World

_FIRST_CODE = 912_000_001
_GONE_ON = ("APPROVED_BY_BANK", "ACCEPTED_BY_MERCHANT", "COMPLETED")
_LATER = ("KASPI_DELIVERY_RETURN_REQUESTED", "RETURN_ACCEPTED_BY_MERCHANT", "RETURNED")


class WrongStepError(ValueError):
    """The order is not where this step may follow; `Orders.set_status` takes any."""


class Orders:
    """The orders of one shop.

    A step that is done already is not done twice, and the steps before it that are missing are
    done with it. A step that cannot follow raises WrongStepError, an unknown code KeyError.
    Switches: `moves`: when newly placed orders go on by themselves; `auto_accept`: a placed order
    is accepted at once and never shows as new. `changes` counts the steps done by themselves.
    """

    def __init__(self, world: "World") -> None:
        self.world = world
        self.moves = Moves()
        self.auto_accept = False
        self.changes = 0
        self._orders: dict[str, Order] = {}
        self._due: dict[str, int] = {}
        self._next_code = _FIRST_CODE

    @property
    def orders(self) -> dict[str, Order]:
        """Every order by its code, as it is now: those that move by themselves have moved."""
        now = self._now()
        for code in [code for code, due in self._due.items() if due <= now]:
            later = self._move(self._orders[code], now)
            if later is None:
                del self._due[code]
            else:
                self._due[code] = later
        return self._orders

    def place(
        self,
        items: "Sequence[Item]",
        buyer: Buyer,
        *,
        code: str | None = None,
        created: int | datetime | None = None,
        delivery: Delivery = Delivery.POSTOMAT,
        needs_signature: bool = False,
        reserved_until: int | datetime | None = None,
        moves: Moves | None = None,
    ) -> Order:
        """A paid order; with a signature awaited, a credit that is not signed yet.

        `created` (epoch ms or aware) is now by default; `reserved_until` makes it a preorder;
        `moves` are the shop's by default and count from the call, `Moves()` keeps it where it is.
        """
        order = Order(
            code=code or self._free_code(),
            buyer=buyer,
            items=tuple(items),
            created=self._now() if created is None else _ms(created),
            delivery=delivery,
            needs_signature=needs_signature,
            reserved_until=None if reserved_until is None else _ms(reserved_until),
            moves=self.moves if moves is None else moves,
        )
        self._orders[order.code] = order
        if needs_signature:
            order.state = "SIGN_REQUIRED"
        else:
            self._begin(order)
        return order

    # -- the way to the buyer

    def sign(self, code: str) -> Order:
        """The buyer signs the credit: the order is new."""
        order = self.orders[code]
        if order.needs_signature:
            self._expect(order, "APPROVED_BY_BANK")
            order.needs_signature, order.state = False, "NEW"
            self._begin(order)
        return order

    def accept(self, code: str) -> Order:
        """The seller takes the order: to pack, to bring, or to be fetched."""
        order = self.orders[code]
        _accept(order)
        return order

    def assemble(self, code: str) -> Order:
        """Packed, to be handed over; Kaspi tells it only of what it delivers itself."""
        order = self.orders[code]
        _assemble(order)
        return order

    def hand_over(self, code: str) -> Order:
        """With the courier; Kaspi tells it only of what it delivers itself."""
        order = self.orders[code]
        _hand_over(order, self._now())
        return order

    def complete(self, code: str) -> Order:
        """The buyer has it."""
        order = self.orders[code]
        _complete(order, self._now())
        return order

    def let_move(self, code: str, moves: Moves) -> Order:
        """From now on the order goes on by itself like this, counted from the call."""
        order = self.orders[code]
        order.moves, order.moving_since = moves, self._now()
        self._due[code] = 0
        return order

    # -- when it goes otherwise

    def partial_cancel(self, code: str, entry: int, *, quantity: int | None = None) -> Order:
        """So many units of one entry are cancelled, all by default; the status stays."""
        order = self.orders[code]
        left = dict(order.entries).get(entry)
        if left is None:
            raise WrongStepError(f"order {code} has no entry {entry}")
        gone = left.quantity if quantity is None else quantity
        order.gone[entry] = order.gone.get(entry, 0) + gone
        return order

    def cancelling(self, code: str, reason: str = "TIMEOUT_BUYER_PICKUP") -> Order:
        """Cancelled on the way: the parcel goes back."""
        order = self._expect(self.orders[code], "ACCEPTED_BY_MERCHANT", "CANCELLING")
        order.cancellation_reason = reason
        return _becomes(order, "CANCELLING", "KASPI_DELIVERY")

    def cancel(self, code: str, reason: str | None = None) -> Order:
        """Cancelled before it was received; the reason said while it was on the way stays.

        By default BUYER_CANCELLATION_BY_MERCHANT; others: MERCHANT_OUT_OF_STOCK,
        BUYER_NOT_REACHABLE, TIMEOUT_BUYER_PICKUP.
        """
        before = ("APPROVED_BY_BANK", "ACCEPTED_BY_MERCHANT", "CANCELLING", "CANCELLED")
        order = self._expect(self.orders[code], *before)
        said = reason or order.cancellation_reason
        order.cancellation_reason = said or "BUYER_CANCELLATION_BY_MERCHANT"
        return _becomes(order, "CANCELLED")

    def request_return(self, code: str, *, state: str = "ARCHIVE") -> Order:
        """The buyer asks to give it back; Kaspi shows it in ARCHIVE or in KASPI_DELIVERY."""
        order = self._expect(self.orders[code], "COMPLETED", *_LATER[:1])
        return _becomes(order, "KASPI_DELIVERY_RETURN_REQUESTED", state)

    def accept_return(self, code: str) -> Order:
        """The return is being decided."""
        order = self._expect(self.orders[code], "COMPLETED", *_LATER[:2])
        return _becomes(order, "RETURN_ACCEPTED_BY_MERCHANT")

    def return_(self, code: str, *, requested_only: bool = False) -> Order:
        """Returned, or only asked to be."""
        if requested_only:
            return self.request_return(code)
        return _becomes(self._expect(self.orders[code], "COMPLETED", *_LATER), "RETURNED")

    def decline_return(self, code: str) -> Order:
        """The return does not come about: the order is received again."""
        return _becomes(self._expect(self.orders[code], "COMPLETED", *_LATER[:2]), "COMPLETED")

    def set_status(self, code: str, status: str, *, state: str | None = None) -> Order:
        """Any status and state, known or not, from anywhere; None leaves the state."""
        order = self.orders[code]
        return _becomes(order, status, order.state if state is None else state)

    def garble(self, code: str, **attributes: object) -> Order:
        """From now on these attributes are shown so, whatever they should be; UNSET hides one."""
        order = self.orders[code]
        order.overrides.update(attributes)
        return order

    # -- inside

    def _begin(self, order: Order) -> None:
        order.moving_since = self._now()
        self._due[order.code] = 0
        if self.auto_accept:
            _accept(order)

    def _move(self, order: Order, now: int) -> int | None:
        """Do what is due, each at the moment when it was; tells when the next step will be."""
        steps: list[tuple[float | None, Callable[[int], bool]]] = [
            (order.moves.accepted, lambda _at: _accept(order)),
            (order.moves.assembled, lambda _at: _assemble(order)),
            (order.moves.handed_over, lambda at: _hand_over(order, at)),
            (order.moves.delivered, lambda at: _complete(order, at)),
        ]
        later: list[int] = []
        for seconds, step in steps:
            if seconds is None or order.status not in _GONE_ON or order.needs_signature:
                continue
            at = order.moving_since + int(seconds * 1000)
            if at > now:
                later.append(at)
            elif step(at):
                self.changes += 1
        return min(later, default=None)

    def _expect(self, order: Order, *statuses: str) -> Order:
        if order.status not in statuses:
            raise WrongStepError(f"order {order.code} is {order.status}")
        return order

    def _free_code(self) -> str:
        while str(self._next_code) in self._orders:
            self._next_code += 1
        return str(self._next_code)

    def _now(self) -> int:
        return _ms(self.world.now())


def _ms(moment: int | datetime) -> int:
    if isinstance(moment, datetime):
        return int(moment.astimezone(UTC).timestamp() * 1000)
    return moment


def _becomes(order: Order, status: str, state: str = "ARCHIVE") -> Order:
    order.state, order.status = state, status
    return order


# -- the steps: each does what is missing of it and tells whether anything was


def _accept(order: Order) -> bool:
    if order.status not in _GONE_ON or order.needs_signature:
        why = "not signed" if order.needs_signature else order.status
        raise WrongStepError(f"order {order.code} is {why}")
    if order.status != "APPROVED_BY_BANK":
        return False
    _becomes(order, "ACCEPTED_BY_MERCHANT", order.delivery.state)
    return True


def _assemble(order: Order) -> bool:
    accepted = _accept(order)
    if order.assembled:
        return accepted
    order.assembled = True
    return True


def _hand_over(order: Order, at: int) -> bool:
    assembled = _assemble(order)
    if order.handed_over is not None:
        return assembled
    order.handed_over = at
    return True


def _complete(order: Order, at: int) -> bool:
    handed_over = _hand_over(order, at)
    if order.status == "COMPLETED":
        return handed_over
    _becomes(order, "COMPLETED")
    return True
