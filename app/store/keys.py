"""Every key in Redis: its type, its meaning, what sweeps it. The only place that spells keys.

Keys of one chat share a hash tag, so that a script may touch them together.
"""

from __future__ import annotations

from datetime import date

PREFIX = "aiseller"
DOCKET = "aiseller-turns"
"""Name of the docket that runs the turns; docket prefixes its own keys with it."""


def conversation(chat: str) -> str:
    """HASH ``v`` version, ``doc`` JSON Conversation, ``token`` of the last commit, ``n`` turns
    begun since one ended.

    Swept by erase only.
    """
    return f"{PREFIX}:{{{chat}}}"


def mail(chat: str) -> str:
    """LIST of JSON events, oldest first, not folded yet. Swept by commit."""
    return f"{PREFIX}:{{{chat}}}:mail"


def seen(chat: str) -> str:
    """ZSET of event ids by time of acceptance (ms), the newest 1,000. Swept by accept."""
    return f"{PREFIX}:{{{chat}}}:seen"


def told(session: str, short_id: str) -> str:
    """STRING chat a customer's message was first told in: WhatsApp may tell it under the phone and
    under the hidden id. Swept after a day.
    """
    return f"{PREFIX}:told:{session}:{short_id}"


def journal(chat: str) -> str:
    """LIST of JSON Entry, oldest first, the newest 500. Swept by commit."""
    return f"{PREFIX}:{{{chat}}}:journal"


def archive(chat: str) -> str:
    """LIST of JSON Message too old for the conversation itself. Swept by erase only."""
    return f"{PREFIX}:{{{chat}}}:archive"


def orders_of(chat: str) -> str:
    """SET of ``shop:code`` of a chat's orders. Swept by erase and with ``orders``."""
    return f"{PREFIX}:{{{chat}}}:orders"


def all_of(chat: str) -> tuple[str, ...]:
    """Every key that is one chat's alone."""
    own = (conversation, mail, seen, journal, archive, orders_of)
    return tuple(key(chat) for key in own)


def due() -> str:
    """ZSET chat -> when it must be looked at next (ms). The truth behind docket's schedule."""
    return f"{PREFIX}:due"


def chats() -> str:
    """ZSET chat -> last change (ms). Swept by erase only."""
    return f"{PREFIX}:chats"


def spoken_to() -> str:
    """ZSET chat -> last proactive message (ms): who is in the cooldown. Swept when read."""
    return f"{PREFIX}:spoken_to"


def counters() -> str:
    """HASH metric -> number since the last reset. Swept by reset-metrics only."""
    return f"{PREFIX}:counters"


def day(shop: str, local_day: date) -> str:
    """SET of message ids that hold a place under the shop's daily cap. Swept after 8 days."""
    return f"{PREFIX}:day:{shop}:{local_day.isoformat()}"


def costs(local_day: date) -> str:
    """HASH ``shop:purpose:measure`` -> number: what the model cost that day; ``cost`` is all of it.

    Swept after 400 days.
    """
    return f"{PREFIX}:costs:{local_day.isoformat()}"


def figures(local_day: date) -> str:
    """HASH metric -> number, as ``counters``, of one local day. Swept after 400 days."""
    return f"{PREFIX}:figures:{local_day.isoformat()}"


def texts(kind: str) -> str:
    """LIST of templates of equal first messages, the newest 8. Swept 7 days after its first."""
    return f"{PREFIX}:texts:{kind}"


def number_day(number: str, local_day: date) -> str:
    """SET of message ids that hold a place under the day's cap of a number that warms up.

    Swept after 8 days.
    """
    return f"{PREFIX}:number_day:{number}:{local_day.isoformat()}"


def pace(session: str) -> str:
    """STRING when the session's next proactive message may leave (ms). Swept after a day."""
    return f"{PREFIX}:pace:{session}"


def restart_pace(session: str) -> str:
    """STRING when a person may next make a session begin anew, or, with ``code:`` before its name,
    have a pairing code made (ms). Swept after a minute.
    """
    return f"{PREFIX}:restart_pace:{session}"


