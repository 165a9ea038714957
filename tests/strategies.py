"""Strategies: whatever may happen to one person, in any order, at any time, under any rules.

Everything is drawn from small pools, so that what is drawn meets what is there.
"""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import TypeVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from app.domain.conversation import (
    Author,
    Conversation,
    Message,
    NeedsPerson,
    OptOut,
    Owner,
    Pending,
    Proactive,
    Sending,
    Status,
    Written,
    derive_id,
)
from app.domain.events import (
    Act,
    AnyEvent,
    CustomerCalled,
    CustomerEdited,
    CustomerReacted,
    CustomerRevoked,
    CustomerWrote,
    LeftOurNumber,
    Media,
    OperatorActed,
    Order,
    OrderChanged,
    Receipt,
    ReceiptCame,
    Stage,
)
from app.domain.fold import fold_all
from app.domain.rules import Purpose, Reason, Rules, Shop
from tests.builders import NOON, person

Drawn = TypeVar("Drawn")

PROVING = settings(
    max_examples=60,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
        HealthCheck.function_scoped_fixture,
    ],
)
"""The same examples in every run; a new one that fails is worth an example of its own."""

STOPS = ("стоп", "СТОП!", "не пишите мне больше", "unsubscribe")
STARTS = ("старт", "Start!")
TALK = ("Где мой заказ?", "Есть размер M?", "спасибо", "Қашан келеді?", "стоп, а цена?", "👍", "")
LONG = "Почему так долго? " * 300
OURS = ("Здравствуйте!", "Спасибо за заказ.", "Ваш заказ в пути.")
CODES = ("912000001", "912000002", "912000003")
SHOPS = (
    Shop(id="default", name="Первый", session="default"),
    Shop(id="second", name="Второй", session="second"),
)
SESSIONS = ("default", "second", "gone")
PLACES = range(6)
"""How many messages of either side are spoken of."""


def spans(
    shortest: timedelta = timedelta(), longest: timedelta = timedelta(days=3)
) -> st.SearchStrategy[timedelta]:
    """A stretch of time, often a round one."""
    round_ones = [
        timedelta(minutes=m) for m in (0, 1, 5, 60, 239, 240, 241, 359, 361, 1439, 1440, 2880)
    ]
    within = [span for span in round_ones if shortest <= span <= longest]
    return st.one_of(
        st.sampled_from(within or [shortest]),
        st.integers(round(shortest.total_seconds()), round(longest.total_seconds())).map(
            lambda seconds: timedelta(seconds=seconds)
        ),
    )


def moments(
    before: timedelta = timedelta(hours=9), after: timedelta = timedelta(days=3)
) -> st.SearchStrategy[datetime]:
    """A time around noon."""
    return spans(-before, after).map(lambda span: NOON + span)


def maybe(strategy: st.SearchStrategy[Drawn]) -> st.SearchStrategy[Drawn | None]:
    """It, or nothing."""
    return st.none() | strategy


@st.composite
def rules(draw: st.DrawFn) -> Rules:
    """What a seller may set, from nothing to much; open for at least an hour a day."""
    hours = st.sampled_from(
        [None, (time(21), time(9)), (time(0), time(8)), (time(13), time(15)), (time(9), time(8))]
    )
    days = st.sampled_from([1, 7, 30])
    return Rules(
        shops=draw(st.sampled_from([SHOPS[:1], SHOPS])),
        enabled=draw(st.sampled_from([True, True, True, False])),
        max_messages=draw(st.integers(0, 4)),
        messages_window=draw(maybe(days.map(lambda number: timedelta(days=number)))),
        cooldown=draw(spans()),
        quiet_hours=draw(hours),
        timezone=draw(st.sampled_from(["Asia/Almaty", "Asia/Aqtau", "UTC"])),
        handoff=draw(spans(timedelta(minutes=1), timedelta(hours=8))),
    )


# --- facts ------------------------------------------------------------------------------------

texts = st.one_of(
    st.sampled_from((*STOPS, *STARTS, *TALK, LONG)), st.text(max_size=12), st.sampled_from(TALK)
)


