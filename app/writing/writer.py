"""From a brief to a checked text: prompt, model, checks, one repair, then facts, then canned."""

from __future__ import annotations

import asyncio
import re
from contextlib import suppress

from msgspec import Struct
from msgspec.structs import replace

from app.domain.brief import Brief, Draft
from app.domain.conversation import Written, share
from app.domain.meaning import Concern, Mood, Topic
from app.domain.rules import MODEL_DOWN, Purpose
from app.errors import AiSellerError, StoreDown
from app.gateways.model import BREAKER_OPEN, TIMEOUT, Completion, Model
from app.log import get_logger
from app.store.texts import Texts
from app.writing.checks import Checked, checked, has_stop_hint, tidy
from app.writing.evidence import evidence_of
from app.writing.from_facts import FromFacts
from app.writing.likeness import names
from app.writing.links import links, plain
from app.writing.prompts import VERSION, Prompt, Prompts
from app.writing.reuse import kind_of, reused, template_of
from app.writing.used import used_in

_log = get_logger(__name__)

FIXED = "fixed"
"""``why_canned`` of a text that is never the model's."""

OWN = "own"
"""The prompt, and ``why_canned``, of what the seller has worded: it stands in for no model's."""

NO_MODEL = "no_model"
"""``why_canned`` where no model is set up; otherwise it is the failure's or the fault's code."""

BUDGET = "budget_spent"
"""``why_canned`` when the day's money for the model is spent."""

MODEL_UNAVAILABLE = "model_unavailable"
TEXT_REJECTED = "text_rejected"
WRITING_FAILED = "writing_failed"
MODEL_ASKED = "model_asked"
"""``needs_person``: one of these, ``BUDGET``, a concern, or the model's own words for why."""

REUSED = "reused"
"""The version of a prompt whose text was written for an equal brief before."""

SUGGESTED = "suggestion"
"""The prompt of what is suggested to a person."""


class _Text(Struct, frozen=True, kw_only=True):
    """A text on its way out. ``facts``: it was made of facts, without a model; ``prompt`` names
    what it was made by, where that is not the prompt of its purpose. ``checks`` are those the
    model's words passed, ``faults`` those that refused them.
    """

    text: str | None
    why: str | None = None
    person: str | None = None
    facts: bool = False
    prompt: str | None = None
    mood: Mood | None = None
    arm: str | None = None
    checks: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()


