"""Whether we are there, whether we may be sent work, and figures for Prometheus."""

from __future__ import annotations

from datetime import datetime
from http import HTTPStatus

from litestar import HttpMethod, Response, get, route
from litestar.openapi.datastructures import ResponseSpec
from litestar.response import Redirect
from msgspec import Struct
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from app.web.figures import exposition, figures, lines, queue, shop_days
from app.web.front import FromFront, Health, Probe
from app.web.guards import trusted_or_admin
from app.web.problems import GUARDED, AnyRequest

_LOOK = [HttpMethod.GET, HttpMethod.HEAD]
"""Watchdogs often ask for the head alone."""

_FOR_PROMETHEUS = CONTENT_TYPE_LATEST.removesuffix("; charset=utf-8")
"""Litestar adds the charset to every text."""


class Alive(Struct, frozen=True, kw_only=True):
    """Somebody is here."""

    status: str
    time: datetime


class Ready(Struct, frozen=True, kw_only=True):
    """Whether work may be sent here. ``down`` names every part that is down."""

    status: str
    down: list[str]
    store: Health
    waha: Health
    model: Health
    kaspi: Health
    time: datetime


@route("/", http_method=_LOOK, summary="Somebody is here")
async def root(request: AnyRequest, front: FromFront) -> Response[Alive] | Redirect:
    """The time to a program; a browser is sent to a page, where there is one."""
    if front.home is not None and "text/html" in request.headers.get("accept", ""):
        return Redirect(front.home, status_code=303)
    return Response(Alive(status="ok", time=front.world.now()))


@route("/health/live", http_method=_LOOK, summary="The process answers")
async def live(front: FromFront) -> Alive:
    """Asks no other part."""
    return Alive(status="ok", time=front.world.now())


@route(
    "/health/ready",
    http_method=_LOOK,
    responses={503: ResponseSpec(Ready, generate_examples=False, description="The store is down")},
    summary="Work may be sent here",
)
async def ready(front: FromFront) -> Response[Ready]:
    """503 while the store is down: then nothing can be accepted.

    Other parts may be down and facts are still taken; turning WAHA's webhooks away would lose
    them. Those parts are named all the same.
    """
    probe = await front.probe()
    down = _down(probe)
    serves = probe.store.state is Health.OK
    told = Ready(
        status="ok" if serves else "down",
        down=down,
        store=probe.store.state,
        waha=probe.waha.state,
        model=probe.model.state,
        kaspi=probe.kaspi.state,
        time=front.world.now(),
    )
    return Response(told, status_code=HTTPStatus.OK if serves else HTTPStatus.SERVICE_UNAVAILABLE)


def _down(probe: Probe) -> list[str]:
    parts = {
        "store": probe.store,
        "waha": probe.waha,
        "model": probe.model,
        "kaspi": probe.kaspi,
    }
    return [name for name, part in parts.items() if part.state is Health.DOWN]


@get(
    "/metrics",
    guards=[trusted_or_admin],
    media_type=_FOR_PROMETHEUS,
    responses=GUARDED,
    summary="Figures for Prometheus",
)
async def prometheus(front: FromFront) -> Response[bytes]:
    """Counters over all workers, gauges of the queue, the shops and the lists; this process."""
    shown = exposition(
        await figures(front),
        await queue(front),
        days=await shop_days(front),
        sessions=await lines(front),
        probe=await front.probe(),
        now=front.world.now(),
    )
    return Response(shown, media_type=_FOR_PROMETHEUS)


ROUTES = [root, live, ready, prometheus]
