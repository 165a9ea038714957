"""The bodies WAHA makes of WhatsApp's events and answers, as each engine shapes them."""

# ruff: noqa: A001, A002 - `id` is what WAHA itself calls it

import secrets
from datetime import datetime
from typing import Any, Literal, TypeAlias

import msgspec

Engine: TypeAlias = Literal["NOWEB", "GOWS", "WEBJS"]
Kind: TypeAlias = Literal["voice", "picture", "document", "place"]
Body: TypeAlias = dict[str, Any]

ACK_NAMES = {-1: "ERROR", 0: "PENDING", 1: "SERVER", 2: "DEVICE", 3: "READ", 4: "PLAYED"}
_CONTENTS: dict[Kind, str] = {
    "voice": "audioMessage",
    "picture": "imageMessage",
    "document": "documentMessage",
    "place": "locationMessage",
}
_WEBJS_TYPES: dict[Kind, str] = {
    "voice": "ptt",
    "picture": "image",
    "document": "document",
    "place": "location",
}
_MAP = "/9j/4AAQSkZJRgABAQAAAQ"
"""The beginning of a picture of a map, which stands where a place's text would."""
_CROCKFORD = "0123456789abcdefghjkmnpqrstvwxyz"
_CLIENT_IDS_SINCE = (2026, 4, 3)
_SESSION_DATA_SINCE = (2026, 7, 1)
_TIMELOCK_SINCE = (2026, 7, 2)