def model_answered() -> str:
    """STRING when the model last wrote a text that was taken (ms). Never swept."""
    return f"{PREFIX}:model_answered"


def model_failed() -> str:
    """STRING when the model last could not be had (ms), and why (a code). Never swept."""
    return f"{PREFIX}:model_failed"


def session(name: str) -> str:
    """HASH of a WhatsApp session. Never swept; a handful.

    ``status`` WAHA's word, ``since`` it began, ``at`` it was told, ``asked`` when we asked;
    ``until`` the end of a ban on new contacts, ``said`` when that was told; ``heard`` the last
    webhook, ``unheard`` the first send without one after it, ``gap`` since when messages may have
    passed us by (all ms); ``phone``, ``lid`` ours; ``health`` JSON Health; ``alarms`` those raised.
    """
    return f"{PREFIX}:session:{name}"


def held(session: str) -> str:
    """ZSET chat -> since when (ms) it waits for the session to be back. Swept by its release."""
    return f"{PREFIX}:held:{session}"


def held_by() -> str:
    """SET of sessions that chats have waited for. Never swept; a handful."""
    return f"{PREFIX}:held_by"


def signs(session: str, local_day: date) -> str:
    """HASH Sign -> number: how the session's number fared that day. Swept after 8 days."""
    return f"{PREFIX}:signs:{session}:{local_day.isoformat()}"


def warm(number: str) -> str:
    """SET of local days on which this WhatsApp number sent proactively. Never swept; small."""
    return f"{PREFIX}:warm:{number}"


def hidden_stops() -> str:
    """SET of hidden ids (lid digits) that opted out and whose phone nobody knows.

    Swept when the phone is learned, or by erase.
    """
    return f"{PREFIX}:hidden_stops"


def phones() -> str:
    """HASH phone -> lid digits, the other way round. Swept by erase only."""
    return f"{PREFIX}:phones"


def lids() -> str:
    """HASH lid digits -> phone: who hides behind a WhatsApp id. Swept by erase only."""
    return f"{PREFIX}:lids"


def sent(short_id: str) -> str:
    """STRING chat a message of ours went to, by its short id. Swept after 30 days."""
    return f"{PREFIX}:sent:{short_id}"


def order(shop: str, code: str) -> str:
    """STRING JSON KnownOrder: as first heard of, or as last read. Swept as ``orders`` is."""
    return f"{PREFIX}:order:{shop}:{code}"


def orders(shop: str) -> str:
    """ZSET order code -> when it was made, or first heard of (ms).

    Swept by erase, and after 366 days where the shop is read at Kaspi.
    """
    return f"{PREFIX}:orders:{shop}"


def forgotten(shop: str, code: str) -> str:
    """STRING Stage an order had when its buyer was erased; nothing of theirs. Swept after 90 days.

    What was told until then is not said again.
    """
    return f"{PREFIX}:forgotten:{shop}:{code}"


def kaspi(shop: str) -> str:
    """HASH of how a shop is read at Kaspi. Never swept; a handful.

    ``connected`` when its first reading began, ``seeded`` when that ended, ``uid`` whose orders
    they are; ``at:<kind>`` when a kind of list was last read, ``ok`` when anything was (all ms);
    ``failures`` in a row, ``not_before`` the next try (ms), ``code`` and ``detail`` of the last
    failure; ``refused`` a hash of the token that Kaspi refused.
    """
    return f"{PREFIX}:kaspi:{shop}"


def kaspi_seen(shop: str) -> str:
    """HASH order code -> JSON Sighting: how it was when it was last read. Swept with
    ``kaspi_made``.
    """
    return f"{PREFIX}:kaspi_seen:{shop}"


def kaspi_made(shop: str) -> str:
    """ZSET order code -> when it was made (ms). Swept after 90 days."""
    return f"{PREFIX}:kaspi_made:{shop}"


