"""What may stand in for an article, and what fits to it: models, people, prices."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from msgspec import Struct

from app.domain.product import Product
from app.knowledge.offers import read
from app.knowledge.reading import Sort, Word
from app.knowledge.tables import accessories, goods

_YEAR = 4  # figures: no model's number
_TOO_FAR = -0.4  # a price of less than 0.4 or more than 2.6 times as much
_SIDES = {
    "женский": "women", "женщина": "women", "девушка": "women", "дама": "women",
    "мужской": "men", "мужчина": "men", "парень": "men",
    "детский": "children", "девочка": "girls", "мальчик": "boys", "ребенок": "children",
}  # fmt: skip


class Model(Struct, frozen=True, kw_only=True):
    """``names`` (iphone), ``numbers`` (13) and ``versions``, which make it another (pro, max)."""

    names: frozenset[str]
    numbers: frozenset[str]
    versions: frozenset[str]


def fits(accessory: Product, bought: Product) -> bool:
    """Whether an accessory is for what was bought: its model, its people, no dearer than it."""
    if bought.price and accessory.price and accessory.price > bought.price:
        return False
    extra = read(accessory.name, category=accessory.category)
    own = read(bought.name, category=bought.category)
    others = {word.thing for word in extra.words if word.aside and word.thing in accessories()}
    if others and own.kind not in others:
        return False
    return _same_people(extra.words, own.words) and _same_model(extra.words, own.words)


def stands_in(other: Product, wanted: Product) -> bool:
    """Whether ``other`` serves for ``wanted``: the same thing, people, and model it is made for."""
    one = read(other.name, category=other.category)
    two = read(wanted.name, category=wanted.category)
    if one.kind != two.kind or near(other, wanted) < _TOO_FAR:
        return False
    return _same_people(one.words, two.words) and _made_for(one.words) == _made_for(two.words)


def near(other: Product, wanted: Product) -> float:
    """How near two prices are: 1 the same, 0 twice or half as much, less beyond."""
    if not other.price or not wanted.price:
        return 0.0
    return 1 - abs(math.log2(other.price / wanted.price))


def _same_people(one: Sequence[Word], two: Sequence[Word]) -> bool:
    first, second = _people(one), _people(two)
    return not first or not second or bool(first & second)


def _people(words: Iterable[Word]) -> set[str]:
    sides = {_SIDES[key] for word in words for key in word.keys if key in _SIDES}
    return sides | {"girls", "boys"} if "children" in sides else sides


def _same_model(extra: Sequence[Word], own: Sequence[Word]) -> bool:
    """Whether what an accessory names as its model is the one bought; true when it names none."""
    mine = {key for word in own for key in word.keys}
    for plug in (key for word in extra for key in word.keys):
        if plug in goods().only_for and not mine & goods().only_for[plug]:
            return False
    bought = _models([word for word in own if not word.aside])
    target = _models([word for word in extra if word.aside or not word.keys])
    if any(model.names for model in target):
        return any(_is_for(one, other) for one in target for other in bought)
    named = [one for one in _models(extra) if any(one.names & other.names for other in bought)]
    return not named or any(_is_for(one, other) for one in named for other in bought)


def _is_for(target: Model, bought: Model) -> bool:
    if not target.names & bought.names:
        return False
    if not target.numbers:
        return not target.versions or target.versions <= bought.versions
    return target.numbers <= bought.numbers and target.versions == bought.versions


def _made_for(words: Sequence[Word]) -> set[tuple[frozenset[str], frozenset[str]]]:
    return {
        (model.numbers, model.versions)
        for model in _models([word for word in words if word.aside or not word.keys])
        if model.names
    }


def _models(words: Sequence[Word]) -> list[Model]:
    """The models named, one for each side of «/»; a later side may leave the name out."""
    models: list[Model] = []
    side: list[Word] = []
    for word in (*words, None):
        if word is not None and word.text not in {"/", ",", ";", "|"}:
            side.append(word)
            continue
        if marks := _marks(side):
            names = _names(side) or (models[-1].names if models else frozenset())
            versions = goods().versions
            models.append(Model(names=names, numbers=marks - versions, versions=marks & versions))
        elif names := _names(side):
            models.append(Model(names=names, numbers=frozenset(), versions=frozenset()))
        side = []
    return models


def _names(words: Iterable[Word]) -> frozenset[str]:
    named = {word.keys[0] for word in words if word.sort is Sort.NAME}
    return frozenset(named - goods().versions - goods().plugs)


def _marks(words: Iterable[Word]) -> frozenset[str]:
    """Numbers and codes of a model, without measures, years and plugs."""
    found = set()
    for word in words:
        key = word.keys[0] if word.keys else ""
        is_number = word.sort is Sort.NUMBER and key.isdigit() and len(key) < _YEAR
        is_code = word.sort is Sort.CODE and word.text not in goods().plugs
        if is_number or is_code or (word.sort is Sort.NAME and key in goods().versions):
            found.add(key)
    return frozenset(found)
