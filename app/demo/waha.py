"""An emulated WAHA: the state of its sessions and chats, and everybody who writes to them."""

# ruff: noqa: A001, A002 - `id` is what WAHA itself calls it

import itertools
import secrets
from collections import deque
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Literal

import msgspec

from app.demo.bell import Bell
from app.demo.waha_files import Files
from app.demo.waha_late import Later
from app.demo.waha_phone import Phone
from app.demo.waha_routes import waha_app
from app.demo.waha_sessions import new_qr
from app.demo.waha_shapes import Body, Engine, Line, Peer, Shapes, Shop, encoded, event_id
from app.demo.webhooks import RECOMMENDED_EVENTS, Hmac, Retries, Webhook, WebhookSender

if TYPE_CHECKING:
    from app.demo.faults import SendFault
    from app.demo.server import Seen
    from app.world import World

_PATIENCE = 5.0


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """One message accepted from sendText; `id` is the short id."""

    id: str
    chat_id: str
    text: str
    at: datetime
    session: str
    link_preview: bool
    reply_to: str | None


class Session(msgspec.Struct, kw_only=True):
    """A WAHA session; `timelock` is WhatsApp's last word on writing to new contacts.

    `qr` stands in the QR code while there is one, `pairing_code` is the last that was asked for.
    """

    name: str
    status: str
    config: Body
    statuses: list[Body] = []
    logged_in: bool = True
    timelock: Body | None = None
    qr: str = ""
    pairing_code: str | None = None

    @property
    def webhooks(self) -> list[Webhook]:
        """The webhooks its config asks for."""
        return msgspec.convert(self.config.get("webhooks") or [], list[Webhook])


