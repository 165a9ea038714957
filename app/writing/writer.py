"""From a brief to a checked text: prompt, model, checks, one repair, and canned text at last."""

from __future__ import annotations

import asyncio

from app.domain.brief import Brief, Draft
from app.domain.conversation import Written, share
from app.domain.rules import Purpose
from app.errors import AiSellerError
from app.gateways.model import BREAKER_OPEN, TIMEOUT, Completion, Model
from app.log import get_logger
from app.writing.checks import Fault, check, has_stop_hint, names, tidy
from app.writing.prompts import VERSION, Prompt, Prompts

_log = get_logger(__name__)

FIXED = "fixed"
"""``why_canned`` of a text that is never the model's."""

NO_MODEL = "no_model"
"""``why_canned`` where no model is set up; otherwise it is the failure's or the fault's code."""

MODEL_UNAVAILABLE = "model_unavailable"
TEXT_REJECTED = "text_rejected"
WRITING_FAILED = "writing_failed"
MODEL_ASKED = "model_asked"
"""``needs_person``: one of these, or the model's own words for why."""


class Writer:
    """Writes what a brief asks for. Without a ``model`` everything is canned.

    ``fallback``: a canned text when the model cannot; False: no text, a person is asked.
    ``patience``: seconds for both calls together.
    """

    def __init__(
        self,
        *,
        model: Model | None,
        prompts: Prompts,
        fallback: bool = True,
        patience: float = TIMEOUT,
    ) -> None:
        self._patience = patience
        self._model = model
        self._prompts = prompts
        self._fallback = fallback

    async def write(self, brief: Brief) -> Draft:
        """A draft whose text has passed the checks, or is canned, or is None for a person.

        Raises nothing but what stops the task: even a fault of ours is only an error in the log,
        for a customer without an answer is worse off than one with a plain one.
        """
        calls: list[Completion | None] = []
        try:
            return await self._write(brief, calls)
        except Exception as error:  # noqa: BLE001 - see above: logged, and the customer answered
            _log.exception("writing_failed", purpose=brief.purpose, error=type(error).__name__)
        try:
            return self._instead(brief, calls, why=WRITING_FAILED, person=WRITING_FAILED)
        except Exception as error:  # noqa: BLE001 - the last resort: a person writes
            _log.exception("canned_failed", purpose=brief.purpose, error=type(error).__name__)
        return _draft(brief, calls, why=WRITING_FAILED, person=WRITING_FAILED)

    async def _write(self, brief: Brief, calls: list[Completion | None]) -> Draft:
        if not self._prompts.writes(brief):
            return _draft(brief, calls, text=self._canned(brief), why=FIXED)
        if self._model is None:
            return self._instead(brief, calls, why=NO_MODEL, person=MODEL_UNAVAILABLE)
        try:
            text = await self._ask(self._model, brief, calls)
        except AiSellerError as error:
            _log_failure(brief, error)
            why = error.code or type(error).__name__
            return self._instead(brief, calls, why=why, person=MODEL_UNAVAILABLE)
        if isinstance(text, Fault):
            _log.warning("text_rejected", purpose=brief.purpose, code=text.code)
            person = _wish(calls) or TEXT_REJECTED
            return self._instead(brief, calls, why=text.code, person=person)
        return _draft(brief, calls, text=self._finished(text, brief), person=_wish(calls))

    async def _ask(self, model: Model, brief: Brief, calls: list[Completion | None]) -> str | Fault:
        """The model's text, repaired once if need be; the first fault when that did not help.

        A repair gets what the first call has left of the customer's patience.
        """
        deadline = asyncio.get_running_loop().time() + self._patience
        text = await _said(model, self._prompts.render(brief), calls)
        faults = check(text, brief)
        if not faults:
            return text
        try:
            async with asyncio.timeout_at(deadline):
                text = await _said(model, self._prompts.repair(brief, text, faults), calls)
        except TimeoutError:
            return faults[0]
        still = check(text, brief)
        return still[0] if still else text

    def _instead(
        self, brief: Brief, calls: list[Completion | None], *, why: str, person: str
    ) -> Draft:
        """The canned text. A customer who has asked something is owed a person as well."""
        if not self._fallback:
            return _draft(brief, calls, why=why, person=person)
        asked = brief.purpose is Purpose.REPLY
        return _draft(
            brief, calls, text=self._canned(brief), why=why, person=person if asked else None
        )

    def _canned(self, brief: Brief) -> str:
        return self._finished(self._prompts.canned(brief, _variant(brief)), brief)

    def _finished(self, text: str, brief: Brief) -> str:
        """``text``, and in a first message of ours who writes and how to stop it."""
        if not (brief.opener and brief.purpose.proactive):
            return text
        ending = [
            "" if names(brief.shop, text, every=True) else self._prompts.signature(brief),
            "" if has_stop_hint(text) else self._prompts.stop_hint(brief, _variant(brief)),
        ]
        return "\n".join(line for line in (text, " ".join(filter(None, ending))) if line)


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
    return (asking.reason.strip() or MODEL_ASKED) if asking else None


def _draft(
    brief: Brief,
    calls: list[Completion | None],
    *,
    text: str | None = None,
    why: str | None = None,
    person: str | None = None,
) -> Draft:
    """The draft, with what all ``calls`` together have cost."""
    answers = [call for call in calls if call]
    written = Written(
        prompt=f"{brief.canned or brief.purpose}/{VERSION}",
        canned=text is not None and why is not None,
        model=answers[-1].model if answers else None,
        requests=len(calls),
        tokens_in=sum(call.tokens_in for call in answers),
        tokens_out=sum(call.tokens_out for call in answers),
        cost=sum(call.cost for call in answers),
        why_canned=why,
    )
    return Draft(text=text, language=brief.language, written=written, needs_person=person)


def _log_failure(brief: Brief, error: AiSellerError) -> None:
    """A failure somebody must mend is an error; what passes, or is one text's, a warning."""
    log = _log.error if error.code == "config" else _log.warning
    log("model_failed", purpose=brief.purpose, code=error.code, reason=error.reason)
