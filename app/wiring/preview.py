"""The texts as the seller reads them, and how one would be, by the same way as the real ones."""

from __future__ import annotations

import asyncio

from msgspec.structs import replace

from app.domain.brief import Brief, Draft, brief_for
from app.domain.budget import BudgetState
from app.domain.conversation import Entry, Kind
from app.domain.events import Language
from app.domain.experiments import FIRST, arms_on
from app.domain.rules import Purpose
from app.domain.textbook import (
    CannedText,
    Preview,
    PreviewWish,
    PromptText,
    PurposeTexts,
    TextBook,
    imagined,
)
from app.errors import Refused
from app.wiring.assembly import Assembly
from app.worker.inform import informed
from app.writing.prompts import Prompts
from app.writing.writer import NO_MODEL, Writer


def textbook(prompts: Prompts) -> TextBook:
    """The prompts and fixed texts of every purpose, as they lie in the files."""
    return TextBook(purposes=tuple(_texts_of(purpose, prompts) for purpose in Purpose))


def _texts_of(purpose: Purpose, prompts: Prompts) -> PurposeTexts:
    return PurposeTexts(
        purpose=purpose,
        prompts=tuple(
            PromptText(arm=arm, language=language, source=source)
            for (arm, language), source in prompts.sources(purpose).items()
        ),
        canned=tuple(
            CannedText(language=language, name=name, texts=texts)
            for language in Language
            for name, texts in prompts.wordings(purpose, language).items()
        ),
        arms=prompts.arms.get(purpose, ()),
    )


class Previewing:
    """Shows a text before any customer reads it. Nothing is sent, and nothing kept but the cost."""

    def __init__(self, assembly: Assembly, prompts: Prompts) -> None:
        self._bot = assembly.bot
        self._prompts = prompts
        settings = assembly.settings
        self._asking = Writer(
            model=assembly.model,
            prompts=prompts,
            fallback=settings.ai_seller_fallback,
            patience=settings.openai_timeout_seconds,
        )
        self._one_at_a_time = asyncio.Lock()
        self._free = Writer(model=None, prompts=prompts)

    async def __call__(self, wish: PreviewWish) -> Preview:
        """The text for ``wish`` as it is now. Raises ``StoreDown``, and ``Refused`` for a shop or
        an arm that is not there.
        """
        brief = self._brief(wish)
        draft = await self._draft(wish, brief)
        told = self._prompts.render(brief) if self._is_models(brief) else None
        return Preview(
            text=draft.text,
            written=draft.written,
            faults=draft.faults,
            system=told.system if told else None,
            user=told.user if told else None,
        )

    def _brief(self, wish: PreviewWish) -> Brief:
        bot, now = self._bot, self._bot.world.now()
        rules = bot.rules
        if wish.shop not in {shop.id for shop in rules.shops}:
            raise Refused("no shop with this id is set up", code="unknown_shop", status=404)
        arms = self._prompts.arms.get(wish.purpose, (FIRST,))
        if wish.arm not in (None, *arms):
            raise Refused(f"{wish.purpose} has no such prompt", code="unknown_arm", status=404)
        known, pending, own = imagined(wish, now=now, rules=rules)
        brief = brief_for(known, pending, now=now, rules=own)
        arm = wish.arm or arms_on(wish.purpose, own)[0]
        return informed(replace(brief, arm=arm), bot.shelves.of(wish.shop))

    async def _draft(self, wish: PreviewWish, brief: Brief) -> Draft:
        if not wish.ask_model:
            draft = await self._free.write(brief)
            why = draft.written.why_canned
            told = replace(draft.written, why_canned=None if why == NO_MODEL else why)
            return replace(draft, written=told)  # nobody wished for the model: it is at no fault
        async with self._one_at_a_time:  # or all of them would find the same money left
            return await self._paid(wish, brief)

    async def _paid(self, wish: PreviewWish, brief: Brief) -> Draft:
        """The model's words, where there is money left for them; what they cost is booked."""
        today = self._bot.rules.local(self._bot.world.now()).date()
        counters = self._bot.counters
        afford = (await counters.budget(today)).state is not BudgetState.SPENT
        draft = await self._asking.write(brief, afford=afford)
        if draft.written.requests:
            entry = Entry(
                at=self._bot.world.now(),
                kind=Kind.DROPPED,  # what was paid for and not sent, as a draft thrown away
                shop=wish.shop,
                purpose=wish.purpose,
                reason="preview",
                written=replace(draft.written, canned=False),
            )
            await counters.book((entry,), today)
        return draft

    def _is_models(self, brief: Brief) -> bool:
        return self._prompts.writes(brief) and self._prompts.own(brief, 0) is None
