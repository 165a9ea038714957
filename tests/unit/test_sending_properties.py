"""A whole life, played without a store: facts, decisions, sends and what comes of them.

Whatever happens and in whatever order: nothing goes twice, too often, at night, after a stop or out
of order, and no question is silently lost.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from app.domain.brief import Draft
from app.domain.conversation import (
    Author,
    Conversation,
    Entry,
    Folded,
    Kind,
    Message,
    Owner,
    Status,
    Written,
    derive_id,
    given_up,
)
from app.domain.decide import (
    decide,
    next_wake,
    overtaken,
    spoken,
    unspoken,
    withdrawn,
    written_over,
)
from app.domain.events import (
    Act,
    AnyEvent,
    CustomerWrote,
    Language,
    OperatorActed,
    Receipt,
    Stage,
)
from app.domain.fold import fold
from app.domain.policy import Allow, Deny, Verdict, may_speak, owner_at, quiet_until
from app.domain.rules import Purpose, Reason, Rules
from app.domain.sending import (
    due_texts,
    failed,
    held,
    later,
    look_later,
    not_seen,
    sending_of,
    tried,
    unclear,
    untried,
    went,
)
from app.domain.session import Session
from app.domain.view import waiting
from tests.builders import NOON, RULES, acted, after, left, ordered, person, receipt, wrote
from tests.strategies import PROVING, rules

SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)
CANNED = Written(prompt="reply/v1", canned=True)
OUTCOMES = {
    "went": True, "later": False, "unclear": True, "lost": False, "taken": True, "died": True,
    "died before": False, "refused": False, "line": False,
}  # fmt: skip
"""What may come of a POST, and whether the message went."""


@dataclass
class Sent:
    """A message handed to WhatsApp under the name it has there, which went or did not."""

    id: str
    name: str
    at: datetime
    purpose: Purpose | None
    went: bool


@dataclass
class Life:
    """One person's chat, the shop's clock and line, and what WhatsApp really got."""

    rules: Rules
    takes_names: bool
    dice: Random = field(default_factory=lambda: Random(0))
    now: datetime = NOON
    talked: Conversation = field(default_factory=person)
    up: bool = True
    up_since: datetime | None = None
    facts: int = 0
    sent: list[Sent] = field(default_factory=list)
    created: list[str] = field(default_factory=list)
    replayed: set[str] = field(default_factory=set)
    journal: list[Entry] = field(default_factory=list)
    asked: set[str] = field(default_factory=set)
    handed: set[str] = field(default_factory=set)
    answers: dict[str, set[str]] = field(default_factory=dict)

    def keep(self, folded: Folded) -> None:
        """The chat goes on from here."""
        self.talked, entries = folded
        self.journal.extend(entries)
        for message in self.talked.unsettled:
            if message.id not in self.created:
                self.created.append(message.id)
        for pending in self.talked.pending:
            self.answers.setdefault(pending.id, set()).update(pending.answers)
        if any(entry.kind in {Kind.PERSON_CALLED, Kind.TAKEN_OVER} for entry in entries):
            self.handed |= self.asked
        if self.talked.needs_person is not None:  # somebody looks at this chat already
            expired = [e.message for e in entries if e.reason == Reason.EXPIRED and e.message]
            self.handed.update(*(self.answers.get(id_, ()) for id_ in expired))

    def told(self, event: AnyEvent) -> None:
        asked = None
        if isinstance(event, CustomerWrote) and event.text.endswith("?"):
            asked = derive_id("in", event.session, event.message)
            self.asked.add(asked)
        if isinstance(event, OperatorActed) and event.act is Act.REPLAY and event.message:
            self.replayed.add(event.message)
        self.keep(fold(self.talked, event, now=self.now, rules=self.rules))
        waits = any(asked in pending.answers for pending in self.talked.pending)
        if asked and not waits and self.talked.needs_person is not None:
            self.handed.add(asked)  # somebody is to look at this chat already

    def happens_by_chance(self, chance: float) -> bool:
        return self.dice.random() < chance

    # --- what happens -------------------------------------------------------------------------

    def step(self, seed: int) -> None:
        """Something happens, or time passes, or the line breaks; then there is a turn, or not."""
        self.dice = Random(seed)
        self.dice.choice([self.fact, self.fact, self.time_passes, self.line_changes])()
        if self.happens_by_chance(0.8):
            self.turn()

    def time_passes(self) -> None:
        wake = next_wake(self.talked)
        self.now += self.dice.choice([SECOND, 5 * SECOND, 70 * SECOND, HOUR, 9 * HOUR])
        if wake is not None and self.happens_by_chance(0.5):
            self.now = max(self.now, wake)

    def line_changes(self) -> None:
        was_up, self.up = self.up, self.happens_by_chance(0.7)
        if self.up and not was_up:
            self.up_since = self.now

    def fact(self) -> None:
        self.facts += 1
        happens: list[Callable[[], AnyEvent]] = [
            *[self.writes] * 6, self.orders, self.orders, self.acts, self.echoes, self.echoes,
            self.is_acknowledged,
        ]  # fmt: skip
        self.told(self.dice.choice(happens)())

    def writes(self) -> AnyEvent:
        text = self.dice.choice(["Где заказ?", "Есть M?", "А L?", "А XL?", "стоп", "старт"])
        delay = timedelta(minutes=self.dice.choice([0, 0, 0, 0, 0, 0, 3, 400]))
        return wrote(text, f"IN{self.facts}", at=self.now - delay)

    def orders(self) -> AnyEvent:
        stages = [Stage.PAID, Stage.DELIVERED, Stage.DELIVERED, Stage.CANCELLED]
        return ordered(self.dice.choice(stages), f"9120000{self.dice.randrange(9)}")

    def acts(self) -> AnyEvent:
        ended = [m.id for m in self.talked.messages if given_up(m)]
        waits = [w.id for w in waiting(self.talked)]
        choice = [Act.TAKE_OVER, Act.HAND_BACK, Act.SAY, Act.SAY, Act.OPT_OUT, Act.OPT_IN]
        choice += [Act.REPLAY] * 3 * len(ended) + [Act.CANCEL, Act.SEND_NOW] * len(waits)
        act = self.dice.choice(choice)
        among = waits if act in {Act.CANCEL, Act.SEND_NOW} else ended
        return acted(
            act,
            f"Слова {self.facts}",
            id_=f"op{self.facts}",
            message=self.dice.choice(among) if among else None,
            at=self.now,
        )

    def echoes(self) -> AnyEvent:
        """Something that really went is seen again; or a person speaks from the phone."""
        seen = [sent for sent in self.sent if sent.went and self.talked.message(sent.id)]
        if not seen or self.happens_by_chance(0.1):
            return left(f"Это Ерлан {self.facts}", f"PHONE{self.facts}", at=self.now)
        return self.echo_of(self.dice.choice(seen))

    def echo_of(self, sent: Sent) -> AnyEvent:
        message = self.talked.message(sent.id)
        return left(message.text if message else "", sent.name, at=sent.at)

    def is_acknowledged(self) -> AnyEvent:
        names = [sent.name for sent in self.sent if sent.went]
        kinds = [Receipt.ACCEPTED, Receipt.DELIVERED, Receipt.READ]
        return receipt(self.dice.choice(kinds), self.dice.choice([*names, "WHAT"]))

    # --- a turn -------------------------------------------------------------------------------

    def turn(self) -> None:
        for _ in range(60):
            if not self.writes_next() and not self.sends_next():
                return
        raise AssertionError("a turn does not come to its end")

    def writes_next(self) -> bool:
        decision = decide(self.talked, now=self.now, rules=self.rules, sessions=self.sessions)
        self.keep((decision.conversation, decision.entries))
        if decision.write is None:
            return False
        write, now = decision.write, self.now
        if self.happens_by_chance(0.4):
            self.fact()
            instead = overtaken(
                self.talked, write, now=now, rules=self.rules, sessions=self.sessions
            )
            if instead is not None:
                self.keep((instead, ()))
                return True
        draft = Draft(text=f"Ответ {write.pending.id}", language=Language.RU, written=CANNED)
        self.keep(spoken(self.talked, write.pending, draft, now=now, rules=self.rules))
        return True

    @property
    def sessions(self) -> dict[str, Session]:
        return {"default": Session(name="default", status="WORKING" if self.up else "FAILED")}

    def sends_next(self) -> bool:
        before = self.talked
        for message in due_texts(self.talked, self.now):
            self.goes_on(message)
            if self.talked != before:
                return True
        return False

    def goes_on(self, message: Message) -> None:
        if message.status is Status.UNCERTAIN:
            self.looks_for(message)
        elif sending_of(message).tried_at is not None:
            self.keep(unclear(self.talked, message, reason="interrupted", now=self.now))
        else:
            self.sends(message)

    def looks_for(self, message: Message) -> None:
        mine = next(sent for sent in reversed(self.sent) if sent.id == message.id)
        now = self.now
        if not self.up:
            self.keep(held(self.talked, message, now=now))
        elif self.happens_by_chance(0.2):
            self.keep(look_later(self.talked, message, now=now))
        elif mine.went and self.happens_by_chance(0.7):
            self.told(self.echo_of(mine))
        else:
            unknowable = mine.went or self.happens_by_chance(0.2)
            unseen = not_seen(
                self.talked,
                message,
                knowable=not unknowable,
                works_since=self.up_since,
                now=now,
                rules=self.rules,
            )
            self.keep(unseen)

    def sends(self, message: Message) -> None:
        question = written_over(self.talked, message)
        if question is not None:
            self.keep(withdrawn(self.talked, message, question, now=self.now))
            return
        verdict = self.last_look(message)
        if isinstance(verdict, Allow):
            self.posts(message)
        elif verdict.reason is Reason.SESSION_DOWN:
            self.keep(held(self.talked, message, now=self.now))
        elif message.author is Author.PERSON:
            self.keep(failed(self.talked, message, reason=verdict.reason, now=self.now))
        else:
            self.keep(unspoken(self.talked, message, verdict, now=self.now))

    def last_look(self, message: Message) -> Verdict:
        if self.now > sending_of(message).expires_at:
            return Deny(reason=Reason.EXPIRED)
        if message.purpose is None:
            return Allow() if self.up else Deny(reason=Reason.SESSION_DOWN)
        return may_speak(
            self.talked,
            message.purpose,
            now=self.now,
            rules=self.rules,
            order_code=message.order_code,
            ignoring=message.id,
            session=self.sessions["default"],
        )

    def posts(self, message: Message) -> None:
        self.may_be_sent(message)
        wanted = f"WA{message.id}"
        name = wanted if self.takes_names else f"HERS{len(self.sent)}"
        self.talked = tried(self.talked, message, short_id=wanted, now=self.now)
        outcome = self.dice.choice(["went", "went", "went", *OUTCOMES])
        self.sent.append(Sent(message.id, name, self.now, message.purpose, OUTCOMES[outcome]))
        self.came_of_it(outcome, message.id, name)

    def came_of_it(self, outcome: str, id_: str, name: str) -> None:
        talked, now = self.talked, self.now
        current = talked.message(id_)
        assert current is not None
        if outcome == "went":
            self.keep(went(talked, current, short_id=name, now=now))
        elif outcome == "later":
            self.keep(later(talked, current, reason="busy", now=now))
        elif outcome in {"unclear", "lost", "taken"}:
            taken = outcome == "taken"
            self.keep(unclear(talked, current, reason="timeout", now=now, taken=taken))
        elif outcome == "refused":
            self.keep(failed(talked, current, reason="refused", now=now))
        elif outcome == "line":
            self.up = False
            self.keep(untried(talked, current))

    # --- what must hold -----------------------------------------------------------------------

    def may_be_sent(self, message: Message) -> None:
        """Asserted just before the POST, by what WhatsApp really got."""
        certain = [sent for sent in self.sent if sent.went]
        assert message.id not in {sent.id for sent in certain}, "sent twice"
        purpose = message.purpose
        if purpose is None or not purpose.proactive:
            assert self.before(message) == [], "out of order"
        if purpose is not None and not purpose.proactive:
            assert owner_at(self.talked, self.now, self.rules) is Owner.BOT
        if purpose is None or not purpose.proactive:
            return
        dropped = {e.message for e in self.journal if e.reason == Reason.CANCELLED}
        assert message.id not in dropped, "cancelled"
        assert self.talked.opt_out is None
        assert quiet_until(self.talked.chat, self.now, self.rules) is None
        started = [sent.at for sent in certain if sent.purpose and sent.purpose.proactive]
        window = self.rules.messages_window
        counted = [at for at in started if window is None or at > self.now - window]
        assert len(counted) < self.rules.max_messages
        assert all(self.now - at >= self.rules.cooldown for at in started)

    def before(self, message: Message) -> list[str]:
        """Words that were written before and are not out yet; a person's wait for a person's only.

        A replay is a case of its own.
        """
        open_ = {
            m.id
            for m in self.talked.unsettled
            if m.author is Author.PERSON
            or (message.author is Author.BOT and not (m.purpose and m.purpose.proactive))
        }
        first = self.created[: self.created.index(message.id)]
        return [id_ for id_ in first if id_ in open_ and id_ not in self.replayed]

    def ends(self) -> None:
        """Nothing more happens; what waits is worked off."""
        for _ in range(300):
            self.up = True
            self.turn()
            wake = next_wake(self.talked)
            if wake is None:
                return
            self.now = max(self.now + SECOND, wake)
        raise AssertionError("what waits is never worked off")

    def lost(self) -> set[str]:
        """Questions of which nobody can see what became of them."""
        told: dict[str | None, list[Entry]] = {}
        for entry in self.journal:
            told.setdefault(entry.message, []).append(entry)
        settled = {id_ for id_ in self.answers if any(map(_settles, told.get(id_, ())))}
        seen = {answer for id_ in settled for answer in self.answers[id_]}
        return self.asked - self.handed - seen - self.answered_meanwhile()

    def answered_meanwhile(self) -> set[str]:
        """What came so late that a later word of ours was there first."""
        said = [m.at for m in self.talked.messages if m.author is not Author.CUSTOMER]
        late = [e for e in self.journal if e.kind is Kind.RECEIVED and e.message in self.asked]
        heard = {e.message: e.at for e in late}
        asked = {id_: self.talked.message(id_) for id_ in self.asked}
        return {
            id_
            for id_, message in asked.items()
            if message and any(message.at < at <= heard[id_] for at in said)
        }


def _settles(entry: Entry) -> bool:
    if entry.kind is Kind.DROPPED:
        return entry.reason not in {"written_over", Reason.EXPIRED}
    return entry.kind in {Kind.SENT, Kind.FAILED} or entry.reason == "unconfirmed"


LIVES = settings(PROVING, max_examples=400)
STEPS = st.lists(st.integers(0, 10**6), min_size=5, max_size=40)


@LIVES
@given(STEPS, rules(), st.booleans())
def test_whatever_happens_the_limits_are_kept_and_no_question_is_lost(
    steps: list[int], seller: Rules, takes_names: bool
) -> None:
    life = Life(rules=replace(seller, enabled=True), takes_names=takes_names)
    for seed in steps:
        life.step(seed)
    life.ends()
    assert life.lost() == set()


# --- what was found this way ------------------------------------------------------------------


def test_two_texts_of_one_moment_go_in_the_order_they_were_written_in() -> None:
    first, second = acted(Act.SAY, "Раз", id_="op1"), acted(Act.SAY, "Два", id_="op2")
    talked = after(first, second)
    head = talked.unsettled[0]
    assert head.text == "Раз"
    talked = tried(talked, head, short_id="WA1", now=NOON)
    talked, _ = later(talked, talked.unsettled[0], reason="busy", now=NOON)
    assert [message.text for message in talked.unsettled] == ["Раз", "Два"]
    assert due_texts(talked, NOON) == ()


def test_a_customer_who_writes_on_and_on_while_the_bot_writes_gets_the_third_draft() -> None:
    talked, drafts = after(wrote("Где заказ?", "IN0")), 0
    now = NOON + RULES.debounce_max
    for place in range(1, 9):
        write = decide(talked, now=now, rules=RULES, sessions={}).write
        assert write is not None
        drafts += 1
        talked = after(wrote("И ещё?", f"IN{place}", at=now), conversation=talked, now=now)
        instead = overtaken(talked, write, now=now, rules=RULES, sessions={})
        if instead is None:
            break
        talked = instead
        now += SECOND
    assert drafts == 3
