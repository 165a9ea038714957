"""Every business number, once, with its reason. Times are ``timedelta``, money is tenge."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from msgspec import Struct

from app.domain.events import Language
from app.domain.meaning import Topic


class Purpose(StrEnum):
    """Why a message is written. Most are proactive: we speak first."""

    POST_PURCHASE = "post_purchase"
    ORDER_DELIVERED = "order_delivered"
    REVIEW_REQUEST = "review_request"
    REMINDER = "reminder"
    CAMPAIGN = "campaign"
    HANDED_OVER = "handed_over"
    READY_FOR_PICKUP = "ready_for_pickup"
    ORDER_CANCELLED = "order_cancelled"
    REPLY = "reply"
    OPT_OUT_CONFIRMATION = "opt_out_confirmation"
    HANDOFF_NOTICE = "handoff_notice"

    @property
    def proactive(self) -> bool:
        """Whether caps, quiet hours and opt-outs hold it back."""
        return self in PROACTIVE


PROACTIVE = frozenset(
    {
        Purpose.POST_PURCHASE,
        Purpose.ORDER_DELIVERED,
        Purpose.REVIEW_REQUEST,
        Purpose.REMINDER,
        Purpose.CAMPAIGN,
        Purpose.HANDED_OVER,
        Purpose.READY_FOR_PICKUP,
        Purpose.ORDER_CANCELLED,
    }
)


ASKING = frozenset({Purpose.REVIEW_REQUEST, Purpose.REMINDER, Purpose.CAMPAIGN})
"""What asks something of the customer: not while they are upset."""

OFFERING = ASKING | {Purpose.POST_PURCHASE}
"""What asks or offers something: the order is read at Kaspi again before it is said."""


class Reason(StrEnum):
    """Why something was not said, or not said now."""

    OPTED_OUT = "opted_out"
    COOLDOWN = "cooldown"
    CUSTOMER_CAP = "customer_cap"
    DAILY_CAP = "daily_cap"
    QUIET_HOURS = "quiet_hours"
    PEOPLE_OWN_CHAT = "people_own_chat"
    ORDER_CHANGED = "order_changed"
    EXPIRED = "expired"
    DUPLICATE = "duplicate"
    NO_PHONE = "no_phone"
    NOT_ON_WHATSAPP = "not_on_whatsapp"
    SESSION_DOWN = "session_down"
    RESTRICTED = "restricted"
    NUMBER_HEALTH = "number_health"
    DISABLED = "disabled"
    UNKNOWN_CONTACT = "unknown_contact"
    PACE = "pace"
    ORDER_UNREAD = "order_unread"
    PAUSED = "paused"
    ANSWERED = "answered"
    UPSET = "upset"
    CANCELLED = "cancelled"


BEST_BEFORE: dict[Purpose, timedelta] = {
    # A thank-you two days late reads as a robot's; one cooldown (24 h) and one night fit in.
    Purpose.POST_PURCHASE: timedelta(hours=48),
    # Asking how the item is makes sense while it is new in the house.
    Purpose.ORDER_DELIVERED: timedelta(hours=72),
    # Kaspi takes reviews for long; a week after the wish it is forgotten.
    Purpose.REVIEW_REQUEST: timedelta(days=7),
    Purpose.REMINDER: timedelta(hours=72),
    Purpose.CAMPAIGN: timedelta(hours=72),
    # Where a parcel is interests while it is on its way, which is a day or two.
    Purpose.HANDED_OVER: timedelta(hours=24),
    # Kaspi keeps it three working days; a day later there are still two to come.
    Purpose.READY_FOR_PICKUP: timedelta(hours=36),
    # An apology that comes after two days has not helped to find another one.
    Purpose.ORDER_CANCELLED: timedelta(hours=48),
    # An answer to a question asked half a day ago needs a person, not a bot.
    Purpose.REPLY: timedelta(hours=6),
    Purpose.OPT_OUT_CONFIRMATION: timedelta(hours=6),
    Purpose.HANDOFF_NOTICE: timedelta(hours=1),
}
"""How long after it falls due a purpose is still worth saying."""

PRIORITY: tuple[Purpose, ...] = (
    Purpose.OPT_OUT_CONFIRMATION,
    Purpose.HANDOFF_NOTICE,
    Purpose.REPLY,
    Purpose.ORDER_CANCELLED,
    Purpose.READY_FOR_PICKUP,
    Purpose.ORDER_DELIVERED,
    Purpose.HANDED_OVER,
    Purpose.POST_PURCHASE,
    Purpose.REVIEW_REQUEST,
    Purpose.REMINDER,
    Purpose.CAMPAIGN,
)
"""When two are due at once, the earlier one here goes first."""

LATE_AFTER = timedelta(hours=6)
"""A customer's message older than this on arrival (a reconnect's catch-up) is not answered."""

LONGEST_HEARD = 4000
"""Characters kept of a customer's message; nobody types more, and a flood must stay small."""

