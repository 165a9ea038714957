"""What customers may type for an article: its SKU in any letters, its card's code."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from app.domain.product import Product
from app.knowledge.reading import fold

_LOOKALIKES = str.maketrans("авекмнорстху", "abekmhopctxy")
_CARD = 6  # figures of a card code, at least


class Numbers:
    """The SKUs that a number may mean beside the SKU that is spelt so; immutable."""

    def __init__(self, products: Iterable[Product]) -> None:
        self._skus: dict[str, str | tuple[str, ...]] = {}
        self._add(products)

    def changed(self, products: Iterable[Product], *, before: Iterable[Product]) -> Numbers:
        """Others, with ``products`` and without what they or others were ``before``."""
        numbers = Numbers(())
        numbers._skus = self._skus.copy()
        numbers._remove(before)
        numbers._add(products)
        return numbers

    def skus(self, number: str) -> tuple[str, ...]:
        """Whose number it may be, in no promised order; ``number`` as ``spelt`` spells it."""
        found = self._skus.get(number, ())
        return (found,) if isinstance(found, str) else found

    def _add(self, products: Iterable[Product]) -> None:
        for product in products:
            for number in _numbers(product):
                had = self.skus(number)
                self._skus[number] = (*had, product.sku) if had else product.sku

    def _remove(self, products: Iterable[Product]) -> None:
        for product in products:
            for number in _numbers(product):
                left = tuple(sku for sku in self.skus(number) if sku != product.sku)
                if left:
                    self._skus[number] = left
                else:
                    self._skus.pop(number, None)


def spelt(number: str) -> str:
    """A SKU in one spelling: small letters, and those that look Latin made Latin."""
    if number.isascii():
        return number.lower().strip()
    return fold(number).strip().translate(_LOOKALIKES)


def _numbers(product: Product) -> Iterator[str]:
    """A SKU as it may be typed, the card's number that begins many of Kaspi's, and the card's."""
    sku = product.sku
    card = sku.partition("_")[0]
    numbers = {spelt(sku)}
    numbers.update(one for one in (card, product.card or "") if one.isdigit() and len(one) >= _CARD)
    numbers.discard(sku)
    yield from numbers
