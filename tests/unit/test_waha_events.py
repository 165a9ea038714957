"""Every body WAHA may post has one right outcome."""

import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from app.domain.events import (
    Address,
    Attachment,
    CustomerCalled,
    CustomerEdited,
    CustomerReacted,
    CustomerRevoked,
    CustomerWrote,
    Fact,
    LeftOurNumber,
    Media,
    Receipt,
    ReceiptCame,
    SessionChanged,
)
from app.gateways.waha_events import Reading, read_webhook, verify

BODIES = Path(__file__).parent.parent / "data" / "waha"
HAPPENED = datetime.fromtimestamp(1_795_000_000, UTC)
TOLD = HAPPENED + timedelta(seconds=1)
RECEIVED = HAPPENED + timedelta(seconds=2)
DAY = timedelta(days=1)

PHONE = Address(phone="77051112233")
LID = Address(lid="230000000000007")
BOTH = Address(phone="77051112233", lid="230000000000007")


def wrote(
    short: str, text: str, *, person: Address = PHONE, chat: str | None = None, **more: Any
) -> Reading:
    chat = chat or (f"{person.phone}@c.us" if person.phone else f"{person.lid}@lid")
    event = CustomerWrote(
        **{
            "id": f"waha:default:in:{short}",
            "at": HAPPENED,
            "received_at": RECEIVED,
            "message": short,
            "wire_id": f"false_{chat}_{short}",
            "session": "default",
            "text": text,
            "name": "Гүлнар",
            **more,
        }
    )
    return Reading(facts=(Fact(person=person, event=event),))


def left(short: str, text: str, *, person: Address = PHONE, by_api: bool = False) -> Reading:
    event = LeftOurNumber(
        id=f"waha:default:out:{short}",
        at=HAPPENED,
        received_at=RECEIVED,
        message=short,
        session="default",
        text=text,
        by_api=by_api,
    )
    return Reading(facts=(Fact(person=person, event=event),))


def receipt(
    short: str,
    ack: int,
    got: Receipt,
    *,
    person: Address = PHONE,
    reason: str | None = None,
) -> Reading:
    event = ReceiptCame(
        id=f"waha:default:ack:{short}:{ack}",
        at=TOLD,
        received_at=RECEIVED,
        message=short,
        receipt=got,
        reason=reason,
    )
    return Reading(facts=(Fact(person=person, event=event),))


def restricted(short: str, *, until: datetime = TOLD + DAY) -> Reading:
    """A receipt that says 463, and the news of the session it is."""
    told = receipt(short, -1, Receipt.FAILED, reason="463")
    us = {"our_phone": "77770001122", "our_lid": "150000000000001"}
    news = SessionChanged(
        session="default", status=None, at=TOLD, restricted_until=until, inferred=True, **us
    )
    return Reading(facts=told.facts, sessions=(news,))


def reacted(short: str, emoji: str, *, at: datetime = HAPPENED) -> Reading:
    event = CustomerReacted(
        id=f"waha:default:reaction:{short}",
        at=at,
        received_at=RECEIVED,
        message="3EB0SENT01",
        session="default",
        emoji=emoji,
    )
    return Reading(facts=(Fact(person=PHONE, event=event),))


def edited(ids: str, message: str, text: str, *, person: Address = PHONE) -> Reading:
    event = CustomerEdited(
        id=f"waha:default:edit:{ids}",
        at=HAPPENED,
        received_at=RECEIVED,
        message=message,
        session="default",
        text=text,
    )
    return Reading(facts=(Fact(person=person, event=event),))


def revoked(message: str, *, person: Address = PHONE) -> Reading:
    event = CustomerRevoked(
        id=f"waha:default:revoked:{message}",
        at=TOLD,
        received_at=RECEIVED,
        message=message,
        session="default",
    )
    return Reading(facts=(Fact(person=person, event=event),))


def session(status: str, **more: Any) -> Reading:
    us = {"our_phone": "77770001122", "our_lid": "150000000000001", **more}
    changed = SessionChanged(session="default", status=status, at=TOLD, **us)
    return Reading(sessions=(changed,))


def ignored(why: str) -> Reading:
    return Reading(ignored=why)


CALLED = CustomerCalled(
    id="waha:default:call:CALL01", at=HAPPENED, received_at=RECEIVED, session="default"
)

