"""Live: the events of a frontend as they arrive, by server-sent events."""

from collections.abc import AsyncIterator
from typing import Any

import msgspec
from litestar import Request, Response, get
from litestar.response import Stream

from sojourn.query.live import recent_events
from sojourn.rules.events import EventKind
from sojourn.web.access import reader
from sojourn.web.errors import ApiError
from sojourn.web.live import Broadcaster, TooManyWatchersError, Watcher
from sojourn.web.pages.rendering import render
from sojourn.web.services import Services

_KINDS = [kind.value for kind in EventKind]
_encode = msgspec.json.encode


def _wanted(request: Request[Any, Any, Any]) -> tuple[list[str], str]:
    kinds = [kind for kind in request.query_params.getall("kind", []) if kind in _KINDS]
    return kinds, request.query_params.get("text", "").strip()[:100]


@get("/frontends/{frontend:str}/live", guards=[reader], sync_to_thread=True, include_in_schema=False)
def live_page(request: Request[Any, Any, Any], services: Services, frontend: str) -> Response[Any]:
    """The last events, and new ones above them; `kind` and `text` narrow both."""
    kinds, text = _wanted(request)
    return render(
        request,
        services,
        "live.html",
        frontend=frontend,
        section="live",
        events=recent_events(services.scope(frontend), kinds=kinds, text=text),
        kinds=_KINDS,
        chosen=kinds,
        text=text,
    )


@get("/frontends/{frontend:str}/live/stream", guards=[reader], include_in_schema=False)
async def live_stream(request: Request[Any, Any, Any], services: Services, frontend: str) -> Stream:
    """New events, each a JSON object, until the browser goes."""
    kinds, text = _wanted(request)
    broadcaster: Broadcaster = request.app.state.live
    try:
        watcher = broadcaster.watch(services.frontend(frontend).name, frozenset(kinds), text)
    except TooManyWatchersError:
        raise ApiError(503, "too many streams are open; close a live page and try again") from None
    return Stream(
        _lines(broadcaster, watcher),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no", "X-Content-Type-Options": "nosniff"},
    )


async def _lines(broadcaster: Broadcaster, watcher: Watcher) -> AsyncIterator[bytes]:
    try:
        yield b"retry: 2000\n\n"
        async for events, left_out in watcher.events():
            if left_out:
                yield b"event: left_out\ndata: " + _encode(left_out) + b"\n\n"
            if not events:
                yield b": nothing new\n\n"
            yield b"".join(b"data: " + _encode(event) + b"\n\n" for event in events)
    finally:
        broadcaster.leave(watcher)


HANDLERS: list[Any] = [live_page, live_stream]
