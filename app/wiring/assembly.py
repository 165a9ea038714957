"""Everything of one process, as one value."""

from __future__ import annotations

from dataclasses import dataclass

from docket import Docket

from app.config import Settings
from app.gateways.model import Model
from app.store.changes import Changes
from app.store.connection import Redis
from app.worker.bot import Bot
from app.world import World


@dataclass(frozen=True, kw_only=True)
class Assembly:
    """Connected and open; nothing runs yet."""

    settings: Settings
    world: World
    redis: Redis
    docket: Docket
    bot: Bot
    changes: Changes
    model: Model | None
