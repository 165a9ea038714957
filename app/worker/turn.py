"""A turn in progress: what was read of the chat, and the only way to write it back."""

from __future__ import annotations

from datetime import date, datetime

from app.domain.budget import BudgetState
from app.domain.conversation import (
    Conversation,
    Entry,
    Message,
    derive_id,
    newly_buried,
    newly_named,
    newly_risen,
    places_freed,
    split_archive,
)
from app.domain.decide import next_wake
from app.domain.events import AnyEvent, RulesChanged
from app.domain.fold import fold_all
from app.domain.session import Session
from app.domain.tally import signs_of
from app.store import keys
from app.store.claims import Buried, Claimed, Settled
from app.store.contacts import lid_of
from app.worker.bot import Bot

_CANNOT_BE_HAD = frozenset({"config", "connection", "rate_limit", "server", "timeout"})
"""Why no text is the model's, where that is no fault of this one text. An open breaker is left out:
what opened it says more.
"""


class Turn:
    """One chat, claimed. ``conversation`` is always what the store holds.

    The rules stay the same from one ``refresh`` to the next: a step is decided on one value.
    ``sessions`` are those it may speak through, as they were when it was last read. ``offers``:
    whether the next text may offer something, as its order is known to stand.
    """

    def __init__(self, bot: Bot, claimed: Claimed, conversation: Conversation) -> None:
        self._live = bot
        self.bot = bot.as_of_now()
        self.claimed = claimed
        self.conversation = conversation
        self.sessions: dict[str, Session] = {}
        self.offers = True
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
    def version(self) -> str:
        """Another one after every change of the chat."""
        return self.claimed.version

    @property
    def now(self) -> datetime:
        """The time."""
        return self.bot.world.now()

    @property
    def today(self) -> date:
        """The shop's calendar day."""
        return self.bot.rules.local(self.now).date()

    async def affords(self) -> bool:
        """Whether the day's budget for the model is not spent. Raises ``StoreDown``."""
        budget = await self.bot.counters.budget(self.today)
        return budget.state is not BudgetState.SPENT

    async def refresh(self) -> None:
        """Read the chat again and take in what came; the rules, too, are those of now.

        Raises ``StoreDown``, ``Conflict``.
        """
        self.bot = self._live.as_of_now()
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
        before, today = self.conversation, self.today
        live, archived = split_archive(conversation)
        lid = lid_of(self.chat)
        if lid is not None and (conversation.opt_out is None) is not (before.opt_out is None):
            await self.bot.contacts.hide_stop(lid, stopped=conversation.opt_out is not None)
        settled = Settled(
            conversation=live,
            folded=folded,
            entries=entries,
            archived=archived,
            buried=tuple(map(self._grave, newly_buried(before, conversation))),
            risen=newly_risen(before, conversation),
            freed=places_freed(before, conversation),
            days=self._days(today),
            wake=next_wake(live),
        )
        self.claimed = await self.bot.mailbox.commit(self.claimed, settled, now=self.now)
        self.conversation = live
        for short_id in newly_named(before, live):
            await self.bot.contacts.remember_sent(short_id, self.chat)
        await self.bot.sessions.count(signs_of(entries, self.bot.rules), today)
        await self._heard_of_model(entries)
        self._note(entries)

    async def _heard_of_model(self, entries: tuple[Entry, ...]) -> None:
        """Keep when it last wrote, and when and why it last could not."""
        for written in (entry.written for entry in entries):
            if written is None:
                continue
            if written.why_canned in _CANNOT_BE_HAD:
                await self.bot.counters.model_failed(written.why_canned, self.now)
            elif written.requests and not written.canned:
                await self.bot.counters.model_answered(self.now)

    async def _take_in(self) -> None:
        claimed = self.claimed
        if claimed.letters:
            if claimed.unreadable:
                await self._set_unreadable_aside()
            await self._know_rules(claimed.events)
            conversation, entries = fold_all(
                self.conversation, claimed.events, now=self.now, rules=self.bot.rules
            )
            if self.conversation.opt_out is not None and conversation.opt_out is None:
                await self.bot.contacts.unmark(self.chat)
            await self.commit(conversation, entries, folded=len(claimed.letters))
        await self._look_at_sessions()

    async def _know_rules(self, events: tuple[AnyEvent, ...]) -> None:
        """Who is told of new rules decides by them, also where they are not yet known here."""
        ruling = self._live.ruling
        told = [event.version for event in events if isinstance(event, RulesChanged)]
        if told and max(told) > ruling.adjustments.version:
            await ruling.keep_up()
        if told:
            self.bot = self._live.as_of_now()

    async def _look_at_sessions(self) -> None:
        """Whatever this chat waits for, it is told when a session that is down comes back.

        Held first and read again then: it may have come back in between.
        """
        names = self._speaks_through()
        self.sessions = await self.bot.sessions.all(names, self.now)
        for name, session in self.sessions.items():
            if not session.works:
                await self.bot.sessions.hold(name, self.chat, self.now)
                self.sessions[name] = await self.bot.sessions.of(name)

    def _speaks_through(self) -> set[str]:
        known, rules = self.conversation, self.bot.rules
        names = {rules.shop(pending.shop).session for pending in known.pending}
        names |= {message.session for message in known.unsettled}
        return names | ({known.session} if known.session and names else set())

    def _days(self, today: date) -> tuple[str, ...]:
        """Where a place under a cap of today may be held."""
        shops = tuple(keys.day(shop.id, today) for shop in self.bot.rules.shops)
        if not self.bot.rules.warm_up:
            return shops
        numbers = {session.number for session in self.sessions.values()}
        return (*shops, *(keys.number_day(number, today) for number in sorted(numbers)))

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
