"""The shop's goods: found by a customer's words, with what may stand in, and what fits to them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import islice

from msgspec.structs import replace

from app.domain.product import Product
from app.knowledge.fitting import fits, near, stands_in
from app.knowledge.index import Index, Match, Slot
from app.knowledge.offers import (
    IN_STOCK,
    KIND,
    PART,
    Offer,
    category_term,
    price_term,
    read,
    terms,
)
from app.knowledge.questions import slots_of, without_head
from app.knowledge.reading import Sort, Word, fold
from app.knowledge.spelling import is_latin
from app.knowledge.tables import Fitting, goods
from app.knowledge.tables import accessories as fitting_things
from app.knowledge.typos import Spellings

_FLOOR = 0.5
"""Share of a question's words that a product must have more than."""

_BESIDE_BEST = 0.45
"""Share of the best score below which a product is not what was asked for."""

_LESS_COVERED = 0.85
_PART_UNASKED = 0.8  # a case is worth that much when a phone is named and no thing
_LOOKALIKES = str.maketrans("авекмнорстху", "abekmhopctxy")
_SOLD_OUT = 0.9
_MARKS = "#@>"
_SKU = re.compile(r"[\w./-]*\w")
_SHORTEST_SKU = 4
_CARD = 6  # figures of a card code, at least
_POOL = 64


class Catalogue:
    """All offers of a shop, immutable: a newer price list makes a newer catalogue."""

    def __init__(self, products: Iterable[Product]) -> None:
        self._products = tuple(sorted(products, key=_standing))
        self._index = Index(self._named())
        self._spellings = Spellings(_vocabulary(self._index))
        self._by_sku: dict[str, int] = {}
        for place, product in enumerate(self._products):
            for spelling in _sku_spellings(product.sku):
                self._by_sku.setdefault(spelling, place)

    def _named(self) -> Iterator[Iterable[str]]:
        for product in self._products:
            yield terms(product, read(product.name, category=product.category))

    def __len__(self) -> int:
        return len(self._products)

    def by_sku(self, sku: str) -> Product | None:
        """The offer of this article, however its letters are typed; None when there is none."""
        place = self._by_sku.get(_sku_key(sku))
        return None if place is None else self._products[place]

    def find(self, text: str, *, limit: int = 5) -> tuple[Product, ...]:
        """What ``text`` asks for, best first: all of the shop's, in stock or not.

        An article's number decides alone. Nothing when the text is about no goods, or about goods
        that are not here; a thing of the same name but another model is found all the same.
        """
        if numbered := self._numbered(text):
            return numbered[:limit]
        slots = slots_of(text, known=self._index.__contains__, spellings=self._spellings)
        if not slots:
            return ()
        matches = self._index.search(slots, floor=_FLOOR)
        if not matches and any(slot.must for slot in slots):
            matches = self._index.search(without_head(slots), floor=_FLOOR)
        names_thing = any(term.startswith(KIND) for slot in slots for term, _ in slot.terms)
        matches = self._ranked(matches, names_thing=names_thing)
        return tuple(self._products[match.place] for match in _best(matches)[:limit])

    def is_named_in(self, text: str) -> bool:
        """Whether ``text`` names goods at all, those of this shop or others: «а утюги есть?» does,
        «сколько она стоит?» does not.
        """
        known = self._index.__contains__
        return bool(slots_of(text, known=known, spellings=self._spellings))

    def alternatives(self, product: Product, *, limit: int = 3) -> tuple[Product, ...]:
        """In stock, of the same kind and for the same model, alike and near in price; never it."""
        offer = read(product.name, category=product.category)
        required = [IN_STOCK]
        if product.category:
            required.append(category_term(product.category))
        elif offer.kind:
            required.append(KIND + offer.kind)
        else:
            return ()
        pool = [
            (match.score, other)
            for match, other in self._pool(product, offer, required)
            if other.sku != product.sku and stands_in(other, product)
        ]
        best = max((score for score, _ in pool), default=0.0) or 1.0
        pool.sort(key=lambda one: -(one[0] / best + near(one[1], product)))
        return tuple(other for _, other in pool[:limit])

    def accessories(
        self, products_or_names: Iterable[Product | str], *, limit: int = 3
    ) -> tuple[Product, ...]:
        """In stock and fitting to what was bought: of each kind one, then a second."""
        bought = [_as_product(one) for one in products_or_names]
        offers = [(one, read(one.name, category=one.category)) for one in bought]
        had = {offer.kind for _, offer in offers}
        ranked = [
            list(islice(self._fitting(product, offer, fitting), limit))
            for product, offer in offers
            for fitting in fitting_things().get(offer.kind or "", ())
            if fitting.thing not in had
        ]
        rounds = (
            other for turn in range(limit) for found in ranked for other in found[turn : turn + 1]
        )
        chosen = {other.sku: other for other in rounds}
        return tuple(chosen.values())[:limit]

    # -- behind

    def _numbered(self, text: str) -> tuple[Product, ...]:
        """The articles whose numbers stand in ``text``."""
        found = {}
        for match in _SKU.finditer(text):
            number = match.group()
            if len(number) < _SHORTEST_SKU or not any(map(str.isdigit, number)):
                continue
            if product := self.by_sku(number):
                found[product.sku] = product
        return tuple(found.values())

    def _ranked(self, matches: list[Match], *, names_thing: bool) -> list[Match]:
        """What cannot be bought now behind its equals, and parts where no thing is named."""
        places = [match.place for match in matches]
        parts = frozenset() if names_thing else self._index.among(PART, places)
        ranked = [
            replace(
                match,
                score=match.score
                * (_PART_UNASKED if match.place in parts else 1.0)
                * (1.0 if self._products[match.place].in_stock else _SOLD_OUT),
            )
            for match in matches
        ]
        return sorted(ranked, key=lambda match: -match.score)

    def _pool(
        self, product: Product, offer: Offer, required: Iterable[str]
    ) -> Iterator[tuple[Match, Product]]:
        """Offers with what is required, the most alike first."""
        slots = [_like(word) for word in offer.words if word.keys and not word.talk]
        if product.price is not None:
            steps = (
                (price_term(product.price, step=step), 1 - abs(step) / 4) for step in (0, 1, -1)
            )
            slots.append(Slot(terms=tuple(steps), weight=1.0, solid=False))
        for match in self._index.search(slots, floor=None, required=required)[:_POOL]:
            yield match, self._products[match.place]

    def _fitting(self, product: Product, offer: Offer, fitting: Fitting) -> Iterator[Product]:
        """What is the thing, has the word that it must have, and fits to ``product``."""
        for _, other in self._pool(product, offer, (IN_STOCK, KIND + fitting.thing)):
            told = {
                key for word in read(other.name, category=other.category).words for key in word.keys
            }
            if fitting.having and fitting.having not in told:
                continue
            if fitting.lacking not in told and other.sku != product.sku and fits(other, product):
                yield other


