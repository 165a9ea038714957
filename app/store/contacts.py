"""Who is who: which chat an address, a message or an order belongs to; and forgetting."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from datetime import datetime

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from app.domain.conversation import Author, Conversation, Message, OptOut
from app.domain.events import Fact, LeftOurNumber, Order, OrderChanged, ReceiptCame
from app.store import keys
from app.store.claims import millis
from app.store.connection import Redis, store_errors

SENT_KEPT_SECONDS = 30 * 24 * 3600
LEARNED_KEPT = 50_000
"""Addresses this process remembers, so as not to write them again with every message."""


class KnownOrder(Struct, frozen=True, kw_only=True):
    """An order as we first heard of it, and whose it is."""

    chat: str
    order: Order
    heard_at: datetime


class _OfChat(Struct):
    """What of a buried record says whose it is."""

    chat: str


_buried_chats = msgspec.json.Decoder(_OfChat)
_known_orders = msgspec.json.Decoder(KnownOrder)
_encode = msgspec.json.Encoder().encode


def lid_chat(lid: str) -> str:
    """The chat of a person of whom only the hidden id is known."""
    return f"lid:{lid}"


def lid_of(chat: str) -> str | None:
    """The hidden id of such a chat; None for the chat of a phone."""
    return chat.removeprefix("lid:") if chat.startswith("lid:") else None


class Contacts:
    """The addresses, orders and sent messages by which people are found again."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._learned: dict[str, str] = {}

    async def chats_of(self, facts: Sequence[Fact]) -> list[tuple[str, Fact]]:
        """The chat of each fact; what the facts tell of addresses and orders is learned.

        A chat is named by its phone, or by its hidden id until the phone is known.
        Raises ``StoreDown``.
        """
        with store_errors():
            await self._learn(facts)
            return [await self._placed(fact) for fact in facts]

    async def _placed(self, fact: Fact) -> tuple[str, Fact]:
        """The fact and its chat. An order stays with the buyer it was first heard of with; what is
        told of it under another phone says how far it is, and nothing of who bought what.
        """
        event = fact.event
        if not isinstance(event, OrderChanged):
            return await self._chat_of(fact), fact
        told = fact.person.phone or ""
        known = await self.order(event.order.shop, event.order.code)
        if known is None or known.chat == told:
            return told, fact
        bare = replace(event.order, items=(), total=None)
        return known.chat, replace(fact, event=replace(event, order=bare, customer_name=None))

    async def _chat_of(self, fact: Fact) -> str:
        person = fact.person
        if person.phone is not None:
            return person.phone
        if isinstance(fact.event, ReceiptCame | LeftOurNumber):
            chat = await self._redis.get(keys.sent(fact.event.message))
            if chat is not None:
                return str(chat, "ascii")
        if person.lid is None:
            raise ValueError("a fact concerns a person with a phone or a hidden id")
        return await self.phone_of(person.lid) or lid_chat(person.lid)

    async def _learn(self, facts: Sequence[Fact]) -> None:
        new = {
            fact.person.lid: fact.person.phone
            for fact in facts
            if fact.person.lid
            and fact.person.phone
            and self._learned.get(fact.person.lid) != fact.person.phone
        }
        if new:
            await self._redis.hset(keys.lids(), mapping=new)
            await self._wake_hidden([lid_chat(lid) for lid in new], facts[0].event.received_at)
            if len(self._learned) > LEARNED_KEPT:
                self._learned.clear()
            self._learned.update(new)
        for fact in facts:
            if isinstance(fact.event, OrderChanged) and fact.person.phone:
                await self._know_order(fact.person.phone, fact.event)

    async def _wake_hidden(self, chats: Sequence[str], now: datetime) -> None:
        """Chats of hidden ids whose phone is known now give their stops to it, soon."""
        for chat in chats:
            if await self._redis.hexists(keys.conversation(chat), "v"):
                await self._redis.zadd(keys.due(), {chat: millis(now)}, lt=True)

    async def _know_order(self, chat: str, event: OrderChanged) -> None:
        order = event.order
        known = KnownOrder(chat=chat, order=order, heard_at=event.received_at)
        made = order.created_at or event.received_at
        async with self._redis.pipeline(transaction=False) as pipe:
            pipe.set(keys.order(order.shop, order.code), _encode(known), nx=True)
            pipe.zadd(keys.orders(order.shop), {order.code: millis(made)}, nx=True)
            pipe.sadd(keys.orders_of(chat), f"{order.shop}:{order.code}")
            await pipe.execute()

    async def learn(self, lid: str, phone: str) -> None:
        """``lid`` hides ``phone``. Raises ``StoreDown``."""
        with store_errors():
            await self._redis.hset(keys.lids(), lid, phone)
        self._learned[lid] = phone

    async def phone_of(self, lid: str) -> str | None:
        """The phone behind a hidden id, when we learned it. Raises ``StoreDown``."""
        if lid in self._learned:
            return self._learned[lid]
        with store_errors():
            phone = await self._redis.hget(keys.lids(), lid)
        return phone.decode() if isinstance(phone, bytes) else None

    async def remember_sent(self, short_id: str, chat: str) -> None:
        """Receipts of this message belong to ``chat``, under whatever address they come."""
        with store_errors():
            await self._redis.set(keys.sent(short_id), chat, ex=SENT_KEPT_SECONDS)

    async def order(self, shop: str, code: str) -> KnownOrder | None:
        """The order with this number. Raises ``StoreDown``."""
        with store_errors():
            known = await self._redis.get(keys.order(shop, code))
        return _known_orders.decode(known) if known else None

    async def orders_since(self, shop: str, since: datetime) -> list[KnownOrder]:
        """The shop's orders made since then, oldest first. Raises ``StoreDown``."""
        with store_errors():
            codes = await self._redis.zrangebyscore(keys.orders(shop), millis(since), "+inf")
            if not codes:
                return []
            known = await self._redis.mget([keys.order(shop, code.decode()) for code in codes])
        return [_known_orders.decode(order) for order in known if order]

    async def in_cooldown(self, since: datetime) -> int:
        """How many people were written to first since then. Raises ``StoreDown``."""
        with store_errors():
            await self._redis.zremrangebyscore(keys.spoken_to(), "-inf", f"({millis(since)}")
            return int(await self._redis.zcard(keys.spoken_to()))

    async def count(self) -> int:
        """How many people we know. Raises ``StoreDown``."""
        with store_errors():
            return int(await self._redis.zcard(keys.chats()))

    # --- forgetting -----------------------------------------------------------------------

    async def new_person(self, chat: str, now: datetime) -> Conversation:
        """An empty conversation; silent from the start for someone erased after a stop."""
        with store_errors():
            silent = await self._redis.sismember(keys.opted_out(), await self._mark(chat))
        lid = lid_of(chat)
        return Conversation(
            chat=chat,
            since=now,
            phone=None if lid else chat,
            lid=lid,
            opt_out=OptOut(at=now, by=Author.CUSTOMER) if silent else None,
        )

    async def unmark(self, chat: str) -> None:
        """Someone erased after a stop wants to be written to again. Raises ``StoreDown``."""
        with store_errors():
            await self._redis.srem(keys.opted_out(), await self._mark(chat))

    async def erase(self, conversation: Conversation, *, archived: Sequence[Message]) -> None:
        """Forget a person; only the hash of an opt-out stays. Raises ``StoreDown``."""
        chat = conversation.chat
        mark = await self._mark(chat)
        with store_errors():
            hidden, graves = await self._lids_of(chat), await self._graves_of(chat)
            orders = await self._orders_of(chat)
            async with self._redis.pipeline(transaction=True) as pipe:
                if conversation.opt_out is not None:
                    pipe.sadd(keys.opted_out(), mark)
                pipe.delete(*keys.all_of(chat))
                for index in (keys.due(), keys.chats(), keys.spoken_to()):
                    pipe.zrem(index, chat)
                for order in orders:
                    pipe.delete(keys.order(order.shop, order.code))
                    pipe.zrem(keys.orders(order.shop), order.code)
                for message in (*archived, *conversation.messages):
                    if message.message:
                        pipe.delete(keys.sent(message.message))
                if hidden:
                    pipe.hdel(keys.lids(), *hidden)
                if graves:
                    pipe.hdel(keys.buried(), *graves)
                await pipe.execute()
        for lid in hidden:
            self._learned.pop(lid, None)

    async def _orders_of(self, chat: str) -> list[Order]:
        named = [name.decode() for name in await self._redis.smembers(keys.orders_of(chat))]
        known = [await self.order(*name.split(":", 1)) for name in named]
        return [each.order for each in known if each and each.chat == chat]

    async def _lids_of(self, chat: str) -> list[str]:
        return [
            lid.decode()
            async for lid, phone in self._redis.hscan_iter(keys.lids(), count=1000)
            if phone.decode() == chat
        ]

    async def _graves_of(self, chat: str) -> list[str]:
        return [
            id_.decode()
            async for id_, buried in self._redis.hscan_iter(keys.buried(), count=1000)
            if _buried_chats.decode(buried).chat == chat
        ]

    async def _mark(self, chat: str) -> str:
        """A keyed hash of the person: eleven digits alone would be guessed from a plain one."""
        with store_errors():
            await self._redis.set(keys.hash_key(), secrets.token_hex(32), nx=True)
            key = await self._redis.get(keys.hash_key())
        return hmac.new(bytes(key), chat.encode(), hashlib.sha256).hexdigest()