class Writer:
    """Writes what a brief asks for. Without a ``model`` everything is made of facts, or canned.

    ``small`` is a cheaper model for small jobs; ``texts``, where the seller allows it, what was
    written before and may be said again with another name and product. ``fallback``: a canned text
    when the model cannot; False: no text, a person is asked. ``patience``: seconds for both calls
    together.
    """

    def __init__(
        self,
        *,
        model: Model | None,
        prompts: Prompts,
        small: Model | None = None,
        texts: Texts | None = None,
        fallback: bool = True,
        patience: float = TIMEOUT,
    ) -> None:
        self._patience = patience
        self._model = model
        self._small = small or model
        self._prompts = prompts
        self._texts = texts
        self._fallback = fallback

    async def write(self, brief: Brief, *, afford: bool = True) -> Draft:
        """A draft whose text has passed the checks, or needs none, or is None for a person.

        ``afford``: whether there is money for the model. Raises nothing but what stops the task:
        even a fault of ours is only an error in the log, for a customer without an answer is worse
        off than one with a plain one.
        """
        brief = self._prompts.with_arm(brief)
        calls: list[Completion | None] = []
        try:
            return self._draft(brief, calls, await self._text(brief, calls, afford=afford))
        except Exception as error:  # noqa: BLE001 - see above: logged, and the customer answered
            _log.exception("writing_failed", purpose=brief.purpose, error=type(error).__name__)
        try:
            last = self._instead(brief, why=WRITING_FAILED, person=WRITING_FAILED)
            return self._draft(brief, calls, last)
        except Exception as error:  # noqa: BLE001 - the last resort: a person writes
            _log.exception("canned_failed", purpose=brief.purpose, error=type(error).__name__)
        return _drafted(brief, calls, _Text(text=None, why=WRITING_FAILED, person=WRITING_FAILED))

    async def suggest(self, brief: Brief, *, afford: bool = True) -> Draft | None:
        """What a person might answer: the small model's, checked, else what the facts hold.

        None when there is nothing to suggest. Raises nothing but what stops the task.
        """
        calls: list[Completion | None] = []
        passed: Checked | None = None
        try:
            if self._small is not None and afford and brief.messages_to_answer:
                prompt = self._prompts.suggestion(brief)
                said = await _said(self._small, prompt, calls)
                found = self._checked(said, brief, prompt)
                passed = None if found.faults else found
        except AiSellerError as error:
            _log_failure(brief, error)
        except Exception as error:  # noqa: BLE001 - a suggestion is a courtesy
            _log.exception("suggestion_failed", error=type(error).__name__)
        if passed is not None:
            suggested = _Text(text=passed.text, checks=passed.passed)
        else:
            suggested = _Text(text=FromFacts(self._prompts, brief, _variant(brief)).answer())
        suggested = replace(suggested, prompt=f"{SUGGESTED}/{VERSION}")
        draft = _drafted(brief, calls, suggested)
        return draft if draft.text or calls else None

    async def _text(self, brief: Brief, calls: list[Completion | None], *, afford: bool) -> _Text:
        own = self._prompts.own(brief, _variant(brief))
        if own is not None:
            return _Text(text=own, why=OWN, prompt=f"{OWN}/{brief.purpose}")
        if not self._prompts.writes(brief):
            facts = FromFacts(self._prompts, brief, _variant(brief))
            return _Text(text=facts.notice() or self._canned(brief), why=FIXED)
        if self._model is None:
            return self._instead(brief, why=NO_MODEL, person=MODEL_UNAVAILABLE)
        if not afford:
            return self._instead(brief, why=BUDGET, person=BUDGET)
        shared = await self._shared(brief)
        if shared is not None:
            passed = checked(shared, brief).passed
            prompt = f"{brief.purpose}/{REUSED}"
            return _Text(text=shared, prompt=prompt, arm=brief.arm, checks=passed)
        return await self._asked(self._model, brief, calls)

    async def _asked(self, model: Model, brief: Brief, calls: list[Completion | None]) -> _Text:
        """What the model writes, if it can and its text passes; else what stands in for it."""
        try:
            said = await self._ask(model, brief, calls)
        except AiSellerError as error:
            _log_failure(brief, error)
            why = error.code or type(error).__name__
            return self._instead(brief, why=why, person=MODEL_UNAVAILABLE)
        if said.faults:
            codes = tuple(dict.fromkeys(fault.code for fault in said.faults))
            _log.warning("text_rejected", purpose=brief.purpose, code=codes[0])
            person = _wish(calls) or TEXT_REJECTED
            return replace(self._instead(brief, why=codes[0], person=person), faults=codes)
        await self._share(said.text, brief)
        mood = _mood(brief, calls)
        unhappy = Concern.COMPLAINT if mood is Mood.BAD else None
        return _Text(
            text=said.text,
            person=unhappy or _wish(calls),
            mood=mood,
            arm=brief.arm,
            checks=said.passed,
        )

    # -- texts that equal first messages share

    async def _shared(self, brief: Brief) -> str | None:
        """A text that was written for an equal brief; None when the model is to write one."""
        if self._texts is None or not brief.purpose.proactive:
            return None
        try:
            return reused(await self._texts.some(kind_of(brief)), brief)
        except StoreDown:
            return None

    async def _share(self, text: str, brief: Brief) -> None:
        """Keep a checked text for equal briefs, if nothing in it is this customer's alone."""
        if self._texts is None or not brief.purpose.proactive:
            return
        template = template_of(text, brief)
        if template is not None:
            with suppress(StoreDown):
                await self._texts.remember(kind_of(brief), template)

    # -- the model

    async def _ask(self, model: Model, brief: Brief, calls: list[Completion | None]) -> Checked:
        """The model's text, repaired once if need be; with its faults when that did not help.

        A repair gets what the first call has left of the customer's patience.
        """
        deadline = asyncio.get_running_loop().time() + self._patience
        prompt = self._prompts.render(brief)
        first = self._checked(await _said(model, prompt, calls), brief, prompt)
        if not first.faults:
            return first
        again = self._prompts.repair(brief, first.text, first.faults)
        try:
            async with asyncio.timeout_at(deadline):
                text = await _said(model, again, calls)
        except TimeoutError:
            return first
        return self._checked(text, brief, prompt)

    def _checked(self, text: str, brief: Brief, prompt: Prompt) -> Checked:
        return checked(text, brief, secrets=(prompt.system,))

    def _instead(self, brief: Brief, *, why: str, person: str) -> _Text:
        """What the facts hold, or else the canned text; and who should look at it.

        A customer who asked and got neither is owed a person; so is one whose answer could not be
        trusted twice, or while the model is down for long.
        """
        asked = brief.purpose is Purpose.REPLY
        if not self._fallback:
            return _Text(text=None, why=why, person=person)
        answer = FromFacts(self._prompts, brief, _variant(brief)).answer() if asked else None
        if answer is None:
            return _Text(text=self._canned(brief), why=why, person=person if asked else None)
        trusted = person in (MODEL_UNAVAILABLE, BUDGET) and not self._is_long_down()
        looked_at = not trusted and brief.mood is not Mood.GOOD
        return _Text(text=answer, why=why, person=person if looked_at else None, facts=True)

    def _is_long_down(self) -> bool:
        model = self._model
        return model is not None and model.breaker.failing_for > MODEL_DOWN.total_seconds()

    def _canned(self, brief: Brief) -> str:
        return self._prompts.canned(brief, _variant(brief))

    # -- the last words

    def _draft(self, brief: Brief, calls: list[Completion | None], text: _Text) -> Draft:
        """``text`` with what the program itself adds: who writes, how to stop it, the link to a
        review or to where the order is, and that a person was called.
        """
        if text.text is None:
            return _drafted(brief, calls, text)
        facts = FromFacts(self._prompts, brief, _variant(brief))
        lines = [text.text]
        called = text.person is not None and text.why is None and not brief.person_called
        if called and not _speaks_of_seller(text.text):
            lines.append(facts.hand_off())
        reviewed = None if text.person else _review(brief, text)
        if reviewed is not None:
            lines.append(facts.review_line())
        if brief.tracking_link is not None and brief.tracking_link not in text.text:
            lines.append(facts.tracking_line() or "")
        if brief.ask_stop:
            lines.append(facts.stop_question())
        if brief.opener and brief.purpose.proactive:
            lines.append(self._ending(text.text, brief))
        whole = replace(text, text="\n".join(line for line in lines if line))
        tells = _speaks_of_seller(whole.text or "")
        drafted = _drafted(brief, calls, whole)
        return replace(drafted, reviewed=reviewed, tells=tells, mood=text.mood, faults=text.faults)

    def _ending(self, text: str, brief: Brief) -> str:
        """In a first message of ours who writes and how to stop it."""
        ending = [
            "" if names(brief.shop, text, every=True) else self._prompts.signature(brief),
            "" if has_stop_hint(text) else self._prompts.stop_hint(brief, _variant(brief)),
        ]
        return " ".join(filter(None, ending))


