"""What a catalogue of 100,000 offers costs: made, changed, asked and kept."""

from __future__ import annotations

import asyncio
import gc
import random
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import fmean

import msgspec
from msgspec.structs import replace

from app.domain.product import Product
from app.gateways.catalogue import read_price_list
from app.knowledge.catalogue import Catalogue
from tests.benchmarks.figures import Aim, Figure, median, part, quantile
from tests.benchmarks.product import Bench

DATA = Path(__file__).parents[1] / "data"
OFFERS = 100_000
_DIFFERENT = 20_000
"""Offers with a word in each name that no dictionary has: the worst there is."""

_MANY, _FEW = 1000, 10
_LOOKUPS = 10_000
_PAGE = 4096
_MIB = 1 << 20


class Cost(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds, but ``asked`` in ms, ``by_number`` and ``floor`` in µs, ``memory`` in bytes."""

    made: float
    different: float
    memory: float
    memory_different: float
    many: float
    few: float
    gathered: float
    by_number: float
    floor: float
    asked: list[float]
    asked_after: list[float]


async def catalogue_load(bench: Bench) -> list[Figure]:
    """Measured in a process of its own, whose memory nothing else uses."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", __name__, stdout=asyncio.subprocess.PIPE
    )
    said, _ = await process.communicate()
    cost = msgspec.json.decode(said, type=Cost)
    return [*_making(cost), *_changing(cost), *_asking(cost)]


def _making(cost: Cost) -> list[Figure]:
    return [
        Figure(
            name="catalogue, 100 000 offers",
            value=cost.made,
            unit="s",
            aim=Aim(than="under", value=10, unit="s"),
            means="from the offers of a list to a catalogue that can be asked",
        ),
        part("20 000 of odd words", cost.different, "s", "a word nobody knows in every name"),
        part("memory", cost.memory / _MIB, "MiB", "without the products themselves"),
        part("20 000 of odd words", cost.memory_different / _MIB, "MiB"),
    ]


def _changing(cost: Cost) -> list[Figure]:
    return [
        Figure(
            name="catalogue, 1 000 changed",
            value=1000 * cost.many,
            unit="ms",
            aim=Aim(than="under", value=1000, unit="ms"),
            against=1000 * cost.made,
            means=f"other names and stocks among {OFFERS:,} offers, against making it anew",
        ),
        part("10 changed", 1000 * cost.few, "ms"),
        part("both rows made one", 1000 * cost.gathered, "ms", "when one offer in 16 has changed"),
    ]


def _asking(cost: Cost) -> list[Figure]:
    return [
        Figure(
            name="catalogue, a question",
            value=median(cost.asked),
            unit="ms",
            aim=Aim(than="under", value=5, unit="ms"),
            means=f"median of the labelled questions to {OFFERS:,} offers, the first time asked",
        ),
        part("the slowest of 20", quantile(cost.asked, 0.95), "ms"),
        part("with changes", median(cost.asked_after), "ms", f"{_MANY:,} offers have changed"),
        Figure(
            name="catalogue, by article",
            value=cost.by_number,
            unit="µs",
            against=cost.floor,
            ratio=cost.floor / cost.by_number,
            means="against a look into a dict",
        ),
    ]


# -- in the process


def measured() -> Cost:
    """All of it, once."""
    dice = random.Random(7)
    products = read_price_list(DATA / "catalogue.xml").products
    Catalogue(products).find("куртка")  # the dictionaries are loaded
    offers = list(many_offers(products))
    made, memory, shop = _built(offers)
    different, memory_different, _ = _built(list(_different(offers[:_DIFFERENT], dice)))
    number, skus = offers[OFFERS // 2].sku, {offer.sku: offer for offer in offers}
    few = fmean(_update(shop, _changed(dice.sample(offers, _FEW), dice))[0] for _ in range(_FEW))
    many, later = _update(shop, _changed(dice.sample(offers, _MANY), dice))
    gathered, _ = _update(shop, _changed(dice.sample(offers, OFFERS // 15), dice))
    questions = _questions()
    return Cost(
        made=made,
        different=different,
        memory=memory,
        memory_different=memory_different,
        many=many,
        few=few,
        gathered=gathered,
        by_number=_microseconds(lambda: shop.by_sku(number)),
        floor=_microseconds(lambda: skus.get(number)),
        asked=[_once(shop, question) for question in questions],
        asked_after=[_once(later, question) for question in questions],
    )


def many_offers(products: Sequence[Product]) -> Iterator[Product]:
    """As many offers as a large shop has, of invented makers and models."""
    dice = random.Random(7)
    parts = "ka ro mi ta le no va zi du pe so bri kla".split()
    makers = ["".join(dice.choices(parts, k=3)) for _ in range(3000)]
    for number in range(OFFERS):
        like = products[number % len(products)]
        yield Product(
            sku=f"{1000000 + number}_{number}",
            name=f"{like.name} {dice.choice(makers)} {dice.choice('ABCDEF')}{number % 9973}",
            brand=like.brand,
            category=like.category,
            price=like.price,
            in_stock=dice.random() < 0.7,
        )


def _different(offers: Sequence[Product], dice: random.Random) -> Iterator[Product]:
    """The same with a word in each that hardly another has: the names of books, of parts."""
    parts = "ба во ги ду же за ки ло ме ны по ра су те фи хо ча шу".split()
    for offer in offers:
        word = "".join(dice.choices(parts, k=dice.randint(3, 4)))
        yield replace(offer, name=f"{word} {offer.name}")


def _changed(offers: Sequence[Product], dice: random.Random) -> list[Product]:
    """By turns another stock, name and price."""
    return [
        replace(offer, in_stock=not offer.in_stock, price=dice.randint(500, 500_000))
        if number % 3
        else replace(offer, name=f"{offer.name} {dice.choice('GHKL')}{dice.randint(1, 9999)}")
        for number, offer in enumerate(offers)
    ]


def _built(offers: Sequence[Product]) -> tuple[float, float, Catalogue]:
    """Seconds, bytes, and what was made."""
    gc.collect()
    before, begun = _memory(), time.perf_counter()
    shop = Catalogue(offers)
    took = time.perf_counter() - begun
    gc.collect()
    return took, _memory() - before, shop


def _update(shop: Catalogue, changed: Sequence[Product]) -> tuple[float, Catalogue]:
    begun = time.perf_counter()
    later = shop.updated(changed)
    return time.perf_counter() - begun, later


def _questions() -> list[str]:
    lines = (DATA / "catalogue_questions.tsv").read_text("utf-8").splitlines()[1:]
    return [line.split("\t")[1] for line in lines]


def _once(shop: Catalogue, question: str) -> float:
    begun = time.perf_counter()
    shop.find(question)
    return 1000 * (time.perf_counter() - begun)


def _microseconds(look: Callable[[], object]) -> float:
    begun = time.perf_counter()
    for _ in range(_LOOKUPS):
        look()
    return 1e6 * (time.perf_counter() - begun) / _LOOKUPS


def _memory() -> int:
    """Bytes this process holds now; 0 where the system does not tell."""
    try:
        return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * _PAGE
    except OSError:
        return 0


if __name__ == "__main__":
    print(msgspec.json.encode(measured()).decode())
