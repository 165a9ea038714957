"""The composition root: settings and a world become a bot, a web app and their workers."""

from app.wiring.assembly import Assembly
from app.wiring.parts import assembled, store_of
from app.wiring.rules import rules_of

__all__ = ["Assembly", "assembled", "rules_of", "store_of"]
