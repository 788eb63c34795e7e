"""A Starlette application: each visitor is an instance with sessions of its own, recognized by cookies.

SOJOURN_KEY=… uvicorn --factory examples.asgi_shop:served
"""

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

import sojourn
from sojourn.sdk.frameworks.asgi import SojournMiddleware


async def product(request: Request) -> PlainTextResponse:
    """Report a custom event for whoever asked."""
    number = request.path_params["number"]
    sojourn.send_event({"name": "viewed", "event_properties.product": number})
    return PlainTextResponse(f"product {number}")


async def login(request: Request) -> PlainTextResponse:
    """Tag the visitor's session."""
    sojourn.identify_user(request.query_params["user"])
    return PlainTextResponse("welcome")


async def logout(_: Request) -> PlainTextResponse:
    """End the visitor's session; the next request starts an untagged one."""
    sojourn.end_session()
    return PlainTextResponse("goodbye")


async def broken(_: Request) -> PlainTextResponse:
    """Fail, as applications do."""
    raise RuntimeError("out of stock")


def build() -> Starlette:
    """The application with its middleware."""
    return Starlette(
        routes=[
            Route("/products/{number}", product),
            Route("/login", login),
            Route("/logout", logout),
            Route("/broken", broken),
        ],
        middleware=[Middleware(SojournMiddleware, skip=lambda path: path.startswith("/static"))],
    )


def served() -> Starlette:
    """What an ASGI server runs."""
    sojourn.start(frontend="shop")
    return build()
