"""What was fed against what the phones received and what the API tells: chat by chat."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from enum import StrEnum
from itertools import combinations, pairwise

from msgspec import Struct

from app.demo.waha import Sent
from tests.chaos.feed import Bought, Fed, Wrote
from tests.chaos.outside import Attempt
from tests.chaos.plan import Kind
from tests.chaos.seen import OPEN, Said, Told, is_held

UNDER_WAY = 2.0
"""Seconds after a stop in which a text may still reach WAHA that left before the stop came."""

LATE = 30.0
"""Seconds from an order's acceptance from which its text is late enough to ask why."""

_WENT = frozenset({"sent", "delivered", "read"})


class Found(StrEnum):
    """How a fact fared, or what is wrong."""

    SETTLED = "settled"
    OPTED_OUT = "held back by a stop"
    OWNED = "left to people"
    DOUBTFUL = "not said, and nobody knows"
    UNCERTAIN = "uncertain"
    WAITING = "still waiting"
    LOST = "lost"
    TWICE = "sent twice"
    ORDER_IN = "order of customers' messages"
    ORDER_OUT = "order of our messages"
    OVERTAKEN = "overtaken while uncertain"
    AFTER_STOP = "sent after a stop"
    UNDER_WAY = "under way when the stop came"
    MISTAKEN = "own text taken for a person's"
    RECEIPT = "receipt missing"
    SLOW = "said late"


WRONG = (
    Found.LOST, Found.TWICE, Found.ORDER_IN, Found.ORDER_OUT, Found.AFTER_STOP, Found.WAITING,
)  # fmt: skip
"""What must not be found even once. What still waits is not lost, but came to no end in time."""


class Finding(Struct, frozen=True, kw_only=True):
    """One of them, in which chat, and what is known of it."""

    found: Found
    chat: int
    detail: str = ""


class Evidence(Struct, frozen=True, kw_only=True):
    """All that is known of one chat.

    ``forgotten`` are texts of ours of which WAHA told nothing; ``settles``: the product decides
    what was uncertain.
    """

    fed: Fed
    told: Told
    sent: tuple[Sent, ...]
    attempts: tuple[Attempt, ...]
    forgotten: frozenset[str]
    settles: bool

    @property
    def ours(self) -> list[Said]:
        """The bot's messages, in the API's order."""
        return [said for said in self.told.messages if said.author == "bot"]

    def sent_times(self, text: str) -> int:
        """How often WAHA accepted a text for this chat."""
        return sum(sent.text == text for sent in self.sent)


def judged(evidence: Evidence) -> list[Finding]:
    """Everything found in one chat."""
    judges = (_orders, _messages, _said_twice, _phantoms, _order_in, _order_out, _stop, _others)
    chat = evidence.fed.chat
    return [
        Finding(found=found, chat=chat.index, detail=f"{chat.phone} ({chat.kind}) {detail}")
        for judge in judges
        for found, detail in judge(evidence)
    ]


Judged = Iterator[tuple[Found, str]]


# --- orders -----------------------------------------------------------------------------------


def _orders(seen: Evidence) -> Judged:
    """Each accepted order is spoken of once, or a rule says why not."""
    for order in seen.fed.orders:
        if order.accepted is None:
            if order.refused:
                yield Found.LOST, f"order {order.code} refused: {order.refused[-1]}"
            continue
        spoken = _speaks_of(seen, order)
        if len(spoken) > 1:
            times = ", ".join(f"{sent.at:%H:%M:%S.%f} {sent.id}" for sent in spoken)
            lines = seen.told.lines_about(order.code, *_ids(seen, order))
            yield (
                Found.TWICE,
                f"order {order.code} spoken of {len(spoken)}×: {times}\n      {lines}",
            )
        yield (Found.SETTLED, "") if spoken else _unspoken(seen, order)
        waited = spoken[0].at.timestamp() - order.accepted if spoken else 0.0
        if waited > LATE:
            lines = seen.told.lines_about(order.code, *_ids(seen, order))
            yield Found.SLOW, f"order {order.code} waited {waited:.1f} s\n      {lines}"


def _speaks_of(seen: Evidence, order: Bought) -> list[Sent]:
    """What went to say thank you for an order; an answer may name its thing too."""
    answers = {said.text for said in seen.ours if said.purpose != "post_purchase"}
    return [one for one in seen.sent if order.word in one.text and one.text not in answers]


def _ids(seen: Evidence, order: Bought) -> list[str]:
    return [said.id for said in seen.ours if said.order_code == order.code]


