"""Who is logged in at the desk, and how often somebody tried a wrong key."""

from __future__ import annotations

import secrets
from datetime import timedelta
from hashlib import sha256

import msgspec
from msgspec import Struct

from app.domain.events import Language
from app.store import keys
from app.store.connection import Redis, store_errors

LOGIN_KEPT = timedelta(days=14)
"""A login nobody uses for so long is over."""

TRIES = 10
"""Wrong keys one address, or one browser that is known, may try in ``TRIES_WITHIN``."""

TRIES_WITHIN = timedelta(minutes=15)

_encode = msgspec.json.Encoder().encode


class Login(Struct, frozen=True, kw_only=True):
    """A person at the desk: what they called themselves, and the language they read it in."""

    who: str
    lang: Language = Language.RU


_logins = msgspec.json.Decoder(Login)


def _key(secret: str) -> str:
    return keys.desk_login(sha256(secret.encode()).hexdigest())


class Logins:
    """Logins are known by a secret, of which nothing but a hash is kept."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def open(self, login: Login) -> str:
        """A new login; its secret. Raises ``StoreDown``."""
        secret = secrets.token_urlsafe(32)
        with store_errors():
            await self._redis.set(_key(secret), _encode(login), ex=LOGIN_KEPT)
        return secret

    async def change(self, secret: str, login: Login) -> None:
        """Keep a login as it is now; one that is over stays so. Raises ``StoreDown``."""
        with store_errors():
            await self._redis.set(_key(secret), _encode(login), ex=LOGIN_KEPT, xx=True)

    async def find(self, secret: str) -> Login | None:
        """The login of this secret, which lives on with it; None when it is over.

        Raises ``StoreDown``.
        """
        with store_errors():
            found = await self._redis.getex(_key(secret), ex=LOGIN_KEPT)
        return _logins.decode(found) if found else None

    async def close(self, secret: str) -> None:
        """Nobody is logged in with it any more. Raises ``StoreDown``."""
        with store_errors():
            await self._redis.delete(_key(secret))

    async def tries(self, whose: str) -> timedelta | None:
        """Count a try of an address or a browser; how long it has to wait, None while it may try.

        Counted before the key is looked at, so that many tries at once are no way around it.
        Raises ``StoreDown``.
        """
        name = keys.desk_tries(whose)
        with store_errors():
            async with self._redis.pipeline(transaction=True) as pipe:
                pipe.set(name, 0, ex=TRIES_WITHIN, nx=True)
                pipe.incr(name)
                pipe.ttl(name)
                _new, tried, left = await pipe.execute()
        return timedelta(seconds=max(left, 1)) if tried > TRIES else None

    async def forgive(self, whose: str) -> None:
        """The right key came from them. Raises ``StoreDown``."""
        with store_errors():
            await self._redis.delete(keys.desk_tries(whose))
