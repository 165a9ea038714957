"""How WAHA spells things: addresses, message ids, and the shapes of what it posts.

WAHA's engines (NOWEB, GOWS, WEBJS, WPP) shape a payload differently and change it between
versions, so every field here may be absent, null or of any type, and is read through ``text``,
``number`` and the like. Shapes were taken from WAHA 2026.2.1 as it runs and from its
documentation up to 2026.8.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any, TypeVar

import msgspec
from msgspec import UNSET, Struct, field

from app.domain.events import Address, Media

_PERSON = re.compile(r"([0-9]{1,20})(?:[.:][0-9]+)*@(c\.us|s\.whatsapp\.net|lid)")
_PHONE = re.compile(r"[1-9][0-9]{6,14}")
_NO_PERSON = {"g.us": "group", "newsletter": "channel", "broadcast": "broadcast"}

_BEFORE_WHATSAPP = 1_230_768_000  # 2009-01-01: an earlier time is nonsense
_MILLISECONDS_FROM = 100_000_000_000  # as seconds the year 5138


# -- fields of which nothing is promised

Shape = TypeVar("Shape", bound=Struct)


def decoded(body: bytes) -> object:
    """``body`` out of JSON, None when it is none.

    A name cut in the middle of an emoji is legal JSON and no legal text: the half is left out.
    """
    try:
        return msgspec.json.decode(body)
    except (ValueError, RecursionError):
        pass
    try:
        mended = json.dumps(json.loads(body), ensure_ascii=False).encode("utf-8", "ignore")
        return msgspec.json.decode(mended)
    except (ValueError, RecursionError):
        return None


def part(value: object, shape: type[Shape]) -> Shape:
    """``value`` read as ``shape``; an empty one when it is no object."""
    return msgspec.convert(value if isinstance(value, dict) else {}, shape)


def text(*values: object) -> str | None:
    """The first that is text and not blank."""
    return next((v for v in values if isinstance(v, str) and v.strip()), None)


def yes_or_no(*values: object) -> bool | None:
    """The first that is true or false."""
    return next((v for v in values if isinstance(v, bool)), None)


def number(value: object) -> float | None:
    """A number, or one written as text."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return float(value)
    except (ValueError, OverflowError):
        return None


def moment(seconds: float | None, *, latest: datetime | None = None) -> datetime | None:
    """A time of WhatsApp's, not later than ``latest``; None when it is nonsense."""
    if seconds is None or seconds < _BEFORE_WHATSAPP:
        return None
    try:
        at = datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return min(at, latest) if latest else at


def time_of(value: object) -> datetime | None:
    """A time as WAHA may write it: seconds, milliseconds, or ISO text (UTC where it is silent)."""
    seconds = number(value)
    if seconds is not None and seconds >= _MILLISECONDS_FROM:
        seconds /= 1000
    at = moment(seconds)
    if at is not None or not isinstance(value, str):
        return at
    try:
        at = datetime.fromisoformat(value.strip())
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


# -- addresses and ids


def address_of(jid: object) -> Address | None:
    """``77051234567@c.us`` (any spelling of it, with or without a device) or ``…@lid``.

    None for a group, a channel, a broadcast, a status, the system and anything else. A phone is
    7 to 15 digits of any country; lid digits are never taken for a phone.
    """
    match = _PERSON.fullmatch(jid) if isinstance(jid, str) else None
    if match is None:
        return None
    digits, server = match.groups()
    if server == "lid":
        return Address(lid=digits)
    return Address(phone=digits) if _PHONE.fullmatch(digits) else None


def nobody(jid: str) -> str:
    """What an address is that is no person's, in a word."""
    if jid == "status@broadcast":
        return "status"
    return _NO_PERSON.get(jid.rpartition("@")[2], "unknown_address")


def chat_id(address: Address) -> str | None:
    """How WAHA is told whom to write to: by phone where it is known, else by lid."""
    if address.phone:
        return f"{address.phone}@c.us"
    return f"{address.lid}@lid" if address.lid else None


def account(me: object) -> Address:
    """WAHA's ``me``: the phone and the lid of the session's number, as far as they are known."""
    shape = part(me, Me)
    by_phone = address_of(shape.id) or Address()
    by_lid = address_of(shape.lid) or Address()
    return Address(phone=by_phone.phone, lid=by_lid.lid)


class Identity(Struct, frozen=True):
    """What a message's id tells."""

    from_me: bool | None = None
    chat: str | None = None
    short: str | None = None


