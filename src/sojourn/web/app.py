"""The ASGI application: every route with its guard, the one shape of errors, and OpenAPI."""

from typing import Any

from litestar import Litestar, Response, Router, get
from litestar.datastructures import State
from litestar.di import Provide
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.types.internal_types import PathParameterDefinition

from sojourn.web import clients, ingest
from sojourn.web.access import reader
from sojourn.web.api import configuration, people, privacy, reading, sql
from sojourn.web.browser_sdk import browser_sdk
from sojourn.web.errors import EXCEPTION_HANDLERS
from sojourn.web.live import Broadcaster
from sojourn.web.pages.failures import missing_page
from sojourn.web.pages.login import Failures
from sojourn.web.pages.routes import pages_router
from sojourn.web.services import Services


@get("/health", sync_to_thread=False)
def health() -> dict[str, str]:
    """Whether the server answers."""
    return {"status": "ok"}


@get("/metrics", guards=[reader], sync_to_thread=True)
def metrics(services: Services) -> Response[bytes]:
    """Figures for Prometheus."""
    services.metrics.waiting_rows.set(services.store.writer.waiting_rows)
    return Response(services.metrics.text(), media_type="text/plain; version=0.0.4")


INGEST: list[Any] = [ingest.preflight, ingest.take_events, *clients.HANDLERS, browser_sdk]
API: list[Any] = [
    reading.list_sessions,
    reading.get_session,
    reading.list_events,
    reading.list_users,
    reading.get_user,
    reading.list_discards,
    people.list_merges,
    people.add_merge,
    people.undo_merge,
    people.list_stretches,
    privacy.export_user,
    privacy.erase_user,
    sql.ask_sql,
    configuration.list_frontends,
    configuration.add_frontend,
    configuration.get_settings,
    configuration.change_settings,
    configuration.list_history,
    configuration.list_properties,
    configuration.add_property,
    configuration.import_properties,
    configuration.get_property,
    configuration.change_property,
    configuration.remove_property,
]


def _operation_id(handler: HTTPRouteHandler, _: str, __: list[str | PathParameterDefinition]) -> str:
    """Name an operation as its function, which Litestar wraps where it runs on a thread."""
    function: Any = handler.fn
    while hasattr(function, "func"):
        function = function.func
    return str(function.__name__)


def create_app(services: Services, live: Broadcaster | None = None) -> Litestar:
    """The application over a server's parts; `live` is told by the store what has become durable."""

    def get_services() -> Services:
        return services

    return Litestar(
        # In one router, whose routes are registered once. One by one, Litestar prepares the handlers of a path again
        # for each further method, and from the third on the first ones answer with a coroutine.
        route_handlers=[
            Router("/", route_handlers=[*INGEST, health, metrics, *API]),
            pages_router(),
        ],
        dependencies={"services": Provide(get_services, sync_to_thread=False, use_cache=True)},
        exception_handlers={**EXCEPTION_HANDLERS, 404: missing_page},
        state=State({"services": services, "live": live or Broadcaster(), "failures": Failures()}),
        openapi_config=OpenAPIConfig(
            title="Sojourn",
            version="1",
            path="/api",
            render_plugins=[JsonRenderPlugin(path="/openapi.json")],
            operation_id_creator=_operation_id,
        ),
        request_max_body_size=1 << 20,
        logging_config=None,
    )
