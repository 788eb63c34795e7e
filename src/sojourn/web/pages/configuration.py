"""Settings, the rest: timeouts, privacy and retention, ingest keys, and the history of changes."""

from typing import Any

from litestar import Request, Response, get, post

from sojourn.settings.durations import parse_duration, show_duration
from sojourn.settings.errors import SettingsError
from sojourn.settings.frontends import FrontendChanges
from sojourn.web.access import actor_of, administrator, reader
from sojourn.web.pages.home import Form, text_of
from sojourn.web.pages.rendering import page_url, redirect, render
from sojourn.web.services import Services

_PATH = "/frontends/{frontend:str}/settings"
_HISTORY = 100


def _form_page(
    request: Request[Any, Any, Any],
    services: Services,
    frontend: str,
    tab: str,
    error: SettingsError | None = None,
    values: dict[str, Any] | None = None,
) -> Response[Any]:
    settings = services.settings.frontend(frontend)
    shown = {
        "idle_timeout": show_duration(settings.policy.idle_timeout),
        "max_duration": show_duration(settings.policy.max_duration),
        "hash_identifiers": settings.hash_identifiers,
        "mask_ip": settings.mask_ip,
        "retention_days": "" if settings.retention_days is None else str(settings.retention_days),
        "discard_retention_days": str(settings.discard_retention_days),
    } | (values or {})
    return render(
        request,
        services,
        f"settings/{tab}.html",
        status=422 if error else 200,
        frontend=frontend,
        section="settings",
        tab=tab,
        settings=settings,
        values=shown,
        error=error,
        done="done" in request.query_params,
    )


@get(f"{_PATH}/sessions", guards=[reader], sync_to_thread=True, include_in_schema=False)
def timeouts_page(request: Request[Any, Any, Any], services: Services, frontend: str) -> Response[Any]:
    """When sessions end."""
    return _form_page(request, services, frontend, "sessions")


@post(f"{_PATH}/sessions", guards=[administrator], sync_to_thread=True, include_in_schema=False)
def change_timeouts(request: Request[Any, Any, Any], services: Services, frontend: str, data: Form) -> Response[Any]:
    """Set both timeouts."""
    given = {name: text_of(data, name).strip() for name in ("idle_timeout", "max_duration")}
    try:
        changes: FrontendChanges = {
            "idle_timeout": parse_duration("idle_timeout", given["idle_timeout"]),
            "max_duration": parse_duration("max_duration", given["max_duration"]),
        }
        services.settings.set_frontend(frontend, actor=actor_of(request).name, **changes)
    except SettingsError as error:
        return _form_page(request, services, frontend, "sessions", error, given)
    services.refresh()
    return redirect(page_url(frontend, "settings/sessions", done="yes"))


@get(f"{_PATH}/privacy", guards=[reader], sync_to_thread=True, include_in_schema=False)
def privacy_page(request: Request[Any, Any, Any], services: Services, frontend: str) -> Response[Any]:
    """What is kept of users, and for how long."""
    return _form_page(request, services, frontend, "privacy")


@post(f"{_PATH}/privacy", guards=[administrator], sync_to_thread=True, include_in_schema=False)
def change_privacy(request: Request[Any, Any, Any], services: Services, frontend: str, data: Form) -> Response[Any]:
    """Set privacy and retention."""
    given: dict[str, Any] = {
        "hash_identifiers": text_of(data, "hash_identifiers") == "on",
        "mask_ip": text_of(data, "mask_ip") == "on",
        "retention_days": text_of(data, "retention_days").strip(),
        "discard_retention_days": text_of(data, "discard_retention_days").strip(),
    }
    try:
        changes: FrontendChanges = {
            "hash_identifiers": given["hash_identifiers"],
            "mask_ip": given["mask_ip"],
            "retention_days": _days("retention_days", given["retention_days"]) if given["retention_days"] else None,
            "discard_retention_days": _days("discard_retention_days", given["discard_retention_days"]),
        }
        services.settings.set_frontend(frontend, actor=actor_of(request).name, **changes)
    except SettingsError as error:
        return _form_page(request, services, frontend, "privacy", error, given)
    services.refresh()
    return redirect(page_url(frontend, "settings/privacy", done="yes"))


def _days(field: str, text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 6:
        raise SettingsError(field, f"{text[:20]!r} is not a number of days")
    return int(text)


@get(f"{_PATH}/keys", guards=[reader], sync_to_thread=True, include_in_schema=False)
def keys_page(request: Request[Any, Any, Any], services: Services, frontend: str) -> Response[Any]:
    """The ingest keys; `revoke` asks before one becomes useless."""
    return render(
        request,
        services,
        "settings/keys.html",
        frontend=frontend,
        section="settings",
        tab="keys",
        keys=services.settings.keys(frontend, revoked=True),
        revoke=request.query_params.get("revoke", ""),
        error=None,
    )


@post(f"{_PATH}/keys", guards=[administrator], sync_to_thread=True, include_in_schema=False)
def add_key(request: Request[Any, Any, Any], services: Services, frontend: str) -> Response[Any]:
    """Make one more key."""
    services.settings.add_key(frontend, actor=actor_of(request).name)
    services.refresh()
    return redirect(page_url(frontend, "settings/keys"))


@post(f"{_PATH}/keys/revoke", guards=[administrator], sync_to_thread=True, include_in_schema=False)
def revoke_key(request: Request[Any, Any, Any], services: Services, frontend: str, data: Form) -> Response[Any]:
    """Make a key useless."""
    services.settings.revoke_key(frontend, text_of(data, "key"), actor=actor_of(request).name)
    services.refresh()
    return redirect(page_url(frontend, "settings/keys"))


@get(f"{_PATH}/history", guards=[reader], sync_to_thread=True, include_in_schema=False)
def history_page(request: Request[Any, Any, Any], services: Services, frontend: str) -> Response[Any]:
    """Who changed what, the newest first."""
    before = request.query_params.get("before", "")
    entries = services.settings.history(
        frontend, limit=_HISTORY, before=int(before) if before.isdecimal() and len(before) < 15 else None
    )
    return render(
        request,
        services,
        "settings/history.html",
        frontend=frontend,
        section="settings",
        tab="history",
        entries=entries,
        said=_said,
        older=entries[-1].id if len(entries) == _HISTORY else None,
    )


def _said(key: str, value: Any) -> str:
    """A value of the history as people write it."""
    if value is None or value == "":
        return "none"
    if key in ("idle_timeout", "max_duration") and isinstance(value, int):
        return show_duration(value)
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)


HANDLERS: list[Any] = [
    timeouts_page,
    change_timeouts,
    privacy_page,
    change_privacy,
    keys_page,
    add_key,
    revoke_key,
    history_page,
]