def identity(wire_id: object) -> Identity:
    """``{fromMe}_{chat}_{id}[_{participant}]``, WEBJS's object, or a bare short id."""
    if isinstance(wire_id, dict):
        return _identity_of_object(part(wire_id, WebId))
    written = text(wire_id)
    if written is None:
        return Identity()
    match written.split("_", 3):
        case [sign, chat, short, *_]:
            from_me = {"true": True, "false": False}.get(sign)
            return Identity(from_me, chat or None, short or None)
        case _:
            return Identity(short=written)


def _identity_of_object(wire_id: WebId) -> Identity:
    inner = identity(text(wire_id.serialized))
    return Identity(
        yes_or_no(wire_id.from_me, inner.from_me),
        text(wire_id.remote) or inner.chat,
        text(wire_id.id) or inner.short,
    )


def short_id_for(cause: str, key: bytes) -> str:
    """The id a message of ours shall have in WhatsApp: the same for the same cause, for ever.

    Nobody without the ``key`` can guess it: who quotes it has had the message. NOWEB and GOWS take
    it since 2026.4.3; it looks like those WhatsApp Web makes.
    """
    return "3EB0" + blake2b(cause.encode(), digest_size=9, key=key).hexdigest().upper()


# -- shapes


class Envelope(Struct, frozen=True):
    """What is around every payload; ``timestamp`` is milliseconds."""

    id: Any = None
    timestamp: Any = None
    event: Any = None
    session: Any = None
    me: Any = None
    payload: Any = None
    engine: Any = None
    environment: Any = None


class Environment(Struct, frozen=True):
    """``environment`` of an envelope and of a session: GOWS names its engine only here."""

    engine: Any = None


class Me(Struct, frozen=True, rename="camel"):
    """The session's own number. ``reachout_timelock`` is there since 2026.7.2, null if none."""

    id: Any = None
    lid: Any = None
    reachout_timelock: Any = UNSET


class Payload(Struct, frozen=True, rename="camel"):
    """All payloads at once; ``timestamp`` is seconds, ``raw`` is the engine's own message."""

    id: Any = None
    timestamp: Any = None
    sender: Any = field(default=None, name="from")
    to: Any = None
    from_me: Any = None
    source: Any = None
    body: Any = None
    caption: Any = None
    has_media: Any = None
    media: Any = None
    location: Any = None
    v_cards: Any = None
    reply_to: Any = None
    ack: Any = None
    ack_name: Any = None
    error: Any = None
    reaction: Any = None
    after: Any = None
    before: Any = None
    revoked_message_id: Any = None
    edited_message_id: Any = None
    is_group: Any = None
    status: Any = None
    data: Any = None
    raw: Any = field(default=None, name="_data")


class Raw(Struct, frozen=True, rename="camel"):
    """``_data``: ``key`` and ``message`` are NOWEB's, capitals GOWS's, the others WEBJS's."""

    key: Any = None
    push_name: Any = None
    message: Any = None
    info: Any = field(default=None, name="Info")
    gows_message: Any = field(default=None, name="Message")
    id: Any = None
    type: Any = None
    notify_name: Any = None


class Key(Struct, frozen=True, rename="camel"):
    """NOWEB's ``_data.key``. Builds of 2025 say ``senderPn`` for the sender's phone."""

    id: Any = None
    remote_jid: Any = None
    remote_jid_alt: Any = None
    from_me: Any = None
    sender_pn: Any = None


class Info(Struct, frozen=True, rename="pascal"):
    """GOWS's ``_data.Info``. ``SenderAlt`` of an own message is about us."""

    id: Any = field(default=None, name="ID")
    chat: Any = None
    is_from_me: Any = None
    sender_alt: Any = None
    recipient_alt: Any = None
    push_name: Any = None
    media_type: Any = None


class WebId(Struct, frozen=True, rename="camel"):
    """WEBJS's id as an object. ``_serialized`` is gone in newer builds."""

    id: Any = None
    remote: Any = None
    from_me: Any = None
    serialized: Any = field(default=None, name="_serialized")


class Quote(Struct, frozen=True):
    """``replyTo``: ``id`` is the short id of the message that was answered."""

    id: Any = None


class Reaction(Struct, frozen=True, rename="camel"):
    """An emoji on a message; an empty one takes it back."""

    text: Any = None
    message_id: Any = None


