"""Who may do what: nobody needs a login on loopback until an administrator exists; afterwards an account or a token."""

import asyncio
import hmac
import time
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from urllib.parse import quote, urlsplit

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from sojourn.settings.rows import Role
from sojourn.web.errors import ApiError
from sojourn.web.services import Services

COOKIE = "sojourn_login"
LOGIN_SECONDS = 7 * 24 * 3600
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1", "[::1]"})
_RANK = {Role.VIEWER: 0, Role.EDITOR: 1, Role.ADMIN: 2}


@dataclass(frozen=True, slots=True)
class Actor:
    """Who makes a request. `name` goes into the history of changes."""

    name: str
    role: Role


async def reader(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """Guard of a handler that reads."""
    await _require(connection, Role.VIEWER)


async def editor(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """Guard of a handler that changes what a frontend collects or shows."""
    await _require(connection, Role.EDITOR)


async def administrator(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """Guard of a handler that answers privacy requests or changes access."""
    await _require(connection, Role.ADMIN)


def own_page(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """Guard of a form that is open to everybody: it must come from a page of ours."""
    _check_same_origin(connection)


def actor_of(request: Request[Any, Any, Any]) -> Actor:
    """Who a guarded request comes from."""
    actor: Actor = request.scope["state"]["actor"]
    return actor


async def _require(connection: ASGIConnection[Any, Any, Any, Any], role: Role) -> None:
    services: Services = connection.app.state.services
    scheme, _, secret = connection.headers.get("authorization", "").partition(" ")
    actor = None
    if scheme.lower() == "bearer" and secret:
        actor = await asyncio.to_thread(_token_actor, services, secret.strip())
    else:
        # A browser sends a cookie, or reaches a server without login, from any page: the page must be ours.
        _check_same_origin(connection)
        cookie = connection.cookies.get(COOKIE)
        if cookie and services.needs_login:
            actor = await asyncio.to_thread(_login_actor, services, cookie)
    if actor is None:
        if services.needs_login:
            raise ApiError(401, "log in, or send an API token: Authorization: Bearer TOKEN")
        host = (connection.headers.get("host") or "").rsplit(":", 1)[0]
        if host not in _LOOPBACK:
            raise ApiError(403, "until an administrator account exists, only addresses of this machine are served")
        actor = Actor("local", Role.ADMIN)
    if _RANK[actor.role] < _RANK[role]:
        raise ApiError(403, f"this needs the role {role.value}; {actor.name} is {actor.role.value}")
    connection.scope["state"]["actor"] = actor


def _token_actor(services: Services, secret: str) -> Actor:
    token = services.settings.use_token(secret)
    if token is None:
        raise ApiError(401, "the API token is not known, or has expired")
    return Actor(f"token {token.name}", token.role)


def _check_same_origin(connection: ASGIConnection[Any, Any, Any, Any]) -> None:
    if connection.scope.get("method") in ("GET", "HEAD", "OPTIONS"):
        return
    if connection.headers.get("sec-fetch-site") in ("cross-site", "same-site"):
        raise ApiError(403, "a page of another site may not change anything here")
    origin = connection.headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != connection.headers.get("host"):
        raise ApiError(403, "a page of another origin may not change anything here")


def _login_actor(services: Services, cookie: str) -> Actor | None:
    # From the end, as a name may hold any character.
    name, issued, signature = ["", "", *cookie.rsplit("!", 2)][-3:]
    if not issued.isdecimal() or not hmac.compare_digest(signature, _sign(services, name, issued)):
        return None
    account = next((a for a in services.settings.accounts() if a.name == name), None)
    if account is None or int(issued) * 1_000_000 < account.changed - 1_000_000:
        return None
    if time.time() - int(issued) > LOGIN_SECONDS:
        return None
    return Actor(account.name, account.role)


def login_cookie(services: Services, name: str) -> str:
    """The value of the login cookie of an account that has just shown its password."""
    issued = str(int(time.time()))
    # Quoted, which the reading of cookies undoes: a name may hold any character, and a cookie may not.
    return f"{quote(name, safe='')}!{issued}!{_sign(services, name, issued)}"


def _sign(services: Services, name: str, issued: str) -> str:
    return hmac.new(services.login_secret, f"{name}!{issued}".encode(), sha256).hexdigest()
