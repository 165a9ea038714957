"""How well a customer's words find goods."""

from __future__ import annotations

from pathlib import Path

from app.gateways.catalogue import read_price_list
from app.knowledge.catalogue import Catalogue
from tests.benchmarks.figures import Aim, Figure, part
from tests.benchmarks.product import Bench

DATA = Path(__file__).parents[1] / "data"

Labelled = list[tuple[frozenset[str], str]]


async def catalogue(bench: Bench) -> list[Figure]:
    """The labelled questions to a small shop."""
    return _quality(Catalogue(read_price_list(DATA / "catalogue.xml").products), _labelled())


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