class AckError(Struct, frozen=True):
    """Why WhatsApp refused a message, since 2026.7.2: ``463`` is its timelock, to its ``until``."""

    code: Any = None
    reason: Any = None
    until: Any = None


class SessionData(Struct, frozen=True, rename="camel"):
    """``data`` of session.status, since 2026.7.1."""

    reachout_timelock: Any = None


class Timelock(Struct, frozen=True, rename="camel"):
    """WhatsApp forbids writing to new contacts; ``time_enforcement_ends`` is seconds."""

    is_active: Any = None
    time_enforcement_ends: Any = None


# -- what came with a message

_MEDIA = {
    "image": Media.IMAGE,
    "imageMessage": Media.IMAGE,
    "video": Media.VIDEO,
    "videoMessage": Media.VIDEO,
    "ptvMessage": Media.VIDEO,
    "ptt": Media.VOICE,
    "audio": Media.AUDIO,
    "audioMessage": Media.AUDIO,
    "document": Media.DOCUMENT,
    "documentMessage": Media.DOCUMENT,
    "sticker": Media.STICKER,
    "stickerMessage": Media.STICKER,
    "lottieStickerMessage": Media.STICKER,
    "location": Media.LOCATION,
    "livelocation": Media.LOCATION,
    "locationMessage": Media.LOCATION,
    "liveLocationMessage": Media.LOCATION,
    "vcard": Media.CONTACT,
    "multi_vcard": Media.CONTACT,
    "contact_array": Media.CONTACT,
    "contactMessage": Media.CONTACT,
    "contactsArrayMessage": Media.CONTACT,
}
"""What the engines call a kind of media: WEBJS's types and the names of WhatsApp's own parts."""

_WRAPPERS = (
    "ephemeralMessage",
    "viewOnceMessage",
    "viewOnceMessageV2",
    "documentWithCaptionMessage",
)
"""Parts of WhatsApp's own that hold the real message one level deeper."""

_BY_TYPE = {"image": Media.IMAGE, "video": Media.VIDEO, "audio": Media.AUDIO}
_VOICE_NOTE = re.compile(r"audio/ogg\s*;\s*codecs=opus", re.IGNORECASE)


class File(Struct, frozen=True):
    """``media``: where WAHA keeps the file, or the ``error`` for which it does not."""

    url: Any = None
    mimetype: Any = None
    error: Any = None


class _Place(Struct, frozen=True):
    description: Any = None
    name: Any = None


class _Content(Struct, frozen=True):
    """A part of WhatsApp's own: ``ptt`` marks a voice note (GOWS spells it in capitals)."""

    message: Any = None
    ptt: Any = None
    PTT: Any = None


def media_of(payload: Payload) -> Media | None:
    """What came with the message, by the most exact name any engine gives it."""
    if isinstance(payload.location, dict) and payload.location:
        return Media.LOCATION
    if isinstance(payload.v_cards, list) and payload.v_cards:
        return Media.CONTACT
    raw = part(payload.raw, Raw)
    web, gows = _named(raw.type), _named(part(raw.info, Info).media_type)
    found = web or gows or _of_content(raw.message) or _of_content(raw.gows_message)
    if found is not None or (payload.has_media is not True and not payload.media):
        return found
    return _of_mimetype(part(payload.media, File).mimetype)


def _named(word: object) -> Media | None:
    return _MEDIA.get(word) if isinstance(word, str) else None


def _of_content(content: object) -> Media | None:
    if not isinstance(content, dict):
        return None
    wrapper = next((name for name in _WRAPPERS if name in content), None)
    if wrapper is not None:
        return _of_content(part(content[wrapper], _Content).message)
    name = next((name for name in content if name in _MEDIA), None)
    if name is None:
        return None
    inner = part(content[name], _Content)
    return Media.VOICE if True in (inner.ptt, inner.PTT) else _MEDIA[name]


def _of_mimetype(mimetype: object) -> Media:
    if not isinstance(mimetype, str):
        return Media.OTHER
    if _VOICE_NOTE.match(mimetype):
        return Media.VOICE
    return _BY_TYPE.get(mimetype.partition("/")[0].lower(), Media.DOCUMENT)


def text_of(payload: Payload, media: Media | None) -> str:
    """What was said. A place's body is a picture of a map and a contact's is its card: neither."""
    match media:
        case Media.LOCATION:
            place = part(payload.location, _Place)
            return text(place.description, place.name) or ""
        case Media.CONTACT:
            return ""
        case _:
            return text(payload.body, payload.caption) or ""