MESSAGES = {
    "noweb_message_pn": wrote("3EB0AA01", "Қайда менің тапсырысым?", person=BOTH),
    "noweb_message.any_pn_again": wrote("3EB0AA01", "Қайда менің тапсырысым?", person=BOTH),
    "noweb_message_lid_with_alt": wrote(
        "3EB0AA02", "СТОП", person=BOTH, chat="230000000000007@lid"
    ),
    "noweb_message_lid_with_senderPn": wrote(
        "3EB0AA03", "Здравствуйте", person=BOTH, chat="230000000000007@lid"
    ),
    "noweb_message_lid_without_alt": wrote("3EB0AA04", "Алло", person=LID, name=None),
    "noweb_message_foreign_pn": wrote("3EB0AA05", "Hello", person=Address(phone="4915112345678")),
    "noweb_message_reply": wrote("3EB0AA06", "Да, этот", quoted="3EB0SENT01"),
    "noweb_message_s.whatsapp.net": wrote(
        "3EB0AA07", "с устройства", chat="77051112233:3@s.whatsapp.net"
    ),
    "noweb_message_alt_is_us": wrote("3EB0AA08", "Кто вы?", person=LID),
    "gows_message_lid_with_alt": wrote(
        "3AC2BB01", "Сәлем", person=BOTH, chat="230000000000007@lid"
    ),
    "gows_message_same_as_c.us": wrote("3AC2BB01", "Сәлем", person=BOTH),
    "gows_message_lid_empty_alt": wrote("3AC2BB02", "Есть 46 размер?", person=LID),
    "webjs_message_pn": wrote("AC61CC01", "Когда привезут?"),
    "webjs_message_lid": wrote("AC61CC02", "👍", person=LID, name=None),
    "webjs_message_id_object": wrote("AC61CC03", "ок"),
    "message_bare_id": wrote("3EB0AA09", "коротко", at=TOLD, name=None),
    "message_only_data": wrote(
        "3EB0AA10", "без всего", chat="77051112233@s.whatsapp.net", at=TOLD, name=None
    ),
    "message_half_emoji": wrote("3EB0AA11", "привет", name="Гүлнар "),
    "message_old": wrote("3EB0AA20", "вчерашнее", at=HAPPENED - DAY),
    "message_future": wrote("3EB0AA21", "из завтра", at=RECEIVED),
    "message_time_fraction": wrote(
        "3EB0AA22", "дробное", at=HAPPENED + timedelta(milliseconds=500)
    ),
    "message_time_text": wrote("3EB0AA23", "строкой"),
    "message_time_milliseconds": wrote("3EB0AA24", "тысячи", at=TOLD),
    "message_time_nonsense": wrote("3EB0AA25", "ноль", at=RECEIVED),
}

MEDIA = {
    "noweb_image_caption": wrote(
        "3EB0EE01",
        "Вот такая?",
        media=Media.IMAGE,
        attachment=Attachment(path="/api/files/a.jpg", mimetype="image/jpeg"),
    ),
    "noweb_voice": wrote("3EB0EE02", "", media=Media.VOICE),
    "noweb_view_once": wrote("3EB0EE03", "", media=Media.IMAGE),
    "noweb_location": wrote("3EB0EE04", "Дом", media=Media.LOCATION),
    "noweb_vcards": wrote("3EB0EE05", "", media=Media.CONTACT),
    "noweb_document_failed_download": wrote("3EB0EE06", "", media=Media.DOCUMENT),
    "noweb_audio_file": wrote("3EB0EE07", "", media=Media.AUDIO),
    "gows_voice": wrote("3AC2EE08", "", media=Media.VOICE),
    "gows_video": wrote("3AC2EE09", "Смотрите", media=Media.VIDEO),
    "gows_link_preview": wrote("3AC2EE10", "https://kaspi.kz/shop"),
    "webjs_sticker": wrote("AC61EE11", "", media=Media.STICKER),
    "webjs_location": wrote("AC61EE12", "", media=Media.LOCATION),
    "webjs_vcard": wrote("AC61EE13", "", media=Media.CONTACT),
    "media_by_mimetype_voice": wrote("3EB0EE20", "", media=Media.VOICE, name=None),
    "media_by_mimetype_audio": wrote("3EB0EE21", "", media=Media.AUDIO, name=None),
    "media_by_mimetype_image": wrote("3EB0EE22", "", media=Media.IMAGE, name=None),
    "media_by_mimetype_video": wrote("3EB0EE23", "", media=Media.VIDEO, name=None),
    "media_by_mimetype_document": wrote("3EB0EE24", "", media=Media.DOCUMENT, name=None),
    "media_by_mimetype_other": wrote("3EB0EE25", "", media=Media.OTHER, name=None),
    "media_caption_field": wrote("3EB0EE30", "подпись", media=Media.IMAGE, name=None),
}

