"""Log in and out, once an administrator account exists; before that nobody needs to."""

import threading
from collections import deque
from typing import Any

from litestar import Request, Response, get, post
from litestar.datastructures import Cookie

from sojourn.rules.limits import MINUTE
from sojourn.web.access import COOKIE, LOGIN_SECONDS, login_cookie, own_page
from sojourn.web.errors import ApiError
from sojourn.web.pages.home import Form, text_of
from sojourn.web.pages.rendering import redirect, render
from sojourn.web.services import Services

MAX_FAILURES = 10
"""Wrong passwords a minute for one name; more have to wait."""
MAX_FAILURES_OF_ADDRESS = 30
"""Wrong passwords a minute from one address, behind which there may be many people."""


class Failures:
    """Counts wrong passwords of the last minute. `now` in microseconds."""

    def __init__(self) -> None:
        self._times: dict[str, deque[int]] = {}
        self._lock = threading.Lock()

    def too_many(self, who: str, most: int, now: int) -> bool:
        """Whether `who` has failed so often that nobody may try for now."""
        with self._lock:
            times = self._times.get(who)
            while times and times[0] < now - MINUTE:
                times.popleft()
            return times is not None and len(times) >= most

    def add(self, who: str, now: int) -> None:
        """Count one."""
        with self._lock:
            if len(self._times) > 10_000:
                self._times.clear()
            self._times.setdefault(who, deque(maxlen=MAX_FAILURES_OF_ADDRESS)).append(now)


def _local(path: str) -> str:
    """Where to go after the login: a path of ours, never another host."""
    safe = path.startswith("/") and not path.startswith(("//", "/\\")) and "\\" not in path and path.isprintable()
    return path if safe else "/"


@get("/login", sync_to_thread=False, include_in_schema=False)
def login_page(request: Request[Any, Any, Any], services: Services) -> Response[Any]:
    """The form; on to the pages where no login is needed."""
    following = _local(request.query_params.get("next", "/"))
    if not services.needs_login:
        return redirect(following)
    return render(request, services, "login.html", section="", name="", following=following, error=None)


@post("/login", guards=[own_page], sync_to_thread=True, include_in_schema=False)
def log_in(request: Request[Any, Any, Any], services: Services, data: Form) -> Response[Any]:
    """Check the password; a cookie holds who it was for a week."""
    name, following = text_of(data, "name").strip(), _local(text_of(data, "next", "/"))
    failures: Failures = request.app.state.failures
    now = services.now()
    address = request.client.host if request.client else ""
    if failures.too_many(f"name {name}", MAX_FAILURES, now) or failures.too_many(
        f"address {address}", MAX_FAILURES_OF_ADDRESS, now
    ):
        raise ApiError(429, "too many wrong passwords; wait a minute and try again")
    account = services.settings.log_in(name, text_of(data, "password"))
    if account is None:
        failures.add(f"name {name}", now)
        failures.add(f"address {address}", now)
        error = "The name or the password is wrong."
        return render(
            request, services, "login.html", status=401, section="", name=name, following=following, error=error
        )
    answer = redirect(following)
    answer.cookies.append(
        Cookie(
            key=COOKIE,
            value=login_cookie(services, account.name),
            max_age=LOGIN_SECONDS,
            path="/",
            httponly=True,
            samesite="lax",
            secure=request.url.scheme == "https",
        )
    )
    return answer


@post("/logout", guards=[own_page], sync_to_thread=False, include_in_schema=False)
def log_out() -> Response[Any]:
    """Forget the login in this browser."""
    answer = redirect("/login")
    answer.cookies.append(Cookie(key=COOKIE, value="", max_age=0, path="/", httponly=True, samesite="lax"))
    return answer


HANDLERS: list[Any] = [login_page, log_in, log_out]
