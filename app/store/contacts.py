"""Who is who: which chat an address, a message or an order belongs to; and forgetting."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Sequence
from datetime import datetime, tzinfo

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from app.domain.conversation import Author, Conversation, Folded, Message, OptOut
from app.domain.events import (
    Address,
    CustomerWrote,
    Fact,
    LeftOurNumber,
    Order,
    OrderChanged,
    ReceiptCame,
)
from app.domain.rules import KEPT_ORDERS, LATE_AFTER, Rules
from app.errors import StoreDown
from app.store import keys
from app.store.claims import Claimed, millis
from app.store.connection import Redis, store_errors
from app.store.index import take_out, traces_of
from app.store.known_orders import (
    FORGOTTEN_KEPT,
    Kept,
    KnownOrder,
    keep_all,
    know,
    known_order,
    of_forgotten,
    orders_of,
    stages_forgotten,
)
from app.store.merging import merge_chats
from app.store.refs import Refs

SENT_KEPT_SECONDS = 30 * 24 * 3600
LEARNED_KEPT = 50_000
"""Addresses this process remembers, so as not to write them again with every message."""

ORDERS_AT_ONCE = 1000
"""Orders read with one command."""


class _OfChat(Struct):
    """What of a buried record says whose it is."""

    chat: str


_buried_chats = msgspec.json.Decoder(_OfChat)


def _named(messages: Sequence[Message], *, asked_for: Iterable[str]) -> list[str]:
    """The keys by which a person's messages are found."""
    names = [keys.sent(short_id) for short_id in asked_for]
    for message in messages:
        if message.message is not None:
            names.append(keys.sent(message.message))
            names.append(keys.told(message.session, message.message))
    return names


def lid_chat(lid: str) -> str:
    """The chat of a person of whom only the hidden id is known."""
    return f"lid:{lid}"


def lid_of(chat: str) -> str | None:
    """The hidden id of such a chat; None for the chat of a phone."""
    return chat.removeprefix("lid:") if chat.startswith("lid:") else None