NOT_FOR_US = {
    "noweb_message_group": ignored("group"),
    "noweb_message_channel": ignored("channel"),
    "noweb_message_status": ignored("status"),
    "noweb_message_broadcast": ignored("broadcast"),
    "webjs_message_system": ignored("unknown_address"),
    "noweb_message_to_self_by_phone": ignored("own_number"),
    "noweb_message_to_self_by_lid": ignored("own_number"),
    "noweb_message_empty": ignored("empty"),
    "webjs_message_blank": ignored("empty"),
    "message_all_null": ignored("unreadable"),
    "message_all_strange": ignored("unreadable"),
    "message_without_from_me": ignored("unreadable"),
    "message_payload_null": ignored("unreadable"),
    "message_session_null": ignored("unreadable"),
    "webjs_message.waiting": ignored("message.waiting"),
    "poll.vote": ignored("poll.vote"),
    "presence.update": ignored("presence.update"),
    "engine.event": ignored("engine.event"),
    "unheard_of": ignored("unknown_event"),
    "event_null": ignored("unknown_event"),
}

FROM_OUR_NUMBER = {
    "noweb_own_app": left("3A0OWN01", "Это оператор", person=BOTH),
    "noweb_own_api": left("3EB0OWN02", "Это бот", by_api=True),
    "gows_own_lid": left("3EB0OWN03", "Это бот", person=BOTH, by_api=True),
    "webjs_own_app": left("3EB0OWN04", "Это оператор"),
    "webjs_own_bare_id": left("3EB0OWN05", "Это оператор"),
    "noweb_own_photo": left("3A0OWN06", ""),
    "noweb_own_empty": ignored("empty"),
}

RECEIPTS = {
    "noweb_ack_server": receipt("3EB0ACK1", 1, Receipt.ACCEPTED),
    "gows_ack_device": receipt("3EB0ACK2", 2, Receipt.DELIVERED, person=LID),
    "noweb_ack_read": receipt("3EB0ACK3", 3, Receipt.READ),
    "noweb_ack_played": receipt("3EB0ACK4", 4, Receipt.READ),
    "noweb_ack_error": receipt("3EB0ACK5", -1, Receipt.FAILED),
    "noweb_ack_error_463": restricted("3EB0ACK6", until=HAPPENED + DAY),
    "noweb_ack_error_463_number": restricted("3EB0ACKB"),
    "noweb_ack_error_number": receipt("3EB0ACK7", -1, Receipt.FAILED, reason="479"),
    "noweb_ack_error_reason": restricted("3EB0ACK8"),
    "noweb_ack_error_other_reason": receipt("3EB0ACKC", -1, Receipt.FAILED, reason="blocked"),
    "noweb_ack_server_463": receipt("3EB0ACKD", 1, Receipt.ACCEPTED),
    "webjs_ack_whole_message": receipt("3EB0ACK9", 2, Receipt.DELIVERED),
    "ack_only_name": receipt("3EB0ACKA", 3, Receipt.READ),
    "noweb_ack_pending": ignored("pending"),
    "ack_unknown": ignored("unreadable"),
    "ack_strange": ignored("unreadable"),
    "webjs_ack_not_ours": ignored("not_ours"),
    "noweb_ack_in_group": ignored("group"),
    "webjs_ack.group": ignored("message.ack.group"),
}

AFTERWARDS = {
    "noweb_reaction": reacted("3EB0RE01", "👍"),
    "webjs_reaction_taken_back": reacted("AC61RE02", "", at=HAPPENED + timedelta(milliseconds=250)),
    "gows_reaction_own": ignored("own_reaction"),
    "reaction_to_nothing": ignored("unreadable"),
    "noweb_edited": edited("3EB0ED01:evt_edit1", "3EB0AA01", "Стоп!", person=BOTH),
    "webjs_edited": edited("AC61CC01:evt_edit2", "AC61CC01", "Когда привезут? Завтра?"),
    "noweb_edited_own": ignored("own_edit"),
    "noweb_edited_to_nothing": ignored("empty"),
    "noweb_revoked": revoked("3EB0AA01", person=BOTH),
    "webjs_revoked": revoked("AC61CC01"),
    "noweb_revoked_only_data": revoked("3EB0AA02", person=BOTH),
    "noweb_revoked_own": ignored("own_revoke"),
    "noweb_revoked_in_group": ignored("group"),
    "noweb_revoked_nothing": ignored("unreadable"),
    "noweb_call": Reading(facts=(Fact(person=LID, event=CALLED),)),
    "call_of_group": ignored("group"),
    "call_of_nobody": ignored("unreadable"),
    "call.accepted": ignored("call.accepted"),
}