def _unspoken(seen: Evidence, order: Bought) -> tuple[Found, str]:
    """Why nothing was said of an order."""
    said = [one for one in seen.ours if one.order_code == order.code]
    reasons = {n.reason for n in seen.told.journal if n.order_code == order.code}
    if seen.fed.stop is not None and "opted_out" in reasons:
        return Found.OPTED_OUT, ""
    waiting = [item for item in seen.told.waiting if item.order_code == order.code]
    if seen.fed.owner and any(is_held(item) for item in waiting):
        return Found.OWNED, ""
    if not seen.settles and any(one.status == "uncertain" for one in said):
        return Found.DOUBTFUL, ""
    about = [f"{one.status} {one.failure or ''}" for one in said] or waiting or "nothing"
    lines = seen.told.lines_about(order.code, *_ids(seen, order))
    if waiting:
        return Found.WAITING, f"order {order.code}: {waiting}\n      {lines}"
    return Found.LOST, f"order {order.code} never spoken of; the API knows {about}\n      {lines}"


# --- customers' messages ----------------------------------------------------------------------


def _messages(seen: Evidence) -> Judged:
    """Each accepted message is kept once, and answered by a text that went, or a rule says no."""
    for wrote in seen.fed.messages:
        if wrote.taken is None:
            continue
        kept = [said for said in seen.told.messages if _is(said, wrote)]
        if len(kept) != 1:
            found = Found.TWICE if kept else Found.LOST
            yield found, f"message {wrote.short} «{wrote.text}» is in the API {len(kept)}×"
            continue
        yield _answered(seen, wrote, kept[0])


def _is(said: Said, wrote: Wrote) -> bool:
    return said.direction == "in" and said.text == wrote.text


def _answered(seen: Evidence, wrote: Wrote, kept: Said) -> tuple[Found, str]:
    written = [n.message for n in seen.told.journal if n.kind == "written" and kept.id in n.facts]
    answers = [said for said in seen.ours if said.id in written]
    went = [said for said in answers if seen.sent_times(said.text)]
    if len(went) > 1:
        return Found.TWICE, f"message {wrote.short} answered by {[said.id for said in went]}"
    if went:
        return Found.SETTLED, ""
    if seen.fed.owner:
        return Found.OWNED, ""
    if _stopped_before_answered(seen, wrote):
        return Found.OPTED_OUT, ""
    if not seen.settles and any(said.status == "uncertain" for said in answers):
        return Found.DOUBTFUL, ""
    if any(item.id in written or item.purpose == "reply" for item in seen.told.waiting):
        return Found.WAITING, f"message {wrote.short}: {seen.told.waiting}"
    about = [f"{said.id} {said.status} {said.failure or ''}" for said in answers]
    lines = seen.told.lines_about(kept.id, *written)
    tail = "\n      ".join(str(line) for line in seen.told.journal[-15:])
    return Found.LOST, (
        f"message {wrote.short} «{wrote.text}» ({kept.id}) never answered; written: {about}"
        f"\n      {lines}\n      the end of the journal:\n      {tail}"
    )


def _stopped_before_answered(seen: Evidence, wrote: Wrote) -> bool:
    """Whether the customer's own stop came before the answer, and the bot gave it up for that."""
    stop = seen.fed.stop
    if stop is None or wrote.posted > stop.posted:
        return False
    told = seen.told.journal
    return any(
        n.kind == "dropped" and n.purpose == "reply" and n.reason == "opted_out" for n in told
    )


# --- twice, and never -------------------------------------------------------------------------


def _said_twice(seen: Evidence) -> Judged:
    """No text went more often than there are messages of it. Orders are counted apart."""
    thanks = {sent.text for order in seen.fed.orders for sent in _speaks_of(seen, order)}
    known = Counter(said.text for said in seen.told.messages if said.direction == "out")
    for text, times in Counter(sent.text for sent in seen.sent).items():
        if times > known[text] and text not in thanks:
            ids = [said.id for said in seen.ours if said.text == text]
            sends = ", ".join(f"{s.at:%H:%M:%S.%f} {s.id}" for s in seen.sent if s.text == text)
            about = f"«{text}» sent {times}× ({sends}) for {known[text]} messages {ids}"
            yield Found.TWICE, f"{about}\n      {seen.told.lines_about(*ids)}"


