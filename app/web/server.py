"""The application: every door, its guard, and how failures are told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

from litestar import Litestar, Response, Router
from litestar.connection import Request
from litestar.di import Provide
from litestar.exceptions import HTTPException, MethodNotAllowedException
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme
from litestar.types import ControllerRouterHandler

from app import __version__
from app.web import (
    contacts_api,
    costs_api,
    health,
    prices_api,
    queue_api,
    rules_api,
    sales_api,
    seller_api,
    sessions_api,
    status_api,
    webhooks,
)
from app.web.desk.router import desk, opened_a_form
from app.web.front import Front, front_of
from app.web.guards import admin, trusted_or_admin
from app.web.problems import HANDLERS, SAFE_HEADERS, AnyRequest

App: TypeAlias = Litestar
Routes: TypeAlias = Sequence[ControllerRouterHandler]

MAX_BODY = 1024 * 1024
"""Bytes a request may hold: the longest webhook seen has a tenth of it."""

_ADMIN = "admin"


def routes() -> list[ControllerRouterHandler]:
    """Every door but the demo's."""
    return [
        *health.ROUTES,
        *webhooks.ROUTES,
        Router(
            "/",
            route_handlers=[
                contacts_api.ROUTER, costs_api.ROUTER, prices_api.ROUTER, queue_api.ROUTER,
                rules_api.ROUTER, sales_api.ROUTER, seller_api.ROUTER, sessions_api.ROUTER,
                status_api.ROUTER,
            ],
            guards=[admin],
            security=[{_ADMIN: []}],
        ),
        desk(),
    ]  # fmt: skip


def build(front: Front, extra_routes: Routes = ()) -> App:
    """The application that serves ``front``; ``extra_routes`` are the demo's."""
    app = Litestar(
        [*routes(), *extra_routes],
        dependencies={"front": Provide(_front, sync_to_thread=False)},
        exception_handlers={**HANDLERS, MethodNotAllowedException: _other_method},
        response_headers=SAFE_HEADERS,
        request_max_body_size=MAX_BODY,
        openapi_config=_openapi(),
        logging_config=None,
    )
    app.state.front = front
    return app


def _front(request: Request[Any, Any, Any]) -> Front:
    """What the application that serves ``request`` works with: told apart by its state only."""
    return front_of(request)


def _other_method(request: AnyRequest, error: MethodNotAllowedException) -> Response[Any]:
    """A person at the desk is shown a page, whoever else a problem."""
    if request.method == "GET" and request.url.path.startswith("/desk/"):
        return opened_a_form(request)
    return HANDLERS[HTTPException](request, error)


def _openapi() -> OpenAPIConfig:
    """The description of the doors, as JSON: no page that would load scripts from elsewhere."""
    bearer = SecurityScheme(type="http", scheme="bearer", description="ADMIN_API_KEY")
    return OpenAPIConfig(
        title="ai-seller",
        version=__version__,
        use_handler_docstrings=True,
        components=Components(security_schemes={_ADMIN: bearer}),
        openapi_router=Router(
            "/schema", route_handlers=[], guards=[trusted_or_admin], include_in_schema=False
        ),
        render_plugins=[JsonRenderPlugin(path=["/", "/openapi.json"])],
    )
