"""Get started: what to paste into an application, with the real key, and a light that turns green by itself."""

from typing import Any

from litestar import Request, Response, get

from sojourn.query.live import has_events, recent_events
from sojourn.web.access import reader
from sojourn.web.errors import ApiError
from sojourn.web.pages.rendering import render
from sojourn.web.services import Services

CLIENTS = (
    ("python", "Python"),
    ("browser", "Browser"),
    ("openkit", "OpenKit"),
    ("otlp", "OpenTelemetry"),
    ("segment", "Segment"),
    ("http", "HTTP"),
)


@get("/frontends/{frontend:str}/start", guards=[reader], sync_to_thread=True, include_in_schema=False)
def start_page(request: Request[Any, Any, Any], services: Services, frontend: str) -> Response[Any]:
    """The lines for one client, by the parameter `client`."""
    scope = services.scope(frontend)
    keys = services.settings.keys(frontend)
    client = request.query_params.get("client", "browser" if services.frontend(frontend).type == "web" else "python")
    if client not in dict(CLIENTS):
        raise ApiError(400, f"client: one of {', '.join(name for name, _ in CLIENTS)}", "client")
    host = request.headers.get("host", "127.0.0.1:8321")
    return render(
        request,
        services,
        "start.html",
        frontend=frontend,
        section="start",
        key=keys[-1].key if keys else None,
        client=client,
        clients=CLIENTS,
        address=f"{request.url.scheme}://{host}",
        arrived=has_events(scope),
        newest=recent_events(scope, kinds=[], text="", limit=1),
    )


@get("/frontends/{frontend:str}/start/arrived", guards=[reader], sync_to_thread=True, include_in_schema=False)
def arrived_part(request: Request[Any, Any, Any], services: Services, frontend: str) -> Response[Any]:
    """The light alone."""
    scope = services.scope(frontend)
    return render(
        request,
        services,
        "parts/arrived.html",
        frontend=frontend,
        arrived=has_events(scope),
        newest=recent_events(scope, kinds=[], text="", limit=1),
    )


HANDLERS: list[Any] = [start_page, arrived_part]
