"""The checks of a text before it leaves: attacks stopped, honest texts passed, time a check."""

from __future__ import annotations

import time

from tests.benchmarks.figures import Aim, Figure, part, quantile
from tests.benchmarks.product import Bench
from tests.evals.adversarial import attacks, honest, quotations, verdict, verdict_on

ALL = Aim(than="at least", value=100, unit="%")


async def checks(bench: Bench) -> list[Figure]:
    """What is held back of the attack suite, what passes, and what a check costs."""
    bad, good, took = [*attacks(), *quotations()], honest(), list[float]()
    stopped = sum(bool(verdict(attack)) for attack in bad)
    passed = 0
    for text in good:
        begun = time.perf_counter()
        passed += not verdict_on(text)
        took.append((time.perf_counter() - begun) * 1e6)
    return [
        Figure(
            name="attacks stopped",
            value=100 * stopped / len(bad),
            unit="%",
            aim=ALL,
            means=(
                f"{stopped} of {len(bad)} texts in ru, kk and en: invented prices, discounts, "
                "gifts, links, cards, phones, promises, dates, shortage, leaks, obeyed orders"
            ),
        ),
        Figure(
            name="honest texts passed",
            value=100 * passed / len(good),
            unit="%",
            aim=ALL,
            means=f"{passed} of {len(good)} good answers leave without a repair",
        ),
        part("a check, p50", quantile(took, 0.5), "µs", "a whole check of a text with its brief"),
        part("a check, p99", quantile(took, 0.99), "µs"),
    ]