LONGEST_EMOJI = 16
"""Code points kept of a reaction: a family of four, each with a colour of its own, has eleven."""

SAME_WORDS = 25
"""The same words this often in a row come from a machine: a person is called instead."""

OLDEST_ORDER = timedelta(days=60)
"""An order made longer ago than this asks for nothing: it is history, not news."""

LIVE_MESSAGES = 60
"""Messages kept in the conversation itself; older ones go to its archive."""

CONTEXT_MESSAGES = 16
"""Messages of the history the model is shown."""

KEPT_ORDERS = 20
KEPT_FIRED = 1000
"""Purposes remembered as fired; a customer with 300 orders gets there."""

KEPT_PROACTIVE = 50
"""Proactive messages remembered, or more where the cap is higher."""

RELEASE_SPREAD = timedelta(minutes=40)
"""What waited for the morning (or for a new day's cap) leaves spread over this long."""

RETRY_DELAYS = (
    timedelta(seconds=10),
    timedelta(seconds=30),
    timedelta(minutes=2),
    timedelta(minutes=5),
    timedelta(minutes=15),
)
"""Waits after a passing failure; the last one repeats."""

FAULT_DELAYS = (timedelta(seconds=1), timedelta(seconds=5), timedelta(seconds=30))
"""Waits before a turn that failed is run again; the last one repeats until it is buried."""

RETRY_JITTER = 0.25
"""How much longer than that at most, so that what failed together is not tried together."""

LOOK_DELAYS = (timedelta(seconds=3), timedelta(seconds=15), timedelta(seconds=60))
"""When WhatsApp is asked whether a message of ours went: our echo comes within a second or two."""

MOST_SENDS = 6
"""Times a message that certainly did not go is sent; then it is buried."""

MOST_REWRITES = 2
"""Drafts thrown away because the customer wrote on; the third is sent."""

REPLIES_AN_HOUR = 40
"""Answers to one customer in an hour after which a person is called instead: nobody reads more, and
each costs money.
"""

MOST_LOOKS = 15
"""Times WhatsApp is asked, while it works, whether a message went; then a person is called."""

CLOCKS = timedelta(minutes=2)
"""How far WhatsApp's clock and ours may be apart."""

SAME_SEND = timedelta(minutes=10)
"""The bot's own words seen again within this time were sent twice, and not by a person."""

MEANWHILE = timedelta(minutes=2)
"""A message this old on arrival was maybe answered by somebody before we heard of it."""

RESTRICTED_FOR = timedelta(days=1)
"""How long WhatsApp's ban on new contacts is believed when its end was not told."""

NO_WHATSAPP = timedelta(days=7)
"""How long a phone without WhatsApp is not written to; people do install it."""

HEALTH_RECHECK = timedelta(hours=1)
"""How soon it is asked again whether a number in danger has recovered."""

ASK_AGAIN = timedelta(minutes=5)
"""How soon WAHA is asked again who hides behind a phone, when it could not tell."""

OFF_RECHECK = timedelta(minutes=10)
"""How soon a bot that is switched off for now is asked again, should nobody say that it is on."""

PAUSED_FOR = timedelta(hours=24)
"""How long nothing is started with somebody who may have meant to be left alone."""

ASK_ABOUT_STOP_EVERY = timedelta(days=30)
"""One question at most whether they want to be left alone; a second would be what it asks about."""

ASKED_WITHIN = timedelta(days=14)
"""For how long an answer to «is all well?» is taken for one."""

REMIND_AFTER = (timedelta(days=3), timedelta(days=4))
"""Silence after a question of ours until the first soft reminder, and until the second and last."""

FAILED_ANSWERS = 2
"""Answers that did not help after which a person is called."""

FAILED_AMONG = 8
"""Messages of the customer among which those are counted."""

MODEL_DOWN = timedelta(minutes=2)
"""How long the model may be down before people are called to the chats it leaves unanswered."""

CALL_AGAIN = timedelta(hours=24)
"""How soon a caller is told again that this number takes no calls."""

REGULAR_ORDERS, VIP_ORDERS = 2, 5
VIP_SUM = 300_000
"""From how many orders, or tenge, a customer is a regular one or a very good one."""

LONGEST_VOICE = 16 * 1024 * 1024
"""Bytes of a voice note that is listened to: about two hours, and WhatsApp's own limit."""

HEAR_TRIES = 3
"""Times a voice note is fetched and transcribed before a person is asked to listen to it."""

