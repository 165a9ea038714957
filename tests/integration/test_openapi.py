"""Every door, asked by its own description: with what it allows and with what it forbids."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from typing import Any

import httpx
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.config import SchemathesisConfig

from app.demo.demper import sign_kaspi_webhook
from app.demo.webhooks import signature
from app.store.claims import Buried
from tests.builders import NOON, PHONE
from tests.e2e.stage import ADMIN, HMAC, JACKET, Stage, on_stage

KASPI = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
NOWHERE = "unix:///nonexistent/store.sock"
KNOWN = {"phone": PHONE, "shop_id": "default", "order_id": "912000001", "id": "a-grave"}
"""What is there to be found behind the parameters of the addresses."""

EXAMPLES = 12
"""Requests of one kind at one door; always the same ones, so that a failure comes again."""

CONFIG = {
    "seed": 20261123,
    "generation": {
        "deterministic": True,
        "max-examples": EXAMPLES,
        "with-security-parameters": False,
    },
    "checks": {
        # A description cannot tell a phone from a number, nor a blank text from a written one.
        "positive_data_acceptance": {"enabled": False},
        # Litestar answers OPTIONS itself, and forgets all but one of an address's methods.
        "allow_header_conformance": {"enabled": False},
        "not_a_server_error": {"expected-statuses": ["2xx", "3xx", "4xx", "502", "503"]},
    },
}

Ask = Callable[[Any], None]


class Product:
    """The product, served by an event loop of its own: it is asked from outside, over HTTP."""

    def __init__(self, run: Callable[[Any], Any], stage: Stage) -> None:
        self.run = run
        self.stage = stage
        self.described: Any = schemathesis.openapi.from_url(
            f"{stage.url}/schema/openapi.json", config=SchemathesisConfig.from_dict(CONFIG)
        )

    def meet(self) -> None:
        """Somebody ordered and was written to, and something of theirs failed for good."""
        body = {
            "waha_stage_id": "POST_PURCHASE",
            "customer": {"phone": PHONE, "name": "Айгерим"},
            "order": {**JACKET, "order_id": KNOWN["order_id"]},
        }
        assert httpx.post(f"{self.stage.url}/event_handler", json=body).status_code == 200
        self.run(self.stage.settle())
        grave = Buried(id=KNOWN["id"], chat=PHONE, cause="a test", at=NOON, letters=("?",))
        self.run(self.stage.bot.journal.bury(grave))


@contextmanager
def served(store_url: str) -> Iterator[Product]:
    """The product on this store."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="product", daemon=True)
    thread.start()
    stack = AsyncExitStack()

    def run(step: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(step, loop).result(30)

    try:
        stage = run(stack.enter_async_context(on_stage(store_url, KASPI_WEBHOOK_SECRET=KASPI)))
        yield Product(run, stage)
    finally:
        run(stack.aclose())
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@pytest.fixture
def product(store_url: str) -> Iterator[Product]:
    with served(store_url) as product:
        yield product


class Signed(requests.auth.AuthBase):
    """Signs a webhook as its sender does; every other door is shown the admin key."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        body = request.body or b""
        sent = body if isinstance(body, bytes) else str(body).encode()
        address = request.url or ""
        if address.endswith("/webhooks/waha"):
            request.headers["X-Webhook-Hmac"] = signature(HMAC, sent)
        elif address.endswith("/webhooks/kaspi"):
            text = sent.decode("utf-8", "replace").encode()
            request.headers.update(sign_kaspi_webhook(KASPI, text))
        else:
            request.headers["Authorization"] = f"Bearer {ADMIN}"
        return request


def with_key(case: Any) -> None:
    """Ask with key and signature; what comes back is as described."""
    case.call_and_validate(auth=Signed())


def without_key(case: Any) -> None:
    """Ask with neither; no door of the seller's opens."""
    answer = case.call_and_validate()
    if case.operation.definition.raw.get("security"):
        assert answer.status_code == 401


def ask_every_door(
    product: Product, mode: GenerationMode, ask: Ask, subtests: pytest.Subtests, **known: str
) -> None:
    """Ask each door so many times; ``known`` are parameters of addresses that lead somewhere."""
    for result in product.described.get_all_operations():
        operation = result.ok()
        named = {
            one.name: known[one.name] for one in operation.path_parameters if one.name in known
        }
        if known and not named:
            continue
        with subtests.test(operation.label):
            if known:
                product.meet()
            ask_one_door(operation, mode, ask, named)


def ask_one_door(operation: Any, mode: GenerationMode, ask: Ask, named: dict[str, str]) -> None:
    """Ask one door with what its description gives; there may be nothing it forbids."""
    requests_to_it = operation.as_strategy(mode, path_parameters=named or None)

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=requests_to_it)
    def asked(case: Any) -> None:
        ask(case)

    try:
        asked()
    except Unsatisfiable:
        assert mode is GenerationMode.NEGATIVE


@pytest.mark.parametrize("mode", list(GenerationMode))
def test_every_door_keeps_its_word(
    product: Product, mode: GenerationMode, subtests: pytest.Subtests
) -> None:
    ask_every_door(product, mode, with_key, subtests)


@pytest.mark.parametrize("mode", list(GenerationMode))
def test_doors_that_lead_to_somebody_keep_their_word(
    product: Product, mode: GenerationMode, subtests: pytest.Subtests
) -> None:
    ask_every_door(product, mode, with_key, subtests, **KNOWN)


def test_without_a_key_every_door_keeps_its_word_and_the_sellers_stay_shut(
    product: Product, subtests: pytest.Subtests
) -> None:
    ask_every_door(product, GenerationMode.POSITIVE, without_key, subtests)


def test_without_a_store_every_door_says_so_as_it_promised(subtests: pytest.Subtests) -> None:
    with served(NOWHERE) as product:
        ask_every_door(product, GenerationMode.POSITIVE, with_key, subtests)


def test_the_corners_of_every_description_are_answered_as_described(
    product: Product, subtests: pytest.Subtests
) -> None:
    described = product.described
    for result in described.get_all_operations():
        operation = result.ok()
        with subtests.test(operation.label):
            for case in described.iter_coverage_cases(
                operation,
                generation_modes=list(GenerationMode),
                generation_config=described.config.generation,
            ):
                with_key(case)
