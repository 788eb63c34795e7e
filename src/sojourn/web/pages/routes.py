"""All pages in one router, with the errors in their shape."""

from typing import Any

from litestar import Router

from sojourn.web.pages import (
    assets,
    configuration,
    exports,
    home,
    ledger,
    live,
    login,
    overview,
    palette,
    privacy,
    properties,
    session,
    sessions,
    sql,
    start,
    users,
)
from sojourn.web.pages.failures import PAGE_EXCEPTION_HANDLERS

_MODULES: tuple[Any, ...] = (
    login,
    home,
    overview,
    sessions,
    exports,
    session,
    users,
    privacy,
    live,
    sql,
    start,
    palette,
    properties,
    ledger,
    configuration,
)


def pages_router() -> Router:
    """Every page and what pages are made of."""
    handlers = [handler for module in _MODULES for handler in module.HANDLERS]
    return Router(
        "/",
        route_handlers=[assets.serve_asset, *handlers],
        exception_handlers=PAGE_EXCEPTION_HANDLERS,
        include_in_schema=False,
    )