@st.composite
def wrotes(draw: st.DrawFn, *, place: int | None = None) -> CustomerWrote:
    """A customer's message, at its own time, maybe long ago."""
    where = draw(st.sampled_from(PLACES)) if place is None else place
    at = draw(moments(after=timedelta(hours=9)))
    return CustomerWrote(
        id=f"waha:in:{where}",
        at=at,
        received_at=at,
        message=f"IN{where}",
        wire_id=f"false_77051234567@c.us_IN{where}",
        session=draw(st.sampled_from(SESSIONS)),
        text=draw(texts),
        media=draw(maybe(st.sampled_from(Media))),
        name=draw(st.sampled_from([None, "Айгерим", "None"])),
    )


@st.composite
def changes(draw: st.DrawFn) -> AnyEvent:
    """What a customer does beside writing."""
    at = draw(moments())
    message = draw(
        st.sampled_from([f"{side}{place}" for side in ("IN", "OUT") for place in PLACES])
    )
    session, text = draw(st.sampled_from(SESSIONS)), draw(texts)
    id_ = f"{message}:{at.isoformat()}"
    done: list[AnyEvent] = [
        CustomerEdited(
            id=f"edit:{id_}:{derive_id(text)}",
            at=at,
            received_at=at,
            message=message,
            session=session,
            text=text,
        ),
        CustomerRevoked(
            id=f"revoke:{id_}", at=at, received_at=at, message=message, session=session
        ),
        CustomerReacted(
            id=f"react:{id_}", at=at, received_at=at, message=message, session=session, emoji="👍"
        ),
        CustomerCalled(id=f"call:{id_}", at=at, received_at=at, session=session),
    ]
    return draw(st.sampled_from(done))


@st.composite
def lefts(draw: st.DrawFn) -> LeftOurNumber:
    """Something left our number: ours, or a person's on the phone."""
    message = draw(st.sampled_from([f"OUT{place}" for place in PLACES] + ["PHONE1", "PHONE2"]))
    at = draw(moments())
    return LeftOurNumber(
        id=f"waha:out:{message}",
        at=at,
        received_at=at,
        message=message,
        session=draw(st.sampled_from(SESSIONS)),
        text=draw(st.sampled_from((*OURS, "Это Ерлан, сейчас посмотрю", ""))),
        by_api=draw(st.booleans()),
    )


@st.composite
def receipts(draw: st.DrawFn) -> ReceiptCame:
    """How far a message got, also one nobody knows."""
    message = draw(st.sampled_from([f"OUT{place}" for place in PLACES] + ["IN0", "WHAT"]))
    receipt = draw(st.sampled_from(Receipt))
    return ReceiptCame(
        id=f"ack:{message}:{receipt}",
        at=NOON,
        received_at=NOON,
        message=message,
        receipt=receipt,
        reason="refused" if receipt is Receipt.FAILED else None,
    )


@st.composite
def orders(draw: st.DrawFn, *, codes: tuple[str, ...] = CODES) -> Order:
    """One of a few orders, in any stage."""
    return Order(
        code=draw(st.sampled_from(codes)),
        shop=draw(st.sampled_from(["default", "second"])),
        stage=draw(st.sampled_from(Stage)),
        created_at=draw(
            st.sampled_from([None, NOON - timedelta(days=1), NOON - timedelta(days=90)])
        ),
    )


@st.composite
def order_changes(draw: st.DrawFn, *, codes: tuple[str, ...] = CODES) -> OrderChanged:
    """An order of one shop appeared or moved; its code is of that shop alone."""
    order = draw(orders(codes=codes))
    return OrderChanged(
        id=f"order:{order.code}:{order.stage}",
        at=NOON,
        received_at=NOON,
        order=order,
        customer_name=draw(st.sampled_from([None, "Айгерим С", "Нурбек"])),
    )


@st.composite
def acts(draw: st.DrawFn, *, among: tuple[Act, ...] = tuple(Act)) -> OperatorActed:
    """Something a person at the shop does."""
    number = draw(st.integers(0, 20))
    message = [f"{kind}{place}" for kind in "mp" for place in PLACES]
    message += [derive_id("say", "op1"), "nobody's"]
    return OperatorActed(
        id=f"op{number}",
        at=draw(moments()),
        received_at=NOON,
        act=draw(st.sampled_from(among)),
        text=draw(st.sampled_from(("Сейчас проверю", *OURS))),
        message=draw(maybe(st.sampled_from(message))),
    )


facts: st.SearchStrategy[AnyEvent] = st.one_of(
    wrotes(), wrotes(), changes(), lefts(), receipts(), order_changes(), acts()
)


