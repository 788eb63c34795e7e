"""Middleware for ASGI applications: each request is an action of its visitor, whose agent the handlers use.

app.add_middleware(SojournMiddleware, user=lambda scope: scope["session"].get("user"))
"""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from sojourn.sdk.agent import Agent
from sojourn.sdk.api import using
from sojourn.sdk.frameworks.visits import Visit, Visitors
from sojourn.sdk.privacy import UserPrivacyOptions

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]


class SojournMiddleware:
    """Reports requests. `user` and `privacy` are asked for each request, with its scope; `skip` with its path.

    Put it inside the middleware that knows the user. In handlers the functions of `sojourn` report for the visitor.
    """

    def __init__(
        self,
        app: Application,
        *,
        agent: Agent | None = None,
        user: Callable[[Scope], str | None] | None = None,
        privacy: Callable[[Scope], UserPrivacyOptions] | None = None,
        skip: Callable[[str], bool] | None = None,
    ) -> None:
        self.app = app
        self._visitors = Visitors(agent, user=user, privacy=privacy, skip=skip)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        visit = None
        if scope["type"] == "http":
            headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
            visit = self._visitors.enter(scope, f"{scope['method']} {scope['path']}", scope["path"], headers)
        if visit is None:
            await self.app(scope, receive, send)
            return
        with using(visit.agent), visit.action:
            await self.app(scope, receive, _reporting(visit, scope, send))


def _reporting(visit: Visit, scope: Scope, send: Send) -> Send:
    async def send_and_report(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            visit.action.set_attribute("http.response.status_code", message["status"])
            # By now the router has put the pattern of the path there, which groups better than the path.
            pattern = getattr(scope.get("route"), "path", None)
            if isinstance(pattern, str):
                visit.action.name = f"{scope['method']} {pattern}"
            cookies = visit.cookies(secure=scope.get("scheme") == "https")
            headers = [*message.get("headers", ()), *((b"set-cookie", value.encode("latin-1")) for value in cookies)]
            message = {**message, "headers": headers}
        await send(message)

    return send_and_report
