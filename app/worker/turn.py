"""A turn in progress: what was read of the chat, and the only way to write it back."""

from __future__ import annotations

from datetime import date, datetime

from app.domain.conversation import Conversation, Entry, Kind, Message, split_archive
from app.domain.decide import next_wake
from app.domain.events import ReceiptCame
from app.domain.fold import fold_all
from app.store.mailbox import Claimed, Settled
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
        """The turn of a claimed chat, its mail taken in."""
        now = bot.world.now()
        known = claimed.conversation
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

    def local_day(self, moment: datetime) -> date:
        """The shop's calendar day ``moment`` falls on."""
        return self.bot.rules.local(moment).date()

    async def refresh(self) -> None:
        """Read the chat again and take in what came. Raises ``StoreDown``, ``Conflict``."""
        self.claimed = await self.bot.mailbox.look(self.chat)
        known = self.claimed.conversation
        self.conversation = known or await self.bot.contacts.new_person(self.chat, self.now)
        await self._take_in()

    async def commit(
        self, conversation: Conversation, entries: tuple[Entry, ...], *, folded: int = 0
    ) -> None:
        """Write the chat back as a whole. Raises ``Conflict`` and ``StoreDown``."""
        live, archived = split_archive(conversation)
        settled = Settled(
            conversation=live,
            folded=folded,
            entries=entries,
            archived=archived,
            wake=next_wake(live),
        )
        self.claimed = await self.bot.mailbox.commit(self.claimed, settled, now=self.now)
        self.conversation = live
        self._note(entries)

    async def give_back(self, message: Message) -> None:
        """``message`` certainly did not go: its place under the daily cap is free again."""
        if message.purpose is not None and message.purpose.proactive:
            for day in {self.local_day(message.at), self.local_day(self.now)}:
                await self.bot.counters.release(message.shop, day, message.id)

    async def _take_in(self) -> None:
        events = self.claimed.events
        if not events:
            return
        conversation, entries = fold_all(
            self.conversation, events, now=self.now, rules=self.bot.rules
        )
        if self.conversation.opt_out is not None and conversation.opt_out is None:
            await self.bot.contacts.unmark(self.chat)
        await self.commit(conversation, entries, folded=len(events))
        if any(isinstance(event, ReceiptCame) for event in events):
            await self._give_back_failed(entries)

    async def _give_back_failed(self, entries: tuple[Entry, ...]) -> None:
        for entry in entries:
            message = self.conversation.message(entry.message or "")
            if entry.kind is Kind.FAILED and message is not None:
                await self.give_back(message)

    def _note(self, entries: tuple[Entry, ...]) -> None:
        for entry in entries:
            parts = (entry.kind, entry.purpose, entry.reason)
            self.did.append(":".join(str(part) for part in parts if part))
