"""An emulated Kaspi Shop API v2: a shop's orders, read as Kaspi's JSON:API gives them.

kaspi = EmulatedKaspi("token", "30000001", clock)
async with serving(kaspi.app) as url:       # url, or f"{url}/shop/api/v2"
    order = kaspi.place([item], buyer, moves=Moves(accepted=60, delivered=3600))
    kaspi.fail(TooMany(5), times=2)         # the next two requests
    kaspi.hand_over(order.code)
"""

import random
from bisect import bisect_left
from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Literal, TypeAlias

from app.demo.kaspi_faults import JSON_API, Faults, KaspiFault, KaspiSeen
from app.demo.kaspi_life import Orders, WrongStepError
from app.demo.kaspi_routes import kaspi_app, shops_app
from app.demo.kaspi_shapes import MASKED_PHONE, Order

if TYPE_CHECKING:
    from app.world import World

__all__ = ["JSON_API", "EmulatedKaspi", "Masks", "WrongStepError", "shops_app"]

Masks: TypeAlias = Literal["never", "archived", "always"]
"""Whose phones are hidden: nobody's, those of orders in the archive, everybody's."""


class EmulatedKaspi(Orders):
    """One shop's orders behind its token.

    Switches: `down`: every connection is cut; `silent_without_user_agent`: such a request is never
    answered, as Kaspi's protection does; `needs_merchant_uid`: another one or none is a 404;
    `refusal`: the status for a wrong token, 401 or 403; `needs_state`: a list without state and
    status is a 400, else it leaves the archive out; `sorts`: newest first, else every answer is
    shuffled anew; `masks` and `masked_phone`: whose phones are hidden, and what stands instead
    (MASK_FORMS); `most_a_second`: more requests in a second of the world are answered 429.

    Kept: `requests` as they came, cut off ones too; `unexpected`: those to routes Kaspi has not,
    and all that would write; `answers`: how many of each status, 0 for none; `most_at_once`.
    """

    def __init__(self, token: str, merchant_uid: str, world: "World") -> None:
        super().__init__(world)
        self.token = token
        self.merchant_uid = merchant_uid
        self.down = False
        self.silent_without_user_agent = True
        self.needs_merchant_uid = True
        self.refusal = 401
        self.needs_state = True
        self.sorts = True
        self.masks: Masks = "archived"
        self.masked_phone: str | None = MASKED_PHONE
        self.most_a_second: int | None = None
        self.requests: list[KaspiSeen] = []
        self.unexpected: list[KaspiSeen] = []
        self.answers: Counter[int] = Counter()
        self.at_once = 0
        self.most_at_once = 0
        self.faults = Faults()
        self.dice = random.Random(912)
        self.app = kaspi_app(self)

    # -- what goes wrong

    def fail(self, *faults: KaspiFault, times: int | None = 1, only: str | None = None) -> None:
        """The next so many requests go wrong in all these ways at once; None: all until `heal`.

        `only`: those whose path holds this piece or whose query this value. What is counted comes
        one after the other in the order told; what is not comes on top of it.
        """
        self.faults.tell(*faults, times=times, only=only)

    def heal(self) -> None:
        """Forget all faults told."""
        self.faults.clear()

    # -- what was asked

    def note(self, seen: KaspiSeen) -> None:
        """A request has come."""
        self.requests.append(seen)

    def in_last_second(self) -> int:
        """Requests of the last second by the world's clock, the present one among them."""
        since = self.world.now() - timedelta(seconds=1)
        return sum(seen.at > since for seen in self.requests)

    def busiest_second(self, *, real: bool = False) -> int:
        """The most requests within any second, by the world's clock or by the real one."""
        moments = [seen.real_at if real else seen.at.timestamp() for seen in self.requests]
        moments.sort()
        return max(
            (bisect_left(moments, at + 1) - first for first, at in enumerate(moments)), default=0
        )

    def phone_of(self, order: Order) -> str | None:
        """The buyer's phone, or what Kaspi gives instead of it."""
        archived = self.masks == "archived" and order.state == "ARCHIVE"
        return self.masked_phone if archived or self.masks == "always" else order.buyer.phone
