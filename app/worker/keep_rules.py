"""The rules a seller changes hold here within a second, and what waits is looked at again."""

from __future__ import annotations

from app.domain.events import Address, Fact, RulesChanged
from app.errors import StoreDown
from app.store.adjustments import Ruling
from app.store.contacts import lid_of
from app.worker.bot import Bot
from app.world import World

RULES_EVERY = 0.5
"""Seconds between two looks for rules that were changed in another process."""


TOLD_AT_ONCE = 50
TOLD_PAUSE = 1.0
"""Chats that are told of new rules together, and seconds until the next are: a worker has turns for
them, and for the customers who write meanwhile.
"""


async def keep_rules(ruling: Ruling, world: World) -> None:
    """Take over what is changed, again and again, until cancelled.

    While the store does not answer the rules stay as they are: nothing can be said then either.
    """
    while True:
        await known_rules(ruling, world)
        await world.sleep(RULES_EVERY)


async def known_rules(ruling: Ruling, world: World) -> None:
    """Return when the rules are those of the store, however long it does not answer.

    No turn is run before: a bot that was switched off must not speak because it was started again.
    """
    while True:
        try:
            await ruling.keep_up()
        except StoreDown:
            await world.sleep(RULES_EVERY)
        else:
            return


async def tell_in_time(bot: Bot) -> None:
    """Tell the newest rules to who waits, a moment after they were made: then every worker knows
    them, and no chat begins to wait for the old ones behind our back. Raises ``StoreDown``.
    """
    if await bot.ruling.store.untold() is not None:
        await bot.world.sleep(2 * RULES_EVERY)
        await tell_chats(bot)


async def tell_chats(bot: Bot) -> int:
    """Have every chat in which the rules hold something back look at the newest; how many did.

    What waits keeps the moment until which it was put off, so nothing would see that the night has
    become shorter, or the bot been switched on. A version of the rules is told until all know of
    it, a crash between notwithstanding; a chat is told of it once. Raises ``StoreDown``.
    """
    store, now, chats = bot.ruling.store, bot.world.now(), 0
    version = await store.untold()
    if version is None:
        return 0
    event = RulesChanged(id=f"rules:{version}", at=now, received_at=now, version=version)
    together = 0
    async for page in store.waiting():
        for chat in page:
            if together == TOLD_AT_ONCE:
                await bot.world.sleep(TOLD_PAUSE)
                together = 0
            await bot.mailbox.accept([(chat, _fact(chat, event))], now=now)
            together += 1
        chats += len(page)
    await store.told(version)
    bot.log.info("rules_told", version=version, chats=chats)
    return chats


def _fact(chat: str, event: RulesChanged) -> Fact:
    lid = lid_of(chat)
    return Fact(person=Address(lid=lid) if lid else Address(phone=chat), event=event)