def kaspi_open(shop: str) -> str:
    """ZSET order code -> when it was last read (ms): orders that may still change unseen.

    Left when they come to an end, swept with ``kaspi_made``.
    """
    return f"{PREFIX}:kaspi_open:{shop}"


def kaspi_pace(shop: str) -> str:
    """STRING when the next request about this shop may leave for Kaspi (ms). Swept in seconds."""
    return f"{PREFIX}:kaspi_pace:{shop}"


def cards(shop: str) -> str:
    """HASH SKU -> Kaspi's card code, learned from order lines. Never swept; one for each SKU."""
    return f"{PREFIX}:cards:{shop}"


def offers(list_: str) -> str:
    """HASH SKU -> JSON Product: the rows of a price list, the last good one. Swept by the next."""
    return f"{PREFIX}:offers:{list_}"


def offers_changed(list_: str) -> str:
    """ZSET SKU -> the version of the list in which its row last changed, or went. Swept when a list
    is read from another place.
    """
    return f"{PREFIX}:offers_changed:{list_}"


def offers_state(list_: str) -> str:
    """HASH ``version``, and ``state`` JSON ListState: how a price list is. Never swept."""
    return f"{PREFIX}:offers_state:{list_}"


def unusable() -> str:
    """LIST of JSON facts no chat could be found for, with the reason, the newest 1,000."""
    return f"{PREFIX}:unusable"


def called() -> str:
    """ZSET chat -> ms: where a person should look, and since when. Left by every other turn."""
    return f"{PREFIX}:called"


def shelf(name: str) -> str:
    """ZSET chat -> when something was last said or heard there (ms): a list of the desk.

    Left by the commit after which a chat does not belong there, and by erase.
    """
    return f"{PREFIX}:shelf:{name}"


def words() -> str:
    """ZSET ``word NUL chat``, all of score 0: by what beginnings of words chats are found.

    Swept by the commit that changes the words, and by erase.
    """
    return f"{PREFIX}:words"


def refs() -> str:
    """HASH keyed hash -> chat: how chats are named in URLs. Swept by erase only."""
    return f"{PREFIX}:refs"


def looked() -> str:
    """ZSET chat -> time of the newest message seen at the desk (ms). Swept by erase only."""
    return f"{PREFIX}:looked"


def indexed() -> str:
    """STRING which making of shelves, words and refs holds every chat. Never swept."""
    return f"{PREFIX}:indexed"


def changes() -> str:
    """STREAM of ``chat``: in which something changed; '' where one is gone. About the newest
    10,000; those of who is erased go with them.
    """
    return f"{PREFIX}:changes"


def buried() -> str:
    """HASH id -> JSON Buried: what failed for good, until replayed or erased."""
    return f"{PREFIX}:buried"


def opted_out() -> str:
    """SET of keyed hashes of erased people who had opted out. Never swept."""
    return f"{PREFIX}:opted_out"


def hash_key() -> str:
    """STRING random key of those hashes and of our messages' ids, made once. Never swept."""
    return f"{PREFIX}:hash_key"


def probe() -> str:
    """STRING written to see whether the store takes writes. Swept after a minute."""
    return f"{PREFIX}:probe"


def sheet_cursor() -> str:
    """STRING JSON Cursor: how far the customers' sheet is; nobody's data. Never swept."""
    return f"{PREFIX}:sheet_cursor"


def rules() -> str:
    """HASH ``v`` version and ``doc`` JSON Adjustments: what the seller changed of the rules while
    the bot runs; ``told`` the last version all chats that waited then know of. Never swept.
    """
    return f"{PREFIX}:rules"


def rules_log() -> str:
    """LIST of JSON Logged, the newest first: who changed which rule, the last 500."""
    return f"{PREFIX}:rules_log"


def desk_login(secret_hash: str) -> str:
    """STRING JSON Login of who is logged in at the desk. Swept 14 days after its last use."""
    return f"{PREFIX}:desk_login:{secret_hash}"


def desk_tries(whose: str) -> str:
    """STRING how many logins were tried from an address or a browser. Swept after 15 minutes."""
    return f"{PREFIX}:desk_tries:{whose}"