class Contacts:
    """The addresses, orders and sent messages by which people are found again.

    ``zone`` says whose calendar day counts what a merge drops (the rules' own unless told).
    """

    def __init__(self, redis: Redis, *, zone: tzinfo | None = None) -> None:
        self._redis = redis
        self._zone = zone or Rules().zone
        self._refs = Refs(redis)
        self._learned: dict[str, str] = {}

    async def chats_of(self, facts: Sequence[Fact]) -> list[tuple[str, Fact]]:
        """The chat of each fact; what the facts tell of addresses and orders is learned.

        A chat is named by its phone, or by its hidden id until the phone is known.
        Raises ``StoreDown``.
        """
        try:
            with store_errors():
                await self._learn(facts)
                return [await self._placed(fact) for fact in facts]
        except StoreDown:
            self._learned.clear()  # another store may come back
            raise

    async def _placed(self, fact: Fact) -> tuple[str, Fact]:
        """The fact and its chat. An order stays with the buyer it was first heard of with; what is
        told of it under another phone says how far it is, and nothing of who bought what.
        """
        event = fact.event
        if not isinstance(event, OrderChanged):
            return await self._chat_of(fact), fact
        order = await of_forgotten(self._redis, await self.with_cards(event.order))
        event = replace(event, order=order)
        fact = replace(fact, event=event)
        told = fact.person.phone or ""
        known = await self.order(event.order.shop, event.order.code)
        if known is None or known.chat is None or known.chat == told:
            return told, fact
        bare = replace(event.order, items=(), total=None)
        return known.chat, replace(fact, event=replace(event, order=bare, customer_name=None))

    async def with_cards(self, order: Order) -> Order:
        """``order`` with the card codes of its lines that other orders have taught us.

        Raises ``StoreDown``.
        """
        lacking = [item.sku for item in order.items if item.sku and item.card is None]
        if not lacking:
            return order
        with store_errors():
            codes = await self._redis.hmget(keys.cards(order.shop), lacking)
        cards = {sku: code.decode() for sku, code in zip(lacking, codes, strict=True) if code}
        items = (replace(i, card=i.card or cards.get(i.sku or "")) for i in order.items)
        return replace(order, items=tuple(items))

    async def _chat_of(self, fact: Fact) -> str:
        """A message of ours belongs to the chat it was sent to, whatever the echo says of it."""
        person, event = fact.person, fact.event
        if isinstance(event, ReceiptCame | LeftOurNumber):
            sent_to = await self._sent_to(event.message)
            if sent_to is not None:
                await self._join(person, sent_to, event.received_at)
                return sent_to
        if person.phone is not None:
            return person.phone
        if person.lid is None:
            raise ValueError("a fact concerns a person with a phone or a hidden id")
        phone = await self.phone_of(person.lid)
        if phone is None and isinstance(event, CustomerWrote) and event.quoted is not None:
            quoted = await self._sent_to(event.quoted)
            if quoted is not None and await self._join(person, quoted, event.received_at):
                return quoted
        return phone or lid_chat(person.lid)

    async def _sent_to(self, short_id: str) -> str | None:
        chat = await self._redis.get(keys.sent(short_id))
        return None if chat is None else str(chat, "ascii")

    async def _join(self, person: Address, chat: str, now: datetime) -> bool:
        """What answers or echoes a message to a phone under a hidden id hides that phone.

        Not where the phone is known to hide behind another one: then somebody is mistaken.
        """
        if person.lid is None or person.phone is not None or lid_of(chat) is not None:
            return False
        if await self.lid_of_phone(chat) not in (None, person.lid):
            return False
        await self._learn_all({person.lid: chat}, now)
        return True

    async def _learn(self, facts: Sequence[Fact]) -> None:
        new = {
            fact.person.lid: fact.person.phone
            for fact in facts
            if fact.person.lid and fact.person.phone
        }
        if new:
            await self._learn_all(new, facts[0].event.received_at)
        for fact in facts:
            if isinstance(fact.event, OrderChanged) and fact.person.phone:
                await self._know_order(fact.person.phone, fact.event)

    async def _learn_all(self, phones: dict[str, str], now: datetime) -> None:
        """Phones by hidden id; the chats of hidden ids that are news are woken to move there."""
        new = {lid: phone for lid, phone in phones.items() if self._learned.get(lid) != phone}
        if not new:
            return
        await self._redis.hset(keys.lids(), mapping=new)
        await self._redis.hset(keys.phones(), mapping={phone: lid for lid, phone in new.items()})
        await self._wake_hidden([lid_chat(lid) for lid in new], now)
        if len(self._learned) > LEARNED_KEPT:
            self._learned.clear()
        self._learned.update(new)

    async def _wake_hidden(self, chats: Sequence[str], now: datetime) -> None:
        """Chats of hidden ids whose phone is known now move there, soon."""
        for chat in chats:
            if await self._redis.hexists(keys.conversation(chat), "v"):
                await self._redis.zadd(keys.due(), {chat: millis(now)}, lt=True)

    async def keep_orders(
        self, orders: Sequence[tuple[Order, str | None]], now: datetime, *, first: str
    ) -> dict[str, Kept]:
        """Keep orders as they were read, and the phones they were read with, where they were; what
        was known of them before, by their numbers. ``first`` is the shop of who names none.

        A phone that is known stays, for Kaspi hides it later on; lines too. That of a buyer who was
        erased is not kept. Raises ``StoreDown``.
        """
        with store_errors():
            return await keep_all(self._redis, orders, also=first, now=now)

    async def _know_order(self, chat: str, event: OrderChanged) -> None:
        heard = KnownOrder(chat=chat, order=event.order, heard_at=event.received_at)
        await know(self._redis, heard)

    async def learn(self, lid: str, phone: str, *, now: datetime) -> None:
        """``lid`` hides ``phone``; its chat, if there is one, moves there. Raises ``StoreDown``."""
        with store_errors():
            await self._learn_all({lid: phone}, now)

    async def phone_of(self, lid: str) -> str | None:
        """The phone behind a hidden id, when we learned it. Raises ``StoreDown``."""
        if lid in self._learned:
            return self._learned[lid]
        with store_errors():
            phone = await self._redis.hget(keys.lids(), lid)
        return phone.decode() if isinstance(phone, bytes) else None

    async def lid_of_phone(self, phone: str) -> str | None:
        """The hidden id of a phone, when we learned it. Raises ``StoreDown``."""
        with store_errors():
            lid = await self._redis.hget(keys.phones(), phone)
        return lid.decode() if isinstance(lid, bytes) else None

    async def hide_stop(self, lid: str, *, stopped: bool) -> None:
        """``lid``, whose phone nobody knows, opted out or in. Raises ``StoreDown``."""
        with store_errors():
            act = self._redis.sadd if stopped else self._redis.srem
            await act(keys.hidden_stops(), lid)

    async def any_hidden_stop(self) -> bool:
        """Whether somebody opted out whose phone nobody knows. Raises ``StoreDown``."""
        with store_errors():
            return bool(await self._redis.exists(keys.hidden_stops()))

    async def merge(
        self, left: Claimed, kept: Claimed, both: Folded | None, *, now: datetime
    ) -> bool:
        """Move all of the chat ``left`` into ``kept``; ``both`` is the two as one, None when only
        mail moves. False when either has changed since it was read. Raises ``StoreDown``.
        """
        refs = (await self._refs.of(left.chat), await self._refs.of(kept.chat))
        day = now.astimezone(self._zone).date()
        lid = lid_of(left.chat) or ""
        with store_errors():
            return await merge_chats(
                self._redis, (left, kept), both, lid=lid, refs=refs, day=day, now=now
            )

    async def remember_sent(self, short_id: str, chat: str) -> None:
        """Receipts of this message belong to ``chat``, under whatever address they come."""
        with store_errors():
            await self._redis.set(keys.sent(short_id), chat, ex=SENT_KEPT_SECONDS)

    async def has_sent(self, short_id: str) -> bool:
        """Whether a message with this id went out from our outbox, or was known to leave.

        Raises ``StoreDown``.
        """
        with store_errors():
            return await self._sent_to(short_id) is not None

    async def known(self, chats: Sequence[str]) -> set[str]:
        """Those of these chats in which something was heard or said. Raises ``StoreDown``."""
        if not chats:
            return set()
        with store_errors():
            scores = await self._redis.zmscore(keys.chats(), list(chats))
        return {chat for chat, at in zip(chats, scores, strict=True) if at is not None}

    async def active(self, since: datetime, *, most: int) -> list[str]:
        """Chats that changed since then, the newest first. Raises ``StoreDown``."""
        with store_errors():
            chats = await self._redis.zrevrangebyscore(
                keys.chats(), "+inf", millis(since), start=0, num=most
            )
        return [chat.decode() for chat in chats]

    async def order(self, shop: str, code: str) -> KnownOrder | None:
        """The order with this number. Raises ``StoreDown``."""
        with store_errors():
            known = await self._redis.get(keys.order(shop, code))
        return known_order(known) if known else None

    async def orders_of(self, chat: str) -> list[Order]:
        """All orders known to be this chat's, the oldest first. Raises ``StoreDown``."""
        with store_errors():
            orders = await orders_of(self._redis, chat)
        return sorted(orders, key=lambda each: (each.created_at is not None, each.created_at))

    async def has_orders(self, chat: str) -> bool:
        """Whether orders of this chat are known. Raises ``StoreDown``."""
        with store_errors():
            return bool(await self._redis.exists(keys.orders_of(chat)))

    async def newest_orders(self, shop: str, *, limit: int) -> list[KnownOrder]:
        """The orders of a shop that were made last, the newest first. Raises ``StoreDown``."""
        with store_errors():
            codes = await self._redis.zrevrange(keys.orders(shop), 0, limit - 1)
            names = [keys.order(shop, code.decode()) for code in codes]
            kept = await self._redis.mget(names) if names else []
        return [known_order(order) for order in kept if order]

    async def orders_since(self, shop: str, since: datetime) -> list[KnownOrder]:
        """The shop's orders made since then, oldest first. Raises ``StoreDown``."""
        with store_errors():
            codes = await self._redis.zrangebyscore(keys.orders(shop), millis(since), "+inf")
            names = [keys.order(shop, code.decode()) for code in codes]
            found: list[KnownOrder] = []
            for start in range(0, len(names), ORDERS_AT_ONCE):
                kept = await self._redis.mget(names[start : start + ORDERS_AT_ONCE])
                found += [known_order(order) for order in kept if order]
        return found

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
        """A new conversation; silent from the start for someone erased after a stop.

        It knows the orders that were there before their shop was connected.
        """
        lid = lid_of(chat)
        with store_errors():
            hidden = None if lid else await self.lid_of_phone(chat)
            names = [chat, lid_chat(hidden)] if hidden else [chat]
            marks = [await self._mark(name) for name in names]
            silent = any(await self._redis.smismember(keys.opted_out(), marks))
            orders = [each for each in await orders_of(self._redis, chat) if each.before]
        return Conversation(
            chat=chat,
            since=now,
            phone=None if lid else chat,
            lid=lid,
            orders=tuple(sorted(orders, key=lambda each: each.created_at or now)[-KEPT_ORDERS:]),
            # Long ago: their first «старт» since was written before we looked.
            opt_out=OptOut(at=now - LATE_AFTER, by=Author.CUSTOMER) if silent else None,
        )

    async def unmark(self, chat: str) -> None:
        """Someone erased after a stop wants to be written to again. Raises ``StoreDown``."""
        with store_errors():
            await self._redis.srem(keys.opted_out(), await self._mark(chat))

    async def erase(
        self, conversation: Conversation, *, messages: Sequence[Message], asked_for: Iterable[str]
    ) -> None:
        """Forget a person; the hash of an opt-out stays, and how far their orders were, which tells
        of nobody. Raises ``StoreDown``.

        ``messages`` are all of theirs, ``asked_for`` the short ids asked of WhatsApp for ours.
        What a turn writes meanwhile is forgotten too.
        """
        chat, names = conversation.chat, _named(messages, asked_for=asked_for)

        async def forget(pipe: Redis) -> None:
            await self._forget(pipe, conversation, names)

        with store_errors():
            await self._redis.transaction(forget, keys.conversation(chat), keys.mail(chat))

    async def _forget(self, pipe: Redis, conversation: Conversation, names: list[str]) -> None:
        """Have ``pipe`` take out all there is, as it is now. Raises redis' own errors."""
        chat = conversation.chat
        hidden, orders = await self._lids_of(chat), await orders_of(self._redis, chat)
        stages = await stages_forgotten(self._redis, (*conversation.orders, *orders))
        graves = await self._graves_of({chat, *map(lid_chat, hidden)})
        traces = await traces_of(self._redis, conversation, hidden=map(lid_chat, hidden))
        mark, lids = await self._mark(chat), [*hidden, lid_of(chat) or ""]
        pipe.multi()
        if conversation.opt_out is not None:
            pipe.sadd(keys.opted_out(), mark)
        pipe.delete(*keys.all_of(chat), *names)
        for index in (keys.due(), keys.chats(), keys.spoken_to(), keys.called()):
            pipe.zrem(index, chat)
        take_out(pipe, chat, traces)
        for order in orders:
            pipe.delete(keys.order(order.shop, order.code))
            pipe.zrem(keys.orders(order.shop), order.code)
        for name, stage in stages.items():
            pipe.set(keys.forgotten(*name), stage, ex=FORGOTTEN_KEPT)
        pipe.hdel(keys.lids(), *lids)
        pipe.srem(keys.hidden_stops(), *lids)
        pipe.hdel(keys.phones(), chat)
        if graves:
            pipe.hdel(keys.buried(), *graves)
        for lid in hidden:
            self._learned.pop(lid, None)

    async def _lids_of(self, chat: str) -> list[str]:
        return [
            lid.decode()
            async for lid, phone in self._redis.hscan_iter(keys.lids(), count=1000)
            if phone.decode() == chat
        ]

    async def _graves_of(self, chats: set[str]) -> list[str]:
        return [
            id_.decode()
            async for id_, buried in self._redis.hscan_iter(keys.buried(), count=1000)
            if _buried_chats.decode(buried).chat in chats
        ]

    async def _mark(self, chat: str) -> str:
        """A keyed hash of the person: eleven digits alone would be guessed from a plain one."""
        return hmac.new(await self.key(), chat.encode(), hashlib.sha256).hexdigest()

    async def key(self) -> bytes:
        """A secret of this store, 64 bytes, made once. Raises ``StoreDown``."""
        return await self._refs.key()
