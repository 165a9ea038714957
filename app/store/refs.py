"""Names of chats that tell nobody's phone, and the secret of this store they are made with."""

from __future__ import annotations

import hashlib
import hmac
import secrets

from app.store import keys
from app.store.connection import Redis, store_errors

_DOMAIN = b"chat:"
"""Sets these hashes apart from all others made with the same secret."""

REF_LENGTH = 20
"""Hex digits of a name: 80 bits, which nobody guesses and no two chats share."""


class Refs:
    """The same name for a chat on all processes of one store."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._key: bytes | None = None

    async def key(self) -> bytes:
        """A secret of this store, 64 bytes, made once. Raises ``StoreDown``."""
        if self._key is None:
            with store_errors():
                await self._redis.set(keys.hash_key(), secrets.token_hex(32), nx=True)
                self._key = bytes(await self._redis.get(keys.hash_key()))
        return self._key

    async def of(self, chat: str) -> str:
        """The chat's name for URLs, 20 hex digits. Raises ``StoreDown``."""
        digest = hmac.new(await self.key(), _DOMAIN + chat.encode(), hashlib.sha256)
        return digest.hexdigest()[:REF_LENGTH]