def _phantoms(seen: Evidence) -> Judged:
    """What is said to have gone has gone; what has gone is not open any more."""
    for text, times in Counter(said.text for said in seen.ours if said.status in _WENT).items():
        if times > seen.sent_times(text):
            ids = [said.id for said in seen.ours if said.text == text]
            lines = seen.told.lines_about(*ids)
            yield Found.LOST, f"{ids} are told as sent, WAHA never had them\n      {lines}"
    for said in seen.ours:
        if said.status in OPEN:
            gone = seen.sent_times(said.text)
            yield Found.UNCERTAIN, f"{said.id} still {said.status}; WAHA accepted it {gone}×"


# --- in order ---------------------------------------------------------------------------------


def _order_in(seen: Evidence) -> Judged:
    """Customers' messages lie as they were written, where WAHA could tell.

    Where both came in the same second, it can only where the first was taken before the second
    was posted.
    """
    places = {said.text: n for n, said in enumerate(seen.told.messages) if said.direction == "in"}
    wrote = [one for one in seen.fed.messages if one.taken is not None and one.text in places]
    for first, second in pairwise(wrote):
        told_apart = first.at < second.at or (first.taken or 0) < second.posted
        if told_apart and places[first.text] > places[second.text]:
            yield Found.ORDER_IN, f"{first.short} at {first.at} lies after {second.short}"


def _order_out(seen: Evidence) -> Judged:
    """What answers somebody goes out as it was written; only what we start may be overtaken."""
    doubtful = {n.message for n in seen.told.journal if n.kind == "uncertain"}
    went = _places(seen)
    for (early, first), (late, second) in combinations(went, 2):
        if first.purpose != "post_purchase" and early > late:
            found = Found.OVERTAKEN if first.id in doubtful else Found.ORDER_OUT
            about = f"{first.id} went after {second.id} ({second.purpose})"
            yield found, f"{about}\n      {seen.told.lines_about(first.id, second.id)}"


def _places(seen: Evidence) -> list[tuple[int, Said]]:
    """Which of the chat's sends each message was, in the API's order.

    The nth message of a text is its nth send. Texts of which more or fewer went are left out.
    """
    sends: dict[str, list[int]] = {}
    for place, sent in enumerate(seen.sent):
        sends.setdefault(sent.text, []).append(place)
    written = Counter(said.text for said in seen.ours)
    clear = {text: iter(at) for text, at in sends.items() if len(at) == written[text]}
    return [(next(clear[said.text]), said) for said in seen.ours if said.text in clear]


# --- a stop -----------------------------------------------------------------------------------


def _stop(seen: Evidence) -> Judged:
    """After a stop was taken, nothing more that we start reaches WAHA; and the stop is known."""
    stop = seen.fed.stop
    if stop is None or stop.taken is None:
        return
    if seen.told.person is None or not seen.told.person.opted_out:
        yield Found.LOST, f"the stop {stop.short} is not known"
    for order in seen.fed.orders:
        for sent in _speaks_of(seen, order):
            late = _left(seen, sent) - stop.taken
            if late <= 0:
                continue
            before = order.pushed < stop.taken and late <= UNDER_WAY
            about = f"order {order.code} reached WAHA {late:.3f} s after the stop was taken"
            lines = seen.told.lines_about(order.code, *_ids(seen, order))
            yield Found.UNDER_WAY if before else Found.AFTER_STOP, f"{about}\n      {lines}"


def _left(seen: Evidence, sent: Sent) -> float:
    """When the request came to WAHA that became this message."""
    accepted = sent.at.timestamp()
    tries = [a.at for a in seen.attempts if a.text == sent.text and a.at <= accepted]
    return max(tries, default=accepted)


# --- what is wrong without being lost ---------------------------------------------------------


def _others(seen: Evidence) -> Judged:
    """Own texts taken for a person's, and receipts that are not known."""
    owner = {wrote.text for wrote in seen.fed.owner}
    for said in seen.told.messages:
        if said.author == "person" and said.text not in owner:
            at = f"{said.at:%H:%M:%S}"
            yield Found.MISTAKEN, f"{said.id} «{said.text}» {at}"
    if seen.fed.chat.kind is Kind.OWNED:
        kept = Counter(said.text for said in seen.told.messages if said.author == "person")
        for wrote in seen.fed.owner:
            if wrote.taken is not None and kept[wrote.text] != 1:
                yield Found.LOST, f"the owner's {wrote.short} is in the API {kept[wrote.text]}×"
    for said in seen.ours:
        told = any(s.text == said.text and s.id not in seen.forgotten for s in seen.sent)
        if said.status == "sent" and told:
            about = f"{said.id} is on the phone, the API says {said.status}"
            yield Found.RECEIPT, f"{about}\n      {seen.told.lines_about(said.id)}"
