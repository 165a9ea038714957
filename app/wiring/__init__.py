"""The composition root: settings and a world become a bot, a web app and their workers."""

from app.wiring.assembly import Assembly
from app.wiring.parts import assembled, rules_of, store_of, web_app

__all__ = ["Assembly", "assembled", "rules_of", "store_of", "web_app"]