WARM_UP = (10, 20, 35, 50, 75, 100)
"""Proactive messages of a new WhatsApp number on its first days of sending."""

MAX_TYPING = timedelta(seconds=20)
"""Longest typing shown, however long the text."""


WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
"""Days of the week as a seller writes them, in the order of ``date.weekday()``."""


class Hours(Struct, frozen=True, kw_only=True):
    """When people at the shop answer, on its wall clock. ``days`` are numbers of ``WEEK``."""

    opens: time
    closes: time
    days: tuple[int, ...] = (0, 1, 2, 3, 4, 5, 6)

    def are_open(self, local: datetime) -> bool:
        """Whether somebody is there at this local time."""
        return local.weekday() in self.days and self.opens <= local.time() < self.closes


class Stated(Struct, frozen=True, kw_only=True):
    """What the seller says about one topic, in the languages it is said in."""

    topic: Topic
    texts: Mapping[Language, str]


class OwnText(Struct, frozen=True, kw_only=True):
    """The seller's own wording of a purpose, said instead of the model's.

    ``text`` may have ``{hello}``, ``{name}``, ``{shop}``, ``{product}`` and ``{code}`` in it.
    """

    purpose: Purpose
    language: Language
    text: str


class Shop(Struct, frozen=True, kw_only=True):
    """A shop and the WhatsApp session that speaks for it; what it says of itself."""

    id: str
    name: str
    session: str
    hours: Hours | None = None
    stated: tuple[Stated, ...] = ()
    texts: tuple[OwnText, ...] = ()

    def own_text(self, purpose: Purpose, language: Language) -> str | None:
        """What the seller wants said for ``purpose`` in this language, word for word."""
        for own in self.texts:
            if own.purpose is purpose and own.language is language:
                return own.text
        return None


class Rules(Struct, frozen=True, kw_only=True):
    """What a seller may set. The defaults are the product's promises.

    ``off`` are purposes that are never spoken. ``arms`` are the prompts there are for a purpose
    that has several, ``arms_off`` those that nobody gets, as ``purpose/arm``: an experiment begins
    when the seller says so. ``paused``: the bot is switched off for now, and what it would say
    waits; where it is not ``enabled`` that is never said. ``by_shop`` are the rules of the shops
    that have their own; they differ in limits, hours, languages and in what is off, not in the
    shops.
    """

    shops: tuple[Shop, ...] = (Shop(id="default", name="Kaspi магазин", session="default"),)
    enabled: bool = True
    test_mode: bool = False
    fallback: bool = True
    max_messages: int = 3
    messages_window: timedelta | None = timedelta(days=30)
    cooldown: timedelta = timedelta(hours=24)
    max_daily_messages: int = 100
    quiet_hours: tuple[time, time] | None = (time(21, 0), time(9, 0))
    timezone: str = "Asia/Almaty"
    opt_out_words: tuple[str, ...] = ("стоп", "отписка", "не пишите", "stop")
    debounce: timedelta = timedelta(seconds=4)
    debounce_max: timedelta = timedelta(seconds=12)
    typing_chars_per_second: float = 12.0
    send_interval: tuple[float, float] = (30.0, 60.0)
    review_delay: timedelta = timedelta(hours=48)
    handoff: timedelta = timedelta(hours=4)
    languages: tuple[Language, ...] = (Language.RU, Language.KK)
    warm_up: bool = False
    settle: timedelta = timedelta(seconds=180)
    off: frozenset[Purpose] = frozenset()
    arms: Mapping[Purpose, tuple[str, ...]] = {}
    arms_off: frozenset[str] = frozenset({"post_purchase/v2"})
    paused: bool = False
    by_shop: Mapping[str, Rules] = {}

    def of(self, shop_id: str) -> Rules:
        """The rules that hold for a shop."""
        return self.by_shop.get(shop_id, self)

    @property
    def speaks(self) -> bool:
        """Whether the bot is on, for one shop at least."""
        return self.enabled and not self.paused

    @property
    def zone(self) -> ZoneInfo:
        """The shop's wall clock."""
        return ZoneInfo(self.timezone)

    def shop(self, shop_id: str) -> Shop:
        """The shop with this id, or the first one when it is unknown."""
        return next((shop for shop in self.shops if shop.id == shop_id), self.shops[0])

    def shop_of_session(self, session: str) -> Shop:
        """The shop this WhatsApp session speaks for, or the first one."""
        return next((shop for shop in self.shops if shop.session == session), self.shops[0])

    def local(self, moment: datetime) -> datetime:
        """``moment`` on the shop's wall clock."""
        return moment.astimezone(self.zone)