class EmulatedWaha:
    """A WAHA with one logged-in session `default`, its WhatsApp and the people on it.

    Serve `app` with `serving`; the state is kept here, so it may be stopped and served again.
    Webhooks go to every URL in `webhooks` (the environment's) and in a session's config.
    Switches: `echo` and `acks` of own messages; `twice`: a message as `message` and `message.any`
    whatever was subscribed; `down`: every connection is cut; `deaf`: no webhook is sent, while
    all else works and shows in the history; `store`: NOWEB keeps what history and lids are read
    from; `merges`: a history holds what was said under either address; `echo_first`: webhooks of
    a message arrive before its answer; `failing`: words in a path and the engine's error there;
    `files`: what came with messages, and what goes wrong with fetching it;
    `status_wait`: real seconds a request to a session in a wrong status is kept waiting (5 or 10
    in a real one); `start_takes`: the world's seconds a session is STARTING (3 in a real one).
    """

    def __init__(
        self,
        api_key: str,
        *,
        world: "World",
        engine: Engine = "NOWEB",
        version: str = "2026.7.1",
        shop: Shop | None = None,
        webhook_url: str | None = None,
        hmac_key: str | None = None,
        retries: Retries | None = None,
    ) -> None:
        self.api_key = api_key
        self.world = world
        self.shapes = Shapes(engine=engine, version=version, shop=shop or Shop())
        self.webhooks: list[Webhook] = []
        if webhook_url is not None:
            self.hook(webhook_url, hmac_key=hmac_key, retries=retries)
        self.sender = WebhookSender(world=world, user_agent=f"WAHA/{version}")
        self.sessions: dict[str, Session] = {}
        self.faults: deque[SendFault] = deque()
        self.requests: list[Seen] = []
        self.unexpected: list[Seen] = []
        self.sent: list[Sent] = []
        self.lines: list[Line] = []
        self.phones: list[Phone] = []
        self.not_on_whatsapp: set[str] = set()
        self.files = Files()
        self.echo = self.acks = True
        self.twice = self.down = self.deaf = False
        self.store = self.merges = True
        self.echo_first = False
        self.failing: dict[str, str] = {}
        self.status_wait = self.start_takes = 0.0
        self.later = Later(world)
        self._bell = Bell()
        self._lids = itertools.count(211_111_111_111_111)
        self.new_session("default", {})
        self.app = waha_app(self)

    # -- what tests and the demo look at

    async def wait_for_sent(self, n: int, timeout: float = _PATIENCE) -> list[Sent]:  # noqa: ASYNC109 - for tests
        """Return what was sent once there are at least `n` messages; TimeoutError otherwise."""
        self.later.catch_up()
        await self._bell.until(lambda: len(self.sent) >= n, f"sending of {n} messages", timeout)
        return self.sent

    async def delivered(self, timeout: float = _PATIENCE) -> None:  # noqa: ASYNC109 - for tests
        """Return when every webhook was taken or given up."""
        self.later.catch_up()
        await self.sender.delivered(timeout)

    def hook(
        self,
        url: str,
        *,
        hmac_key: str | None = None,
        events: tuple[str, ...] = RECOMMENDED_EVENTS,
        retries: Retries | None = None,
    ) -> None:
        """Add a webhook the way WHATSAPP_HOOK_URL does: it is not shown by the API."""
        key = Hmac(key=hmac_key) if hmac_key else None
        self.webhooks.append(Webhook(url=url, events=events, hmac=key, retries=retries))

    # -- people

    def phone(
        self,
        number: str,
        *,
        name: str | None = None,
        lid: str | None = None,
        address: Literal["pn", "lid"] = "pn",
    ) -> Phone:
        """A buyer's phone; `address` is what WhatsApp shows of it in its messages."""
        known = self.find(number)
        if known is not None:
            return known
        digits = (lid or str(next(self._lids))).removesuffix("@lid")
        phone = Phone(self, number=number, lid=digits, name=name, address=address)
        self.phones.append(phone)
        return phone

    def find(self, address: str) -> Phone | None:
        """The phone with this number or lid, in any of their spellings."""
        digits, _, server = address.removeprefix("+").partition("@")
        for phone in self.phones:
            if digits == phone.lid if server == "lid" else digits in (phone.number, phone.lid):
                return phone
        return None

    async def owner_writes(self, number: str, text: str, *, id: str | None = None) -> str:
        """The shop's owner answers from the phone itself; the short id."""
        phone = self.phone(number)
        line = Line(
            id=id or "3A" + secrets.token_hex(9).upper(),
            chat=phone.peer,
            text=text,
            at=self.world.now(),
            from_me=True,
            ack=1,
        )
        phone.takes(line)
        self.write(line, ("message.any",))
        return line.id

    async def group_message(
        self, text: str, *, author: str = "77017654321", group: str = "120363000000000001@g.us"
    ) -> str:
        """Somebody writes in a group the shop is in; the short id."""
        line = self._incoming(text, Peer(id=group), author=self.phone(author).peer)
        self.write(line)
        return line.id

    async def status_broadcast(self, text: str, *, author: str = "77017654321") -> str:
        """A contact posts a status; the short id."""
        line = self._incoming(text, Peer(id="status@broadcast"), author=self.phone(author).peer)
        self.write(line)
        return line.id

    async def newsletter(self, text: str, *, channel: str = "120363000000000002@newsletter") -> str:
        """A channel posts; the short id."""
        line = self._incoming(text, Peer(id=channel))
        self.write(line)
        return line.id

    def _incoming(self, text: str, chat: Peer, author: Peer | None = None) -> Line:
        id = self.new_message_id()
        return Line(id=id, chat=chat, text=text, at=self.world.now(), author=author)

    # -- sessions

    def new_session(self, name: str, config: Body, *, logged_in: bool = True) -> Session:
        """A session that works, or is stopped until somebody logs in."""
        session = Session(name=name, status="STOPPED", config=config, logged_in=logged_in)
        self.sessions[name] = session
        if logged_in:
            self._note_status(session, "STARTING")
            self._note_status(session, "WORKING")
        return session

    def begin(self, session: Session) -> None:
        """Start a session: it works in a while, or waits for a phone where none is logged in."""
        self.change_status(session, "STARTING")
        if self.start_takes:
            self.later.add(self.start_takes, lambda: self._began(session))
        else:
            self._began(session)

    def _began(self, session: Session) -> None:
        if session.status == "STARTING":
            self.change_status(session, "WORKING" if session.logged_in else "SCAN_QR_CODE")

    def scan(self, session: str = "default", *, code: str | None = None) -> None:
        """The shop's phone scans the QR code, or types `code` in.

        ValueError when there is nothing to be scanned, or the code is another one.
        """
        found = self.sessions[session]
        if found.status != "SCAN_QR_CODE":
            raise ValueError(f"nothing to be scanned: {found.status}")
        if code is not None and code != found.pairing_code:
            raise ValueError("WhatsApp does not know this code")
        self.change_status(found, "WORKING")

    def log_out(self, session: str = "default") -> None:
        """The owner removes the linked device on the phone: WAHA fails, and waits for a restart."""
        found = self.sessions[session]
        found.logged_in = False
        self.change_status(found, "FAILED")

    async def session_becomes(
        self, status: str, *, session: str = "default", data: Body | None = None
    ) -> None:
        """Change a session's status and tell so; `data` as in session.status, e.g. a timelock.

        SCAN_QR_CODE, also once more, is a phone logged out and another QR code.
        """
        self.change_status(self.sessions[session], status, data)

    async def timelock(self, *, active: bool = True, days: int = 3) -> None:
        """Announce that WhatsApp lets the account open no new chats for days, or does again.

        From then on the API shows it too, in versions that do.
        """
        ends = int((self.world.now() + timedelta(days=days)).timestamp())
        lock: Body = {"enforcementType": "RESTRICT_ALL_COMPANIONS", "isActive": active}
        lock["timeEnforcementEnds"] = ends
        self.sessions["default"].timelock = lock
        await self.session_becomes("WORKING", data={"reachoutTimelock": lock})

    def change_status(self, session: Session, status: str, data: Body | None = None) -> None:
        """Note a status and send session.status."""
        self._note_status(session, status)
        if status in ("WORKING", "SCAN_QR_CODE"):
            session.logged_in = status == "WORKING"
        payload = self.shapes.status(session.name, session.statuses, data)
        self.emit("session.status", payload, session=session)

    def _note_status(self, session: Session, status: str) -> None:
        session.status = status
        session.qr = new_qr() if status == "SCAN_QR_CODE" else ""
        at = int(self.world.now().timestamp() * 1000)
        session.statuses.append({"status": status, "timestamp": at})

    # -- messages

    def new_message_id(self) -> str:
        """A short message id as this engine makes them."""
        if self.shapes.engine == "WEBJS":
            return secrets.token_hex(16).upper()
        return "3EB0" + secrets.token_hex(9).upper()

    def accept(self, request: Body, *, refused: bool = False) -> Line:
        """Send one message: the recipient has it, and the webhooks hear of it.

        The same `id` twice is two messages. `refused`: WhatsApp takes it back for its timelock.
        """
        chat_id = str(request["chatId"])
        chat_id = chat_id if "@" in chat_id else f"{chat_id}@c.us"
        phone = self.find(chat_id)
        own_id = request.get("id") if self.shapes.takes_client_ids else None
        line = Line(
            id=own_id or self.new_message_id(),
            chat=phone.peer if phone else Peer(id=chat_id),
            text=str(request["text"]),
            at=self.world.now(),
            from_me=True,
            source="api",
            ack=1 if self.shapes.engine == "GOWS" else 0,
            reply_to=request.get("reply_to"),
        )
        self._remember_sent(line, request, chat_id)
        if phone is not None and not refused:
            phone.takes(line)
        if self.echo:
            self.write(line, ("message.any",), keep=False)
        if refused:
            self.refuse(line)
        elif self.acks and self.reachable(chat_id):
            self._acknowledge(line)
        self._bell.ring()
        return line

    def refuse(self, line: Line) -> None:
        """WhatsApp took the message back because of a timelock: an ack of -1."""
        lock = self.sessions["default"].timelock or {}
        ends = lock.get("timeEnforcementEnds") if lock.get("isActive") else None
        error = {
            "code": "463",
            "blocked": True,
            "reason": "account_restricted",
            "until": None if ends is None else _iso(ends),
        }
        self.emit("message.ack", self.shapes.ack(line, -1, error))

    def reachable(self, chat_id: str) -> bool:
        """Whether there is a WhatsApp at this address."""
        return chat_id.partition("@")[0].removeprefix("+") not in self.not_on_whatsapp

    def write(
        self, line: Line, events: Iterable[str] = (), *, forced: bool = False, keep: bool = True
    ) -> None:
        """Put a message into its chat and send its events; by default those of an incoming one."""
        if keep:
            self.lines.append(line)
        wanted = tuple(events) or ("message", "message.any")
        payload = self.shapes.message(line)
        shared = event_id(self.world.now()) if self.shapes.engine != "WEBJS" else None
        for event in wanted:
            forced_now = forced or (self.twice and not line.from_me)
            self.emit(event, payload, chat=line.chat, id=shared, forced=forced_now)

    def emit(
        self,
        event: str,
        payload: Body,
        *,
        session: Session | None = None,
        chat: Peer | None = None,
        id: str | None = None,
        forced: bool = False,
    ) -> None:
        """Send one event to every webhook that wants it (`forced`: to all of them)."""
        source = session or self.sessions["default"]
        if self.deaf:
            return
        if chat is not None and _ignored(chat, source.config.get("ignore") or {}):
            return
        at = self.world.now()
        about: Body = {"name": source.name, "metadata": source.config.get("metadata")}
        about["me"] = self.shapes.me() if source.logged_in else None
        envelope = self.shapes.envelope(
            id=id or event_id(at), at=at, event=event, session=about, payload=payload
        )
        body = encoded(envelope)
        for webhook in [*self.webhooks, *source.webhooks]:
            if forced or webhook.wants(event):
                self.sender.send(webhook, event=event, body=body, timestamp=envelope["timestamp"])

    def _remember_sent(self, line: Line, request: Body, chat_id: str) -> None:
        self.lines.append(line)
        self.sent.append(
            Sent(
                id=line.id,
                chat_id=chat_id,
                text=line.text or "",
                at=line.at,
                session=request["session"],
                link_preview=request.get("linkPreview", True),
                reply_to=line.reply_to,
            )
        )

    def _acknowledge(self, line: Line) -> None:
        for ack in (2,) if self.shapes.engine == "GOWS" else (1, 2):
            self.emit("message.ack", self.shapes.ack(line, ack), chat=line.chat)


def _iso(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _ignored(chat: Peer, ignore: Body) -> bool:
    kinds = {"@g.us": "groups", "@newsletter": "channels", "@broadcast": "broadcast"}
    if chat.id == "status@broadcast":
        return bool(ignore.get("status"))
    return any(ignore.get(kind) for suffix, kind in kinds.items() if chat.id.endswith(suffix))
