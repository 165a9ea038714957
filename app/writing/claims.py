"""What a text must not claim: an order that is not where it is said, a deed or a debt of nobody's.

Each is read in a text that went through :func:`app.writing.links.plain`.
"""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from app.domain.brief import Brief
from app.domain.rules import Purpose
from app.writing import deeds, news, states

_EVERY = frozenset(Purpose)
_ON_THE_WAY = frozenset({Purpose.HANDED_OVER, Purpose.READY_FOR_PICKUP})
_CANCELLED = frozenset({Purpose.ORDER_CANCELLED})

_RULE_ONLY = "repeat the rule with its terms, promise nothing beyond it"


class Claim(Struct, frozen=True, kw_only=True):
    """One kind of claim: its ``code``, what to do instead, and the purposes it is looked for in."""

    code: str
    detail: str
    made: Callable[[str, Brief], bool]
    purposes: frozenset[Purpose] = _EVERY


CLAIMS = (
    Claim(
        code="deed",
        detail="you cannot cancel, change, reserve or refund: the seller can",
        made=deeds.did,
    ),
    Claim(
        code="state", detail="say where an order is only as its stage says", made=states.misstated
    ),
    Claim(code="promise", detail=_RULE_ONLY, made=deeds.owes),
    Claim(code="promise", detail=_RULE_ONLY, made=deeds.pays_otherwise),
    Claim(code="promise", detail=_RULE_ONLY, made=deeds.invites),
    Claim(code="blame", detail="the shop cancelled the order, not the customer", made=news.blames),
    Claim(
        code="cause",
        detail="no reason is known: give none",
        made=news.excuses,
        purposes=_CANCELLED,
    ),
    Claim(
        code="promise",
        detail="promise nothing instead, not a word about money",
        made=news.settles,
        purposes=_CANCELLED,
    ),
    Claim(code="tone", detail="one apology is enough", made=news.grovels, purposes=_CANCELLED),
    Claim(
        code="state",
        detail="say how it is brought only as delivery of the order says",
        made=news.misdirects,
    ),
    Claim(
        code="invented",
        detail="tell only that it is on its way, or can be picked up",
        made=news.adds,
        purposes=_ON_THE_WAY,
    ),
    Claim(
        code="claim",
        detail="neither blame anybody nor speak of health and safety",
        made=deeds.assures,
    ),
)
"""In the order they are looked for; the first one made is told."""


def claims_for(brief: Brief) -> tuple[Claim, ...]:
    """Those that a text for this brief might make."""
    return tuple(claim for claim in CLAIMS if brief.purpose in claim.purposes)