def _review(brief: Brief, text: _Text) -> str | None:
    """The order whose review link goes with the text: to who is happy when asked, and to who asks
    for it. A link is sent only once the customer has answered.
    """
    if brief.review_order is None:
        return None
    if brief.purpose is Purpose.REVIEW_REQUEST:
        return brief.review_order if brief.review_link else None
    happy = brief.asked and (brief.mood or text.mood) is Mood.GOOD
    wanted = happy or Topic.REVIEW in brief.topics
    return brief.review_order if wanted and brief.purpose is Purpose.REPLY else None


_UNFIT = re.compile(r"[<>{}\[\]\\|@]|\d{4}")
_SELLER = ("продав", "менеджер", "сатушы", "seller", "colleague", "коллег", "сотрудник")


def _speaks_of_seller(text: str) -> bool:
    """Whether a text says that somebody else will answer."""
    return any(word in text.casefold() for word in _SELLER)


def _mood(brief: Brief, calls: list[Completion | None]) -> Mood | None:
    """How the customer is, by the rules, or where they cannot tell by the model, if we asked."""
    if brief.mood is not None or not brief.asked:
        return brief.mood
    moods = [call.mood for call in calls if call]
    return moods[-1] if moods else None


async def _said(model: Model, prompt: Prompt, calls: list[Completion | None]) -> str:
    """The model's text; a request that failed is a None among the ``calls``."""
    try:
        completion = await model.complete(prompt.system, prompt.user)
    except AiSellerError as error:
        if error.code != BREAKER_OPEN:
            calls.append(None)
        raise
    calls.append(completion)
    return tidy(completion.text)


def _variant(brief: Brief) -> float:
    """Which wording: a hash of the facts, so that a replay says the same."""
    codes = [order.code for order in brief.orders]
    return share(
        "wording",
        brief.canned or brief.purpose,
        brief.shop,
        brief.customer_name or "",
        *codes,
        *brief.messages_to_answer,
    )


def _wish(calls: list[Completion | None]) -> str | None:
    """Why the model wants a person here, if it does: what it once saw, a repair does not undo."""
    asking = next((call for call in calls if call and call.needs_person), None)
    return _worth_showing(asking.reason) if asking else None


def _worth_showing(reason: str) -> str:
    """The model's words for why, unless a customer may have put a link or a number into them."""
    words, read = " ".join(reason.split()), plain(reason)
    unfit = links(read) or _UNFIT.search(read)
    return MODEL_ASKED if unfit or not words else words


def _drafted(brief: Brief, calls: list[Completion | None], text: _Text) -> Draft:
    """The draft, with what all ``calls`` together have cost."""
    answers = [call for call in calls if call]
    name = "facts" if text.facts else brief.canned or brief.purpose
    version = brief.arm if name == brief.purpose else VERSION
    plain_text = text.why is not None and not text.facts
    proof = evidence_of(text.text, brief) if text.text else ()
    written = Written(
        prompt=text.prompt or f"{name}/{version}",
        canned=text.text is not None and text.why not in (None, OWN),
        model=answers[-1].model if answers else None,
        requests=len(calls),
        tokens_in=sum(call.tokens_in for call in answers),
        tokens_out=sum(call.tokens_out for call in answers),
        cost=sum(call.cost for call in answers),
        why_canned=text.why,
        evidence=tuple(f"{found.figure} ← {found.source}" for found in proof),
        checks=text.checks,
        used=used_in(brief, plain=plain_text) if text.text and text.why != FIXED else (),
        arm=text.arm,
    )
    return Draft(text=text.text, language=brief.language, written=written, needs_person=text.person)


def _log_failure(brief: Brief, error: AiSellerError) -> None:
    """A failure somebody must mend is an error; what passes, or is one text's, a warning."""
    log = _log.error if error.code == "config" else _log.warning
    log("model_failed", purpose=brief.purpose, code=error.code, reason=error.reason)