# --- what is known ----------------------------------------------------------------------------


@st.composite
def sendings(draw: st.DrawFn, *, tried: bool) -> Sending:
    """A text that is being sent."""
    return Sending(
        not_before=draw(moments()),
        expires_at=draw(moments(timedelta(), timedelta(days=4))),
        attempts=draw(st.integers(0, 6)),
        tried_at=draw(moments()) if tried else None,
        counted=draw(st.booleans()),
        blocked=draw(st.sampled_from([None, Reason.SESSION_DOWN])),
        rewrites=draw(st.integers(0, 2)),
        looks=draw(st.integers(0, 3)),
        taken=tried and draw(st.booleans()),
    )


@st.composite
def messages(draw: st.DrawFn, *, place: int) -> Message:
    """A message of ours, however far it got."""
    status = draw(st.sampled_from([status for status in Status if status is not Status.RECEIVED]))
    author = draw(st.sampled_from([Author.BOT, Author.BOT, Author.PERSON]))
    tried = status is Status.UNCERTAIN or (status is Status.QUEUED and draw(st.booleans()))
    unsettled = status in (Status.QUEUED, Status.UNCERTAIN)
    named = status in (Status.SENT, Status.DELIVERED, Status.READ) or (
        tried and draw(st.booleans())
    )
    return Message(
        id=f"m{place}",
        author=author,
        text=draw(st.sampled_from(OURS)),
        at=draw(moments(after=timedelta())),
        status=status,
        session=draw(st.sampled_from(SESSIONS)),
        shop="default",
        message=f"OUT{place}" if named else None,
        purpose=draw(st.sampled_from(Purpose)) if author is Author.BOT else None,
        order_code=draw(maybe(st.sampled_from(CODES))),
        written=draw(maybe(st.just(Written(prompt="reply/v1", canned=False, cost=0.001)))),
        sending=draw(sendings(tried=tried)) if unsettled else None,
        failure="refused" if status is Status.FAILED else None,
    )


@st.composite
def pendings(draw: st.DrawFn, *, place: int) -> Pending:
    """A purpose that waits."""
    purpose = draw(st.sampled_from(Purpose))
    due = draw(moments())
    return Pending(
        id=f"p{place}",
        purpose=purpose,
        shop=draw(st.sampled_from(["default", "second"])),
        due=due,
        expires_at=due + draw(spans()),
        order_code=draw(maybe(st.sampled_from(CODES))),
        answers=tuple(draw(st.lists(st.sampled_from(["q1", "q2"]), unique=True, max_size=2))),
        canned=draw(st.sampled_from([None, None, "reply"])),
        blocked=draw(st.sampled_from([None, Reason.COOLDOWN, Reason.SESSION_DOWN])),
        counted=draw(st.booleans()),
    )


proactives = st.lists(
    st.builds(
        Proactive,
        id=st.sampled_from([f"m{place}" for place in PLACES]),
        at=moments(timedelta(days=31), timedelta(hours=1)),
    ),
    max_size=5,
    unique_by=lambda counted: counted.id,
).map(tuple)


@st.composite
def known(draw: st.DrawFn) -> Conversation:
    """Somebody with whom much may be under way, and to whom anything has happened since."""
    some = st.sets(st.sampled_from(PLACES), max_size=4)
    said = [draw(messages(place=place)) for place in sorted(draw(some))]
    waits = [draw(pendings(place=place)) for place in sorted(draw(some))]
    latest = {o.code: o for o in draw(st.lists(orders(), max_size=3))}
    talked = person(
        opt_out=draw(maybe(st.builds(OptOut, at=moments(), by=st.sampled_from(Author)))),
        owner=draw(st.sampled_from(Owner)),
        person_at=draw(maybe(moments())),
        needs_person=draw(maybe(st.builds(NeedsPerson, reason=st.just("x"), since=moments()))),
        session=draw(maybe(st.sampled_from(SESSIONS))),
        messages=tuple(sorted(said, key=lambda message: message.at)),
        pending=tuple(waits),
        orders=tuple(latest.values()),
        proactive=draw(proactives),
        no_whatsapp=draw(maybe(moments(timedelta(days=9), timedelta()))),
        heard_at=draw(maybe(moments())),
    )
    happened = draw(st.lists(facts, max_size=6))
    return fold_all(talked, tuple(happened), now=draw(moments()), rules=Rules(shops=SHOPS))[0]