class Peer(msgspec.Struct, frozen=True, kw_only=True):
    """The other side of a chat: the address WhatsApp shows, and the one it only hints at."""

    id: str
    alt: str | None = None
    name: str | None = None

    @property
    def is_direct(self) -> bool:
        """Whether this is one person, not a group, a channel or the status feed."""
        return self.id.endswith(("@c.us", "@lid"))


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One WhatsApp message; `id` is its short id, `author` who wrote it in a group.

    `kind` is what it is where it is no text: a file as WAHA tells of it in `media`, or a `place`.
    """

    id: str
    chat: Peer
    text: str | None
    at: datetime
    from_me: bool = False
    source: Literal["app", "api"] = "app"
    author: Peer | None = None
    ack: int = 2
    media: Body | None = None
    kind: Kind | None = None
    place: Body | None = None
    reply_to: str | None = None

    @property
    def full_id(self) -> str:
        """`{fromMe}_{chat}_{id}`, and the author in a group."""
        parts = [str(self.from_me).lower(), self.chat.id, self.id]
        return "_".join([*parts, self.author.id] if self.author else parts)


class Shop(msgspec.Struct, frozen=True, kw_only=True):
    """The WhatsApp account of the session."""

    phone: str = "77770000001"
    name: str = "Тестовый магазин"
    lid: str = "100000000000001"


def jid(address: str) -> str:
    """An address as WhatsApp itself writes it."""
    return address.replace("@c.us", "@s.whatsapp.net")


def event_id(at: datetime) -> str:
    """`evt_` and a lower-case ULID."""
    number = int(at.timestamp() * 1000) << 80 | secrets.randbits(80)
    return "evt_" + "".join(_CROCKFORD[number >> shift & 31] for shift in range(125, -1, -5))


def encoded(body: Body) -> bytes:
    """As JSON.stringify writes it: no spaces, raw UTF-8, keys in their order."""
    return msgspec.json.encode(body)


class Shapes(msgspec.Struct, frozen=True, kw_only=True):
    """Everything one WAHA says, in the words of its engine and version."""

    engine: Engine
    version: str
    shop: Shop

    @property
    def takes_client_ids(self) -> bool:
        """Whether `id` in a send request becomes the message's id."""
        return self.engine != "WEBJS" and self._version >= _CLIENT_IDS_SINCE

    @property
    def _version(self) -> tuple[int, ...]:
        return tuple(int(part) for part in self.version.split("."))

    # -- the session

    def me(self) -> Body:
        """The account as `me` of envelopes."""
        me = {"id": f"{self.shop.phone}@c.us", "pushName": self.shop.name}
        if self.engine != "WEBJS" or self._version >= _SESSION_DATA_SINCE:
            me["lid"] = f"{self.shop.lid}@lid"
        if self.engine == "GOWS":
            me["jid"] = f"{self.shop.phone}:12@s.whatsapp.net"
        return me

    def account(self, timelock: Body | None) -> Body:
        """The account as the API shows it, with the timelock where this version knows of it."""
        told = {"reachoutTimelock": timelock} if self._version >= _TIMELOCK_SINCE else {}
        return self.me() | told

    def environment(self) -> Body:
        """`environment` of envelopes, and most of /api/server/version."""
        return {
            "version": self.version,
            "engine": self.engine,
            "tier": "CORE",
            "browser": "/usr/bin/chromium" if self.engine == "WEBJS" else None,
            "platform": "linux/x64",
            "worker": {"id": "w1"},
        }

    def envelope(self, *, id: str, at: datetime, event: str, session: Body, payload: Body) -> Body:
        """One webhook body; `session` gives name, metadata and me, absent ones are left out."""
        body: Body = {"id": id, "timestamp": int(at.timestamp() * 1000), "event": event}
        body["session"] = session["name"]
        if session.get("metadata") is not None:
            body["metadata"] = session["metadata"]
        body["me"] = session["me"]
        body["payload"] = payload
        if self.engine != "GOWS":
            body["engine"] = self.engine
        body["environment"] = self.environment()
        return body

    def status(self, name: str, statuses: list[Body], data: Body | None) -> Body:
        """Payload of session.status: the newest status and the last three."""
        payload: Body = {"name": name, "status": statuses[-1]["status"], "statuses": statuses[-3:]}
        if self._version >= _SESSION_DATA_SINCE:
            payload["data"] = data
        return payload

    # -- messages

    def message(self, line: Line) -> Body:
        """The WAMessage of a message."""
        body: Body = {"id": line.full_id, "timestamp": int(line.at.timestamp())}
        body["from"] = self._from(line)
        body |= {"fromMe": line.from_me, "source": line.source}
        body |= self._to(line) if self.engine == "WEBJS" else {}
        body["body"] = self._body(line)
        body |= self._to(line) if self.engine != "WEBJS" else {}
        body |= {"hasMedia": line.media is not None, "media": line.media}
        body |= self._ack_and_places(line)
        if self.engine != "WEBJS" or line.reply_to:
            body["replyTo"] = {"id": line.reply_to} if line.reply_to else None
        body["_data"] = self._data(line)
        return body

    def ack(self, line: Line, ack: int, error: Body | None = None) -> Body:
        """Payload of message.ack; WEBJS sends the whole message."""
        if self.engine == "WEBJS":
            return self.message(msgspec.structs.replace(line, ack=ack))
        body: Body = {"id": line.full_id, "from": line.chat.id, "fromMe": line.from_me}
        body |= {"ack": ack, "ackName": ACK_NAMES[ack]}
        return body | {"error": error} if error else body

    def reaction(self, line: Line, emoji: str, target: Line) -> Body:
        """Payload of message.reaction; an empty emoji takes it back."""
        reaction = {"text": emoji, "messageId": target.full_id}
        body: Body = {"id": line.full_id}
        if self.engine == "WEBJS":
            body |= {"from": line.chat.id, "fromMe": False, "participant": line.chat.id}
            body |= {"to": line.chat.id, "timestamp": line.at.timestamp(), "reaction": reaction}
            return body
        body |= {"timestamp": int(line.at.timestamp()), "from": line.chat.id, "fromMe": False}
        body["source"] = "app"
        if self.engine == "GOWS":
            body |= {"to": None, "participant": None}
        return body | {"reaction": reaction}

    def edited(self, line: Line, original: str) -> Body:
        """Payload of message.edited: the act of editing, its new text and the id it changes."""
        action = msgspec.structs.replace(line, id=original) if self.engine == "WEBJS" else line
        return self.message(action) | {"editedMessageId": original}

    def revoked(self, line: Line, original: Line | None, original_id: str) -> Body:
        """Payload of message.revoked."""
        known = self.engine == "WEBJS" and original is not None
        return {
            "after": self.message(msgspec.structs.replace(line, text=None)),
            "before": self.message(original) if known and original else None,
            "revokedMessageId": original_id,
            "_data": self._data(line),
        }

    def call(self, call_id: str, chat: Peer, at: datetime) -> Body:
        """Payload of call.received."""
        body: Body = {"id": call_id, "from": chat.id, "timestamp": int(at.timestamp())}
        return body | {"isVideo": False, "isGroup": False, "_data": {"id": call_id}}

    # -- answers

    def sent(self, line: Line, chat_id: str) -> Body:
        """The 201 answer of sendText; `chat_id` as the caller wrote it."""
        if self.engine == "NOWEB":
            return {
                "key": {"remoteJid": jid(chat_id), "fromMe": True, "id": line.id},
                "message": {"extendedTextMessage": {"text": line.text}},
                "messageTimestamp": str(int(line.at.timestamp())),
                "status": "PENDING",
            }
        full = f"true_{chat_id}_{line.id}"
        if self.engine == "GOWS":
            return {"id": full, "_data": {"ID": line.id, "ServerID": 0, "Timestamp": _iso(line.at)}}
        id = {"fromMe": True, "remote": chat_id, "id": line.id, "_serialized": full}
        body: Body = {"_data": {"id": id, "body": line.text, "type": "chat"}, "id": id, "ack": 0}
        body |= {"hasMedia": False, "body": line.text, "type": "chat", "fromMe": True}
        body |= {"timestamp": int(line.at.timestamp()), "from": f"{self.shop.phone}@c.us"}
        return body | {"to": chat_id, "deviceType": "web", "isForwarded": False}

    # -- parts

    def _body(self, line: Line) -> str | None:
        if line.place is not None:
            return _MAP
        return "" if line.text is None and line.kind and self.engine == "WEBJS" else line.text

    def _ack_and_places(self, line: Line) -> Body:
        ack, name = {"ack": line.ack}, {"ackName": ACK_NAMES[line.ack]}
        match self.engine:
            case "NOWEB":
                return {**ack, **name, "location": line.place, "vCards": None}
            case "GOWS":
                return {**ack, "location": line.place, "vCards": None, **name}
            case "WEBJS":
                return {**ack, **name, "vCards": []} | (
                    {"location": line.place} if line.place else {}
                )

    def _from(self, line: Line) -> str:
        if self.engine == "WEBJS" and line.from_me:
            return f"{self.shop.phone}@c.us"
        return line.chat.id

    def _to(self, line: Line) -> Body:
        participant = {"participant": line.author.id} if line.author else {}
        match self.engine:
            case "WEBJS":
                to = line.chat.id if line.from_me else f"{self.shop.phone}@c.us"
                return {"to": to} | participant
            case "GOWS":
                author = line.author.id if line.author else None
                return {"to": author, "participant": author}
            case "NOWEB":
                return {"to": line.chat.id} | participant if participant else {}

    def _data(self, line: Line) -> Body:
        match self.engine:
            case "NOWEB":
                return self._baileys(line)
            case "GOWS":
                return self._whatsmeow(line)
            case "WEBJS":
                return self._webjs(line)

    def _baileys(self, line: Line) -> Body:
        key: Body = {"remoteJid": jid(line.chat.id)}
        if line.chat.alt:
            key["remoteJidAlt"] = jid(line.chat.alt)
        key |= {"fromMe": line.from_me, "id": line.id}
        key["participant"] = jid(line.author.id) if line.author else ""
        if line.author and line.author.alt:
            key["participantAlt"] = jid(line.author.alt)
        key["addressingMode"] = "lid" if (line.author or line.chat).id.endswith("@lid") else "pn"
        return {
            "key": key,
            "messageTimestamp": int(line.at.timestamp()),
            "pushName": self._push_name(line),
            "broadcast": line.chat.id.endswith("@broadcast"),
            "message": self._content(line),
            "status": line.ack + 1,
        }

    def _whatsmeow(self, line: Line) -> Body:
        sender = line.author or line.chat
        shop = f"{self.shop.phone}:12@s.whatsapp.net"
        info: Body = {
            "Chat": jid(line.chat.id),
            "Sender": shop if line.from_me else jid(sender.id),
            "IsFromMe": line.from_me,
            "IsGroup": line.chat.id.endswith("@g.us"),
            "AddressingMode": "",
            "SenderAlt": f"{self.shop.lid}@lid" if line.from_me else jid(sender.alt or ""),
            "RecipientAlt": jid(line.chat.alt or "") if line.from_me else "",
            "BroadcastListOwner": "",
            "BroadcastRecipients": None,
            "ID": line.id,
            "ServerID": 0,
            "Type": "media" if line.kind else "text",
            "PushName": self._push_name(line),
            "Timestamp": _iso(line.at),
            "Category": "",
            "Multicast": False,
            "MediaType": _WEBJS_TYPES[line.kind] if line.kind else "",
            "Edit": "",
        }
        return {
            "Info": info,
            "Message": self._content(line),
            "IsEphemeral": False,
            "Status": line.ack + 1,
        }

    def _webjs(self, line: Line) -> Body:
        id: Body = {"fromMe": line.from_me, "remote": line.chat.id, "id": line.id}
        id["_serialized"] = line.full_id
        return {
            "id": id,
            "viewed": False,
            "body": self._body(line),
            "type": _WEBJS_TYPES[line.kind] if line.kind else "chat",
            "t": int(line.at.timestamp()),
            "notifyName": self._push_name(line),
            "from": self._from(line),
            "to": self._to(line)["to"],
            "ack": line.ack,
            "isNewMsg": True,
            "star": False,
            "links": [],
        }

    def _content(self, line: Line) -> Body:
        """The protobuf part both Baileys and whatsmeow show."""
        if line.kind is None:
            return {"conversation": line.text}
        content: Body = {"caption": line.text} if line.text else {}
        if line.media is not None:
            content["mimetype"] = line.media["mimetype"]
        match line.kind:
            case "voice":
                content["PTT" if self.engine == "GOWS" else "ptt"] = True
            case "document":
                content["fileName"] = line.media["filename"] if line.media else None
            case "place":
                content["degreesLatitude"] = line.place["latitude"] if line.place else None
            case "picture":
                pass
        return {_CONTENTS[line.kind]: content}

    def _push_name(self, line: Line) -> str:
        return self.shop.name if line.from_me else (line.author or line.chat).name or ""


def _iso(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
