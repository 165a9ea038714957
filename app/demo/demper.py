"""Who tells us of orders: a demper's push, and a sender of signed Kaspi webhooks."""

import secrets
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import httpx
import msgspec
from standardwebhooks import Webhook

if TYPE_CHECKING:
    from app.demo.kaspi_shapes import Buyer, Order

_TIMEOUT = 30.0


async def push(  # noqa: PLR0917 - said in the order of the sentence
    base_url: str, stage: str, order: "Order", customer: "Buyer", *, token: str | None = None
) -> httpx.Response:
    """Tell of one order as a demper does: its first product only, no signature, no second try."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with httpx.AsyncClient(base_url=base_url, timeout=_TIMEOUT, trust_env=False) as client:
        return await client.post(
            "/event_handler", json=pushed(stage, order, customer), headers=headers
        )


def pushed(stage: str, order: "Order", customer: "Buyer") -> dict[str, object]:
    """The body of a push."""
    item = order.items[0]
    names = [name for name in (customer.first_name, customer.last_name) if name]
    return {
        "waha_stage_id": stage,
        "customer": {"phone": customer.phone, "name": " ".join(names) or None},
        "order": {
            "sku": item.sku,
            "product_name": item.name,
            "quantity": item.quantity,
            "total_amount": order.total,
            "order_id": order.code,
        },
    }


def sign_kaspi_webhook(
    secret: str, body: bytes, *, msg_id: str | None = None, at: datetime | None = None
) -> dict[str, str]:
    """The headers of a Standard Webhooks request, taken within five minutes of `at`."""
    msg_id = msg_id or f"msg_{secrets.token_hex(12)}"
    at = at or datetime.now(UTC)
    return {
        "content-type": "application/json",
        "webhook-id": msg_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign(msg_id, at, body.decode()),
    }


def order_webhook(shop_id: str, order: dict[str, object]) -> bytes:
    """The body of `order.status` for POST /webhooks/kaspi."""
    return msgspec.json.encode({"type": "order.status", "shop_id": shop_id, "order": order})
