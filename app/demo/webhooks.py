"""WAHA's webhook sender: what is signed, which headers go along, when it is tried again."""

import asyncio
import hashlib
import hmac
import random
import secrets
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Literal

import httpx
import msgspec

from app.demo.bell import Bell

if TYPE_CHECKING:
    from app.world import World

RECOMMENDED_EVENTS = (
    "message.any",
    "message.ack",
    "message.reaction",
    "message.revoked",
    "message.edited",
    "session.status",
    "call.received",
)
_EVENTS = frozenset(
    [
        "*",
        "session.status",
        "message",
        "message.any",
        "message.reaction",
        "message.ack",
        "message.ack.group",
        "message.waiting",
        "message.revoked",
        "message.edited",
        "state.change",
        "group.join",
        "group.leave",
        "group.v2.join",
        "group.v2.leave",
        "group.v2.update",
        "group.v2.participants",
        "presence.update",
        "poll.vote",
        "poll.vote.failed",
        "chat.archive",
        "call.received",
        "call.accepted",
        "call.rejected",
        "label.upsert",
        "label.deleted",
        "label.chat.added",
        "label.chat.deleted",
        "event.response",
        "event.response.failed",
        "engine.event",
    ]
)
_NEVER_BY_WILDCARD = frozenset({"state.change", "engine.event"})


class Retries(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """How often and how soon a refused webhook is sent again; WAHA's defaults."""

    policy: Literal["constant", "linear", "exponential"] = "constant"
    delay_seconds: float = 2
    attempts: int = 15

    def delay(self, attempt: int) -> float:
        """Seconds before the given retry (the first is 1)."""
        match self.policy:
            case "constant":
                return self.delay_seconds
            case "linear":
                return self.delay_seconds * attempt
            case "exponential":
                return self.delay_seconds * float(2**attempt) * random.uniform(1, 1.2)


class Hmac(msgspec.Struct, frozen=True, kw_only=True):
    """The key of the signature; none, no signature."""

    key: str | None = None


class CustomHeader(msgspec.Struct, frozen=True, kw_only=True):
    """One more header of every request."""

    name: str
    value: str


class Webhook(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """One entry of a session's `config.webhooks`."""

    url: str
    events: tuple[str, ...] = RECOMMENDED_EVENTS
    hmac: Hmac | None = None
    retries: Retries | None = None
    custom_headers: tuple[CustomHeader, ...] | None = None

    def wants(self, event: str) -> bool:
        """Whether this webhook is subscribed to the event."""
        return event in self.events or ("*" in self.events and event not in _NEVER_BY_WILDCARD)


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One request of one webhook; `status` is None when there was no answer."""

    url: str
    event: str
    request_id: str
    status: int | None


def signature(key: str, body: bytes) -> str:
    """Lower-case hex of the HMAC-SHA512 over the raw body, as in `X-Webhook-Hmac`."""
    return hmac.new(key.encode(), body, hashlib.sha512).hexdigest()


def config_problem(config: dict[str, Any]) -> str | None:
    """What is wrong with a session's config, in WAHA's words."""
    try:
        webhooks = msgspec.convert(config.get("webhooks") or [], list[Webhook])
    except msgspec.ValidationError as error:
        return f"config.webhooks.{error}"
    for place, webhook in enumerate(webhooks):
        if not _EVENTS.issuperset(webhook.events):
            return f"config.webhooks.{place}.each value in events must be one of the known values"
    return None


class WebhookSender:
    """Sends every event as a task of its own; nothing is ordered and nothing survives a stop."""

    def __init__(self, *, world: "World", user_agent: str) -> None:
        self.attempts: list[Attempt] = []
        self.lost: list[str] = []
        self._world = world
        self._user_agent = user_agent
        self._client: httpx.AsyncClient | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._bell = Bell()

    def send(self, webhook: Webhook, *, event: str, body: bytes, timestamp: int) -> None:
        """Start the delivery of one envelope; `timestamp` is the envelope's own, in ms."""
        request_id = secrets.token_hex(6)
        headers = self._headers(webhook, body=body, request_id=request_id, timestamp=timestamp)
        retries = webhook.retries or Retries()
        delivery = _Delivery(webhook.url, event, request_id, headers, body, retries)
        task = asyncio.create_task(self._deliver(delivery))
        self._tasks.add(task)
        task.add_done_callback(self._done)

    async def delivered(self, within: float) -> None:
        """Return when no delivery is under way."""
        await self._bell.until(lambda: not self._tasks, "the delivery of all webhooks", within)

    async def stop(self) -> None:
        """Forget what is under way, as a stopped WAHA does."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    def _headers(
        self, webhook: Webhook, *, body: bytes, request_id: str, timestamp: int
    ) -> dict[str, str]:
        headers = {
            "Accept": "application/json, text/plain, */*",
            "Content-Type": "application/json",
            "User-Agent": self._user_agent,
            **{header.name: header.value for header in webhook.custom_headers or ()},
            "X-Webhook-Request-Id": request_id,
            "X-Webhook-Timestamp": str(timestamp),
        }
        if webhook.hmac and webhook.hmac.key:
            headers["X-Webhook-Hmac"] = signature(webhook.hmac.key, body)
            headers["X-Webhook-Hmac-Algorithm"] = "sha512"
        return headers

    async def _deliver(self, delivery: "_Delivery") -> None:
        for attempt in range(delivery.retries.attempts + 1):
            response = await self._post(delivery)
            if response is not None and response.is_success:
                return
            if attempt < delivery.retries.attempts:
                asked = self._retry_after(response)
                await self._world.sleep(max(delivery.retries.delay(attempt + 1), asked))
        self.lost.append(delivery.request_id)

    async def _post(self, delivery: "_Delivery") -> httpx.Response | None:
        # A request built apart carries WAHA's headers only, not httpx's own.
        request = httpx.Request(
            "POST", delivery.url, headers=delivery.headers, content=delivery.body
        )
        response: httpx.Response | None = None
        try:
            response = await self._open_client().send(request, follow_redirects=True)
        except httpx.HTTPError:
            response = None
        self.attempts.append(
            Attempt(
                url=delivery.url,
                event=delivery.event,
                request_id=delivery.request_id,
                status=response.status_code if response is not None else None,
            )
        )
        return response

    def _open_client(self) -> httpx.AsyncClient:
        if self._client is None:
            self._client = httpx.AsyncClient(
                timeout=None,  # noqa: S113 - WAHA has no client timeout either
                verify=False,  # noqa: S501 - nor does it check the receiver's certificate
                limits=httpx.Limits(max_connections=None, max_keepalive_connections=20),
                trust_env=False,
            )
        return self._client

    def _retry_after(self, response: httpx.Response | None) -> float:
        value = "" if response is None else response.headers.get("Retry-After", "")
        if value.isdigit():
            return float(value)
        try:
            asked = parsedate_to_datetime(value)
        except ValueError:
            return 0.0
        return max(0.0, (asked - self._world.now()).total_seconds())

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._bell.ring()


class _Delivery(msgspec.Struct, frozen=True):
    url: str
    event: str
    request_id: str
    headers: dict[str, str]
    body: bytes
    retries: Retries
