"""Middleware for WSGI applications: each request is an action of its visitor, whose agent the handlers use.

app.wsgi_app = SojournMiddleware(app.wsgi_app, user=lambda environ: environ.get("REMOTE_USER"))
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from typing import Any

from sojourn.sdk.agent import Agent
from sojourn.sdk.api import using
from sojourn.sdk.frameworks.visits import Visitors
from sojourn.sdk.privacy import UserPrivacyOptions

Environ = dict[str, Any]
Application = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]


class SojournMiddleware:
    """Reports requests. `user` and `privacy` are asked for each request, with its environ; `skip` with its path.

    In handlers the functions of `sojourn` report for the visitor.
    """

    def __init__(
        self,
        app: Application,
        *,
        agent: Agent | None = None,
        user: Callable[[Environ], str | None] | None = None,
        privacy: Callable[[Environ], UserPrivacyOptions] | None = None,
        skip: Callable[[str], bool] | None = None,
    ) -> None:
        self.app = app
        self._visitors = Visitors(agent, user=user, privacy=privacy, skip=skip)

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        method, path = environ.get("REQUEST_METHOD", ""), environ.get("PATH_INFO", "")
        headers = {"cookie": environ.get("HTTP_COOKIE", ""), "user-agent": environ.get("HTTP_USER_AGENT", "")}
        visit = self._visitors.enter(environ, f"{method} {path}", path, headers)
        if visit is None:
            return self.app(environ, start_response)

        def start_and_report(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
            visit.action.set_attribute("http.response.status_code", int(status.split(" ", 1)[0]))
            cookies = visit.cookies(secure=environ.get("wsgi.url_scheme") == "https")
            return start_response(status, [*headers, *(("Set-Cookie", value) for value in cookies)], *more)

        with ExitStack() as stack:
            stack.enter_context(visit.action)
            with using(visit.agent):
                body = self.app(environ, start_and_report)
            return _Body(body, visit.agent, stack.pop_all())


class _Body:
    """The application's body; when the server closes it, the request is over."""

    def __init__(self, body: Iterable[bytes], agent: Agent, stack: ExitStack) -> None:
        self._body = body
        self._agent = agent
        self._stack = stack

    def __iter__(self) -> Iterator[bytes]:
        parts = iter(self._body)
        while True:
            # A generator runs between the parts, and other requests between its steps.
            with using(self._agent):
                try:
                    part = next(parts)
                except StopIteration:
                    return
            yield part

    def close(self) -> None:
        with self._stack:
            if (close := getattr(self._body, "close", None)) is not None:
                close()
