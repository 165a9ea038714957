"""Real processes and Kaspi: the one that reads is killed, and every order is thanked for once."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

from app.demo.kaspi import EmulatedKaspi
from app.demo.kaspi_shapes import Buyer
from app.demo.model import EmulatedModel
from app.demo.server import serving
from app.demo.waha import EmulatedWaha
from app.store.connection import connect
from app.store.kaspi import KaspiOrders
from app.world import World
from tests.e2e.kaspi_shop import JACKET, TOKEN, UID
from tests.e2e.processes import command, until

OLD, NEW = 4, 6
"""Orders made before the shop was connected, and after."""


async def test_a_killed_reader_loses_no_order_and_thanks_for_none_twice(
    tmp_path: Path, store_url: str
) -> None:
    now = datetime.now(UTC)
    kaspi = EmulatedKaspi(TOKEN, UID, World())
    waha, model = EmulatedWaha("waha-key", world=World()), EmulatedModel("model-key")
    for n in range(OLD):
        made = now - timedelta(hours=2, minutes=n)
        kaspi.place([JACKET], Buyer(phone=f"70500001{n:02}"), created=made)
    for n in range(NEW):
        kaspi.place([JACKET], Buyer(phone=f"70500000{n:02}"), created=now)
    await connected(store_url, now - timedelta(hours=1))
    async with (
        serving(kaspi.app) as kaspi_url,
        serving(waha.app) as waha_url,
        serving(model.app) as model_url,
    ):
        environ = {
            "REDIS_URL": store_url,
            "AI_SELLER_DATA_DIR": str(tmp_path / "data"),
            "WAHA_API_ENDPOINT": waha_url,
            "WAHA_API_KEY": "waha-key",
            "OPENAI_BASE_URL": f"{model_url}/v1",
            "OPENAI_API_KEY": "model-key",
            "KASPI_API_TOKEN": TOKEN,
            "KASPI_MERCHANT_UID": UID,
            "KASPI_API_BASE_URL": kaspi_url,
            "KASPI_POLL_SECONDS": "1",
            "AI_SELLER_QUIET_HOURS": "",
            "AI_SELLER_SEND_INTERVAL_SECONDS": "0",
            "AI_SELLER_TYPING_CHARS_PER_SECOND": "0",
        }
        async with command("worker", folder=tmp_path, **environ) as doomed:
            await until(lambda: kaspi.requests, "it reads")
            async with command("worker", folder=tmp_path, **environ):
                await doomed.kill()
                assert len(kaspi.requests) < 15  # in the middle of the first reading
                await until(lambda: len(waha.sent) >= NEW, "all are thanked for")
                asked = len(kaspi.requests)
                await until(lambda: len(kaspi.requests) > asked + 1, "and it reads on")
    sent_to = Counter(sent.chat_id.split("@")[0] for sent in waha.sent)
    assert sent_to == Counter(f"770500000{n:02}" for n in range(NEW))
    assert kaspi.busiest_second(real=True) <= 2
    assert kaspi.unexpected == []


async def connected(store_url: str, at: datetime) -> None:
    """The shop was connected then."""
    async with connect(store_url) as redis:
        orders = KaspiOrders(redis)
        await orders.connect("default", uid=UID, now=at)
        await orders.seeded("default", at)