SESSIONS = {
    "noweb_session_working": session("WORKING"),
    "session_scan_qr": session("SCAN_QR_CODE", our_phone=None, our_lid=None),
    "gows_session_restricted": session("WORKING", restricted_until=HAPPENED + DAY),
    "gows_session_restricted_without_end": session("WORKING", restricted_until=TOLD + DAY),
    "gows_session_free_again": session("WORKING", restricted_until=TOLD),
    "session_status_null": ignored("unreadable"),
}

EXPECTED = MESSAGES | MEDIA | NOT_FOR_US | FROM_OUR_NUMBER | RECEIPTS | AFTERWARDS | SESSIONS
GOOD = {name: (BODIES / f"{name}.json").read_bytes() for name in EXPECTED}


@pytest.mark.parametrize("name", EXPECTED)
def test_a_body_has_one_right_outcome(name: str) -> None:
    assert _read(GOOD[name]) == EXPECTED[name]


def test_no_body_is_without_an_outcome() -> None:
    assert {path.stem for path in BODIES.glob("*.json")} == set(EXPECTED)


@pytest.mark.parametrize(
    ("name", "session"),
    [
        ("noweb_message_pn", "default"),
        ("noweb_own_api", "default"),
        ("noweb_ack_server", "default"),
        ("noweb_ack_error_463", "default"),
        ("noweb_message_group", "default"),
        ("noweb_session_working", None),
        ("message_session_null", None),
        ("unheard_of", None),
    ],
)
def test_whatsapp_is_heard_through_a_session_whatever_it_tells(
    name: str, session: str | None
) -> None:
    assert read_webhook(GOOD[name], RECEIVED).heard == session


def test_the_same_message_is_one_fact_under_both_events_and_both_addresses() -> None:
    assert _id("noweb_message_pn") == _id("noweb_message.any_pn_again")
    assert _id("gows_message_lid_with_alt") == _id("gows_message_same_as_c.us")


def test_a_redelivery_in_another_envelope_is_the_same_fact() -> None:
    body = json.loads(GOOD["webjs_message_pn"])
    again = json.dumps(body | {"id": "evt_other", "timestamp": body["timestamp"] + 5000})
    assert _read(again.encode()) == EXPECTED["webjs_message_pn"]


@pytest.mark.parametrize(
    ("until", "expected"),
    [
        (1795086400, HAPPENED + DAY),
        ("1795086400", HAPPENED + DAY),
        (1795086400000, HAPPENED + DAY),
        ("2026-11-19T11:06:40.000Z", HAPPENED + DAY),
        ("2026-11-19T16:06:40+05:00", HAPPENED + DAY),
        ("2026-11-19 11:06:40", HAPPENED + DAY),
        (None, TOLD + DAY),
        ("tomorrow", TOLD + DAY),
        (0, TOLD + DAY),
        (True, TOLD + DAY),
        ([1795086400], TOLD + DAY),
        ("0001-01-01T00:00:00+14:00", TOLD + DAY),
        (1794000000, TOLD + DAY),
        ("inf", TOLD + DAY),
    ],
)
def test_a_restriction_ends_when_it_is_said_and_else_in_a_day(
    until: object, expected: datetime
) -> None:
    body = json.loads(GOOD["noweb_ack_error_463"])
    body["payload"]["error"]["until"] = until
    assert _read(json.dumps(body).encode()) == restricted("3EB0ACK6", until=expected)


@pytest.mark.parametrize("name", ["noweb_voice", "gows_voice", "media_by_mimetype_voice"])
def test_a_voice_note_comes_with_the_path_of_its_file_in_every_engine(name: str) -> None:
    body = json.loads(GOOD[name])
    url = "http://localhost:3000/api/files/default/3EB0EE02.oga"
    media = {"url": url, "mimetype": "audio/ogg; codecs=opus", "filename": None}
    for error in (None, {"message": "Failed to fetch stream"}):
        body["payload"]["media"] = media | {"error": error}
        (fact,) = read_webhook(json.dumps(body).encode(), RECEIVED).facts
        assert isinstance(fact.event, CustomerWrote)
        assert fact.event.media is Media.VOICE
        file = Attachment(path="/api/files/default/3EB0EE02.oga", mimetype=media["mimetype"])
        assert fact.event.attachment == (file if error is None else None)