def _standing(product: Product) -> tuple[bool, bool, int]:
    """Between equals: what can be bought first, then what has a price, then the shorter name."""
    return (not product.in_stock, product.price is None, len(product.name))


def _like(word: Word) -> Slot:
    """A word of one offer as a wish about another."""
    weight = 1.0 if word.sort in {Sort.NAME, Sort.CODE} else 0.5
    found = tuple((level + key, 1.0) for level in ("", ">", "#") for key in word.keys[:3])
    return Slot(terms=found, weight=weight, solid=False)


def _best(matches: list[Match]) -> list[Match]:
    """Without those that are much less what was asked for than the best."""
    if not matches:
        return []
    score = max(match.score for match in matches) * _BESIDE_BEST
    covered = max(match.covered for match in matches) * _LESS_COVERED
    return [match for match in matches if match.score >= score and match.covered >= covered]


def _vocabulary(index: Index) -> dict[str, None]:
    """What can be misspelt: the words among the terms, and what else their things are called."""
    terms = (term.lstrip(_MARKS) for term in index if not term.startswith("!"))
    own = dict.fromkeys(word for word in terms if not any(map(str.isdigit, word)))
    others = {**goods().things, **goods().names}
    return own | dict.fromkeys(
        word for word, one in others.items() if one in own and not is_latin(word)
    )


def _sku_spellings(sku: str) -> Iterator[str]:
    """A SKU whole, and by the card's number that begins many of Kaspi's."""
    yield _sku_key(sku)
    card = sku.partition("_")[0]
    if card != sku and card.isdigit() and len(card) >= _CARD:
        yield card


def _sku_key(sku: str) -> str:
    return fold(sku).strip().translate(_LOOKALIKES)


def _as_product(one: Product | str) -> Product:
    return one if isinstance(one, Product) else Product(sku="", name=one)
