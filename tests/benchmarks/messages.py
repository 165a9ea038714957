"""WAHA's webhooks as a NOWEB session posts them, signed and ready for the wire."""

from __future__ import annotations

import hashlib
import hmac
import time
from typing import Any

import msgspec

HMAC_KEY = "a-webhook-key-for-benchmarks"

QUESTIONS = (
    "Здравствуйте! Когда привезут мой заказ?",
    "А в каком пункте выдачи его можно забрать?",
    "Подойдёт ли она на рост 182 см? Обычно ношу 48 размер.",
    "Можно ли вернуть, если не подойдёт?",
    "Спасибо! Ещё вопрос: есть ли такая же в синем цвете",
    "А доставка бесплатная?",
    "Хорошо, тогда жду. Напишите, пожалуйста, когда отправите.",
)
"""About as long as what customers write, in the language the instant model answers in."""

_SHOP = {"id": "77770001122@c.us", "pushName": "Лавка Алтын", "lid": "150000000000001@lid"}
_FIRST_PHONE = 77_050_000_000
_FIRST_LID = 230_000_000_000_000
_ENVIRONMENT = {
    "version": "2026.7.1",
    "engine": "NOWEB",
    "tier": "CORE",
    "browser": None,
    "platform": "linux/x64",
    "worker": {"id": "w1"},
}


def phone(chat: int) -> str:
    """The number of the nth customer."""
    return str(_FIRST_PHONE + chat)


def asked(chat: int, number: int) -> bytes:
    """The nth customer's message of that number."""
    short = f"3EB0{chat:06X}{number:08X}"
    text = QUESTIONS[number % len(QUESTIONS)]
    return _posted("message.any", f"{chat}i{number}", _written(chat, short, text, from_me=False))


def echoed(chat: int, short: str, text: str) -> bytes:
    """A message of ours, as WAHA tells of it once it went."""
    payload = _written(chat, short, text, from_me=True)
    return _posted("message.any", f"{chat}o{short}", payload)


def acknowledged(chat: int, short: str, ack: int) -> bytes:
    """How far a message of ours got: 1 the server, 2 the phone, 3 the eyes."""
    payload = {
        "id": f"true_{phone(chat)}@c.us_{short}",
        "from": f"{phone(chat)}@c.us",
        "fromMe": True,
        "ack": ack,
        "ackName": {1: "SERVER", 2: "DEVICE", 3: "READ"}[ack],
    }
    return _posted("message.ack", f"{chat}a{short}{ack}", payload)


def request(body: bytes, path: str = "/webhooks/waha") -> bytes:
    """A signed POST of ``body``."""
    signature = hmac.new(HMAC_KEY.encode(), body, hashlib.sha512).hexdigest()
    head = (
        f"POST {path} HTTP/1.1\r\n"
        "Host: 127.0.0.1\r\n"
        "Content-Type: application/json\r\n"
        "User-Agent: WAHA/2026.7.1\r\n"
        f"X-Webhook-Hmac: {signature}\r\n"
        "X-Webhook-Hmac-Algorithm: sha512\r\n"
        f"Content-Length: {len(body)}\r\n"
        "\r\n"
    )
    return head.encode() + body


def _written(chat: int, short: str, text: str, *, from_me: bool) -> dict[str, Any]:
    number, lid, now = phone(chat), f"{_FIRST_LID + chat}@lid", int(time.time())
    sign = "true" if from_me else "false"
    return {
        "id": f"{sign}_{number}@c.us_{short}",
        "timestamp": now,
        "from": f"{number}@c.us",
        "fromMe": from_me,
        "source": "api" if from_me else "app",
        "body": text,
        "hasMedia": False,
        "media": None,
        "ack": 2,
        "ackName": "DEVICE",
        "location": None,
        "vCards": None,
        "replyTo": None,
        "_data": {
            "key": {
                "remoteJid": f"{number}@s.whatsapp.net",
                "remoteJidAlt": lid,
                "fromMe": from_me,
                "id": short,
                "participant": "",
                "addressingMode": "pn",
            },
            "messageTimestamp": now,
            "pushName": "Гүлнар",
            "broadcast": False,
            "message": {"conversation": text},
            "status": 3,
        },
    }


def _posted(event: str, id_: str, payload: dict[str, Any]) -> bytes:
    envelope = {
        "id": f"evt_{id_}",
        "timestamp": int(time.time() * 1000),
        "event": event,
        "session": "default",
        "metadata": {"shop": "altyn"},
        "me": _SHOP,
        "payload": payload,
        "engine": "NOWEB",
        "environment": _ENVIRONMENT,
    }
    return msgspec.json.encode(envelope)
