"""A turn in progress: what was read of the chat, and the only way to write it back."""

from __future__ import annotations

from datetime import date, datetime

from app.domain.conversation import (
    Conversation,
    Entry,
    Message,
    derive_id,
    newly_failed,
    places_freed,
    split_archive,
)
from app.domain.decide import next_wake
from app.domain.fold import fold_all
from app.store import keys
from app.store.claims import Buried, Claimed, Settled
from app.worker.bot import Bot


class Turn:
    """One chat, claimed. ``conversation`` is always what the store holds."""

    def __init__(self, bot: Bot, claimed: Claimed, conversation: Conversation) -> None:
        self.bot = bot
        self.claimed = claimed
        self.conversation = conversation
        self.wrote = 0
        self.sent = 0
        self.did: list[str] = []

    @classmethod
    async def begin(cls, bot: Bot, claimed: Claimed) -> Turn:
        """The turn of a claimed chat, its mail taken in. Raises ``StoreDown``, ``Conflict``."""
        known = claimed.conversation
        now = bot.world.now()
        turn = cls(bot, claimed, known or await bot.contacts.new_person(claimed.chat, now))
        await turn._take_in()
        return turn

    @property
    def chat(self) -> str:
        """Whose turn it is."""
        return self.claimed.chat

    @property
    def now(self) -> datetime:
        """The time."""
        return self.bot.world.now()

    @property
    def today(self) -> date:
        """The shop's calendar day."""
        return self.bot.rules.local(self.now).date()

    async def refresh(self) -> None:
        """Read the chat again and take in what came. Raises ``StoreDown``, ``Conflict``."""
        self.claimed = await self.bot.mailbox.look(self.chat)
        known = self.claimed.conversation
        self.conversation = known or await self.bot.contacts.new_person(self.chat, self.now)
        await self._take_in()

    async def commit(
        self, conversation: Conversation, entries: tuple[Entry, ...], *, folded: int = 0
    ) -> None:
        """Write the chat back as a whole. Raises ``Conflict`` and ``StoreDown``.

        With it go the places under the day's cap that are free again, and what failed for good.
        """
        live, archived = split_archive(conversation)
        settled = Settled(
            conversation=live,
            folded=folded,
            entries=entries,
            archived=archived,
            buried=tuple(map(self._grave, newly_failed(self.conversation, conversation))),
            freed=places_freed(self.conversation, conversation),
            days=tuple(keys.day(shop.id, self.today) for shop in self.bot.rules.shops),
            wake=next_wake(live),
        )
        self.claimed = await self.bot.mailbox.commit(self.claimed, settled, now=self.now)
        self.conversation = live
        self._note(entries)

    async def _take_in(self) -> None:
        claimed = self.claimed
        if not claimed.letters:
            return
        if claimed.unreadable:
            await self._set_unreadable_aside()
        conversation, entries = fold_all(
            self.conversation, claimed.events, now=self.now, rules=self.bot.rules
        )
        if self.conversation.opt_out is not None and conversation.opt_out is None:
            await self.bot.contacts.unmark(self.chat)
        await self.commit(conversation, entries, folded=len(claimed.letters))

    async def _set_unreadable_aside(self) -> None:
        letters = tuple(letter.decode("utf-8", "replace") for letter in self.claimed.unreadable)
        buried = Buried(
            id=derive_id("unreadable", self.chat, *letters),
            chat=self.chat,
            cause="not readable by this version",
            at=self.now,
            letters=letters,
        )
        await self.bot.journal.bury(buried)
        self.bot.log.error("unreadable", chat=self.chat, id=buried.id, facts=len(letters))

    def _grave(self, message: Message) -> Buried:
        return Buried(
            id=message.id,
            chat=self.chat,
            cause=message.failure or "failed",
            at=self.now,
            message=message.id,
        )

    def _note(self, entries: tuple[Entry, ...]) -> None:
        for entry in entries:
            parts = (entry.kind, entry.purpose, entry.reason)
            self.did.append(":".join(str(part) for part in parts if part))