def test_two_edits_of_one_message_are_two_facts() -> None:
    body = json.loads(GOOD["webjs_edited"])
    body["id"] = "evt_later"
    (later,) = read_webhook(json.dumps(body).encode(), RECEIVED).facts
    assert later.event.id == "waha:default:edit:AC61CC01:evt_later"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'"message"',
        b"\xff\xfe",
        b'{"event": NaN}',
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"event":"\xff"}',
    ],
)
def test_what_is_no_json_object_is_ignored(body: bytes) -> None:
    assert read_webhook(body, RECEIVED) == Reading(ignored="not_json")


# -- anything at all

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
_JIDS = st.sampled_from(
    ["77051112233@c.us", "1@lid", "x@g.us", "@", "0@c.us", "false_1@lid_A", "a_b_c_d_e", "__"]
)
_SOMETHING = _JSON | _JIDS


@given(st.binary() | _JSON.map(json.dumps).map(str.encode))
def test_no_body_raises(body: bytes) -> None:
    assert isinstance(read_webhook(body, RECEIVED), Reading)


@given(st.data())
def test_no_change_to_a_good_body_raises(data: st.DataObject) -> None:
    body = json.loads(data.draw(st.sampled_from(list(GOOD.values()))))
    for _ in range(data.draw(st.integers(1, 4))):
        _spoil(body, data)
    reading = read_webhook(json.dumps(body).encode(), RECEIVED)
    told = len(reading.facts), len(reading.sessions), bool(reading.ignored)
    assert told in {(1, 0, False), (0, 1, False), (0, 0, True), (1, 1, False)}
    assert all(fact.person != Address() for fact in reading.facts)
    assert all(fact.event.at <= RECEIVED for fact in reading.facts)


def _spoil(body: Any, data: st.DataObject) -> None:
    """Change or remove one field somewhere inside."""
    while isinstance(body, dict) and body:
        key = data.draw(st.sampled_from(sorted(body)))
        if not isinstance(body[key], dict) or data.draw(st.booleans()):
            if data.draw(st.booleans()):
                body[key] = data.draw(_SOMETHING)
            else:
                del body[key]
            return
        body = body[key]


# -- the signature

KEY = "ключ-для-теста"
SIGNED = '{"event":"message","text":"Сәлем"}'.encode()
SIGNATURE = hmac.new(KEY.encode(), SIGNED, hashlib.sha512).hexdigest()


def test_a_documented_signature_is_right() -> None:
    body = b'{"event":"message","session":"default","engine":"WEBJS"}'
    signature = (
        "208f8a55dde9e05519e898b10b89bf0d0b3b0fdf11fdbf09b6b90476301b98d8"
        "097c462b2b17a6ce93b6b47a136cf2e78a33a63f6752c2c1631777076153fa89"
    )
    assert verify(body, signature, "my-secret-key")


@pytest.mark.parametrize("signature", [SIGNATURE, SIGNATURE.upper()])
def test_a_signature_is_hex_in_any_case(signature: str) -> None:
    assert verify(SIGNED, signature, KEY)
    assert verify(SIGNED, signature, KEY, algorithm="SHA512")
    assert verify(SIGNED, signature, KEY, algorithm=None)


@pytest.mark.parametrize(
    "signature",
    [
        None,
        "",
        " ",
        SIGNATURE[:-1],
        SIGNATURE + "0",
        "sha512=" + SIGNATURE,
        "0" * 128,
        "é" * 128,
        "\ud83d" * 128,
        SIGNATURE.replace(SIGNATURE[0], "\u212a"),
        hmac.new(KEY.encode(), SIGNED, hashlib.sha256).hexdigest(),
    ],
)
def test_another_signature_is_wrong(signature: str | None) -> None:
    assert not verify(SIGNED, signature, KEY)


def test_a_signature_is_of_these_bytes_this_key_and_this_algorithm() -> None:
    assert not verify(SIGNED + b" ", SIGNATURE, KEY)
    assert not verify(SIGNED, SIGNATURE, KEY + "x")
    assert not verify(SIGNED, SIGNATURE, KEY, algorithm="sha1")
    assert not verify(SIGNED, hmac.new(b"", SIGNED, hashlib.sha512).hexdigest(), "")


def _read(body: bytes) -> Reading:
    """What a body says, whoever it was heard through."""
    return structs.replace(read_webhook(body, RECEIVED), heard=None)


def _id(name: str) -> str:
    (fact,) = read_webhook(GOOD[name], RECEIVED).facts
    return fact.event.id
