"""What the catalogue adds to a brief: the things asked about, and those that fit a purchase."""

from __future__ import annotations

import re
from itertools import zip_longest

from msgspec.structs import replace

from app.domain.brief import Brief
from app.domain.conversation import Author
from app.domain.events import Item
from app.domain.meaning import Segment, Topic
from app.domain.product import Product
from app.domain.rules import Purpose
from app.knowledge.catalogue import Catalogue

MOST_FOUND = 4
"""Things a text can speak of; the model would only lose itself in more."""

MOST_INSTEAD = 3
"""Things that may stand in for what was cancelled."""

_LONGEST_ASKED = 800
"""Characters of what is asked in which goods are looked for; a novel names none."""

_AND = re.compile(r"[,;\n]|\b(?:и|или|мен|және|жане|and|or)\b", re.IGNORECASE)
_ABOUT_GOODS = frozenset({Topic.PRICE, Topic.STOCK, Topic.ACCESSORIES})
_OFFERS = frozenset({Purpose.POST_PURCHASE, Purpose.CAMPAIGN})


def informed(brief: Brief, catalogue: Catalogue) -> Brief:
    """``brief`` with the products it may speak of; never one that is not in the catalogue."""
    if not len(catalogue) or brief.canned is not None:
        return brief
    if brief.purpose in _OFFERS:
        return replace(brief, products=_fitting(brief, catalogue))
    if brief.purpose is Purpose.ORDER_CANCELLED:
        return replace(brief, products=_instead(brief, catalogue))
    if brief.purpose is not Purpose.REPLY:
        return brief
    found = _asked_for(brief, catalogue)[:MOST_FOUND]
    return replace(brief, products=found, unknown_goods=not found and _lacks(brief, catalogue))


def _lacks(brief: Brief, catalogue: Catalogue) -> bool:
    """Whether they ask for goods by a name that we do not find."""
    asked = _asked(brief)
    return bool(_ABOUT_GOODS & set(brief.topics)) and catalogue.is_named_in(asked)


def _asked_for(brief: Brief, catalogue: Catalogue) -> tuple[Product, ...]:
    """What the messages name, and what there is instead of it when it is sold out.

    Only where they name nothing, what was spoken of before is meant: never for a thing we lack.
    """
    asked = _asked(brief)
    found = _found(asked, catalogue)
    if not found and not catalogue.is_named_in(asked):
        if Topic.ACCESSORIES in brief.topics:
            return _fitting(brief, catalogue)
        if _ABOUT_GOODS & set(brief.topics):
            found = _spoken_of(brief, catalogue)
    if found and not found[0].in_stock:
        instead = catalogue.alternatives(found[0], limit=MOST_FOUND - 1)
        found = tuple(dict.fromkeys((found[0], *instead, *found[1:])))
    return found


def _asked(brief: Brief) -> str:
    return "\n".join(brief.messages_to_answer)[:_LONGEST_ASKED]


def _found(asked: str, catalogue: Catalogue) -> tuple[Product, ...]:
    """What is named in one breath, or else in each part of «чайник и термос»."""
    if found := catalogue.find(asked, limit=MOST_FOUND):
        return found
    parts = [part for part in _AND.split(asked) if part.strip()]
    if len(parts) == 1 or len(parts) > MOST_FOUND:
        return ()
    best = (catalogue.find(part, limit=1) for part in parts)
    return tuple(dict.fromkeys(product for one in best for product in one))


def _spoken_of(brief: Brief, catalogue: Catalogue) -> tuple[Product, ...]:
    """«А сколько она стоит?»: what they last named, or else what they have bought."""
    theirs = [line.text for line in brief.history if line.author is Author.CUSTOMER]
    named = next((text for text in reversed(theirs) if catalogue.is_named_in(text)), None)
    if named is not None:
        return catalogue.find(named, limit=1)
    return tuple(_bought(brief, catalogue))[:1]


def _fitting(brief: Brief, catalogue: Catalogue) -> tuple[Product, ...]:
    """Things that go with what was bought; nothing is offered to who is upset."""
    if brief.segment is Segment.UPSET:
        return ()
    items = [item for order in brief.orders[:1] for item in order.items]
    return catalogue.accessories([_product(item, catalogue) for item in items], limit=3)


def _instead(brief: Brief, catalogue: Catalogue) -> tuple[Product, ...]:
    """Things that stand in for what could not be had: of each thing one, then the next best."""
    if brief.segment is Segment.UPSET:
        return ()
    wanted = [_product(item, catalogue) for order in brief.orders[:1] for item in order.items]
    found = [catalogue.alternatives(product, limit=MOST_INSTEAD) for product in wanted]
    skus = {product.sku for product in wanted}
    turns = (one for turn in zip_longest(*found) for one in turn if one is not None)
    return tuple(dict.fromkeys(one for one in turns if one.sku not in skus))[:MOST_INSTEAD]


def _bought(brief: Brief, catalogue: Catalogue) -> list[Product]:
    items = [item for order in brief.orders for item in order.items]
    known = (catalogue.by_sku(item.sku) for item in items if item.sku)
    return [product for product in known if product is not None]


def _product(item: Item, catalogue: Catalogue) -> Product:
    """The thing bought as the catalogue has it, or as the order names it."""
    known = catalogue.by_sku(item.sku) if item.sku else None
    return known or Product(sku=item.sku or "", name=item.name)
