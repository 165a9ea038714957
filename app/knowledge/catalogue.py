"""The shop's goods: found by a customer's words, with what may stand in, and what fits to them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from msgspec.structs import replace

from app.domain.product import Product
from app.knowledge.fitting import fits, near, stands_in
from app.knowledge.index import Index, Match, Slot
from app.knowledge.numbers import spelt
from app.knowledge.offers import (
    IN_STOCK,
    KIND,
    PART,
    Offer,
    category_term,
    price_term,
    read,
)
from app.knowledge.questions import slots_of, without_head
from app.knowledge.reading import Sort, Word
from app.knowledge.shelf import Shelf, standing
from app.knowledge.tables import Fitting
from app.knowledge.tables import accessories as fitting_things

_FLOOR = 0.5
"""Share of a question's words that a product must have more than."""

_BESIDE_BEST = 0.45
"""Share of the best score below which a product is not what was asked for."""

_LESS_COVERED = 0.85
_PART_UNASKED = 0.8  # a case is worth that much when a phone is named and no thing
_SOLD_OUT = 0.9
_SKU = re.compile(r"[\w./-]*\w")
_SHORTEST_SKU = 4
_POOL = 64


class Catalogue:
    """All offers of a shop, one of a SKU, immutable: what changes makes another catalogue.

    Made of 100,000 offers in seconds, in any thread; asked in a millisecond, from any thread too.
    Of several offers of one SKU the last counts. The order of the offers changes no answer.
    """

    def __init__(self, products: Iterable[Product]) -> None:
        self._shelf = Shelf(products)

    def updated(self, changed: Iterable[Product], *, gone: Iterable[str] = ()) -> Catalogue:
        """Another catalogue, with ``changed`` in the place of the offers of their SKUs or beside
        the others, and without the SKUs ``gone``; it answers like one made of all its offers.

        What has changed costs, not what is there. This one stays as it is. An offer that is told
        as it was has not changed, and a SKU that is in both stays.
        """
        catalogue = object.__new__(type(self))
        catalogue._shelf = self._shelf.updated(changed, gone=gone)
        return catalogue

    def __len__(self) -> int:
        return len(self._shelf.places)

    @property
    def products(self) -> tuple[Product, ...]:
        """All offers, in no promised order."""
        return tuple(self._shelf)

    def get(self, sku: str) -> Product | None:
        """The offer of exactly this SKU; None when there is none."""
        return self._shelf.get(sku)

    def by_sku(self, sku: str) -> Product | None:
        """The offer of this article, however its letters are typed; None when there is none.

        The code of its card serves too. Of several the one that can be bought, as in ``find``.
        """
        if found := self.get(sku) or self.get(number := spelt(sku)):
            return found
        others = map(self._shelf.get, self._shelf.numbers.skus(number))
        return min(filter(None, others), key=standing, default=None)

    def find(self, text: str, *, limit: int = 5) -> tuple[Product, ...]:
        """What ``text`` asks for, best first: all of the shop's, in stock or not.

        An article's number decides alone. Nothing when the text is about no goods, or about goods
        that are not here; a thing of the same name but another model is found all the same.
        """
        if numbered := self._numbered(text):
            return numbered[:limit]
        slots = slots_of(text, known=self._index.__contains__, spellings=self._shelf.spellings)
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
        return bool(slots_of(text, known=known, spellings=self._shelf.spellings))

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

    @property
    def _index(self) -> Index:
        return self._shelf.index

    @property
    def _products(self) -> Sequence[Product]:
        return self._shelf.products

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


def _as_product(one: Product | str) -> Product:
    return one if isinstance(one, Product) else Product(sku="", name=one)
