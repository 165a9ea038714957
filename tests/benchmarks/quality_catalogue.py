"""How well a customer's words find goods, and what a large catalogue costs."""

from __future__ import annotations

import gc
import random
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from app.domain.product import Product
from app.gateways.catalogue import read_price_list
from app.knowledge.catalogue import Catalogue
from tests.benchmarks.figures import Aim, Figure, median, part, quantile
from tests.benchmarks.product import Bench

DATA = Path(__file__).parents[1] / "data"
OFFERS = 100_000
_LOOKUPS = 10_000
_PAGE = 4096
_MIB = 1 << 20

Labelled = list[tuple[frozenset[str], str]]


async def catalogue(bench: Bench) -> list[Figure]:
    """The labelled questions to a small shop, then the same questions to a large one."""
    products = read_price_list(DATA / "catalogue.xml").products
    questions = _labelled()
    return [
        *_quality(Catalogue(products), questions),
        *_cost(products, [question for _, question in questions]),
    ]


def _labelled() -> Labelled:
    lines = (DATA / "catalogue_questions.tsv").read_text("utf-8").splitlines()[1:]
    rows = (line.split("\t") for line in lines)
    return [(frozenset(skus.split("|")) - {"-"}, question) for skus, question in rows]


def _quality(shop: Catalogue, questions: Labelled) -> list[Figure]:
    asked = [(skus, shop.find(question)) for skus, question in questions if skus]
    idle = [shop.find(question) for skus, question in questions if not skus]
    first = sum(any(p.sku in skus for p in found[:1]) for skus, found in asked)
    any_ = sum(any(p.sku in skus for p in found) for skus, found in asked)
    return [
        Figure(
            name="catalogue, found first",
            value=100 * first / len(asked),
            unit="%",
            aim=Aim(than="at least", value=90, unit="%"),
            means=(
                f"{len(asked)} questions about {len(shop)} goods in Russian, Kazakh and English, "
                "with typing errors and without Kazakh letters: the right one is the first answer"
            ),
        ),
        part("among five", 100 * any_ / len(asked), "%", "the right one is among the answers"),
        Figure(
            name="catalogue, false finds",
            value=sum(map(bool, idle)),
            unit="",
            aim=Aim(than="under", value=1),
            means=f"goods found in {len(idle)} messages that ask for none of the shop's",
        ),
    ]


def _cost(products: Sequence[Product], questions: Sequence[str]) -> list[Figure]:
    offers = list(_many(products))
    gc.collect()
    before, begun = _memory(), time.perf_counter()
    shop = Catalogue(offers)
    took = time.perf_counter() - begun
    gc.collect()
    used = _memory() - before
    skus = {offer.sku: offer for offer in offers}
    number = offers[OFFERS // 2].sku
    by_number = _microseconds(lambda: shop.by_sku(number))
    floor = _microseconds(lambda: skus.get(number))
    spent = [_once(shop, question) for question in questions]
    return [
        Figure(
            name="catalogue, a question",
            value=median(spent),
            unit="ms",
            aim=Aim(than="under", value=5, unit="ms"),
            means=f"median of the labelled questions to {OFFERS:,} offers, the first time asked",
        ),
        part("the slowest of 20", quantile(spent, 0.95), "ms"),
        Figure(
            name="catalogue, by article",
            value=by_number,
            unit="µs",
            against=floor,
            ratio=floor / by_number,
            means="against a look into a dict",
        ),
        part("reading 100 000 offers", took, "s", "from products to an index"),
        part("memory of their index", used / _MIB, "MiB", "without the products themselves"),
    ]


def _many(products: Sequence[Product]) -> Iterator[Product]:
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
