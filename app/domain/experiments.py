"""Which of several prompts for one purpose a person gets: derived from who they are, not drawn."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from app.domain.conversation import share
from app.domain.rules import Purpose, Rules

FIRST = "v1"
"""The arm every purpose has, in every language."""


def arm_of(person: str, purpose: Purpose, *, arms: tuple[str, ...]) -> str:
    """The arm of ``person``: each arm gets an equal share of people, each person always the same.

    When an arm is added or taken away, only those move who come to it, or were in it.
    """
    return max(arms, key=lambda arm: share("arm", person, purpose, arm))


def arms_on(purpose: Purpose, rules: Rules) -> tuple[str, ...]:
    """The arms that are switched on, never none: when all are off, the first."""
    known = rules.arms.get(purpose, (FIRST,))
    on = tuple(arm for arm in known if arm_name(purpose, arm) not in rules.arms_off)
    return on or known[:1]


def arm_name(purpose: Purpose, arm: str) -> str:
    """An arm as the seller switches it: ``post_purchase/v2``."""
    return f"{purpose}/{arm}"


def with_arms(rules: Rules, arms: Mapping[Purpose, tuple[str, ...]]) -> Rules:
    """``rules``, those of every shop too, that know which arms there are."""
    shops = {id_: replace(own, arms=arms) for id_, own in rules.by_shop.items()}
    return replace(rules, arms=arms, by_shop=shops)
