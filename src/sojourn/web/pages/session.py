"""One session: who, where, why it began and ended, its timeline and its events."""

from typing import Any
from urllib.parse import urlencode

from litestar import Request, Response, get

from sojourn.query.answers import SessionEvent
from sojourn.query.by_id import session_by_id
from sojourn.query.events import MAX_EVENTS_PAGE, events_of
from sojourn.query.neighbours import absences_of, next_session
from sojourn.query.stretches import stretches_of
from sojourn.query.timeline import Gap, find_gaps, property_histories, timeline
from sojourn.web.access import reader
from sojourn.web.errors import ApiError
from sojourn.web.pages.rendering import render
from sojourn.web.parameters import read_count, read_time
from sojourn.web.services import Services

_ATTRIBUTE_LABELS = {
    "http.request.method": "method",
    "http.response.status_code": "status",
    "url.full": "url",
    "exception.type": "type",
    "exception.message": "message",
}
"""Short names of the attributes that are seen most; any other is shown by its own."""
_TABLE = 80
"""Events of one page of the table."""


@get("/frontends/{frontend:str}/session", guards=[reader], sync_to_thread=True, include_in_schema=False)
def session_page(request: Request[Any, Any, Any], services: Services, frontend: str) -> Response[Any]:
    """One session by the parameter `id`; `from` and `to` zoom into a stretch of it, `kind` narrows the table."""
    scope = services.scope(frontend)
    given = request.query_params
    session_id = given.get("id", "")
    row = session_by_id(scope, session_id)
    if row is None:
        raise ApiError(404, f"there is no session {session_id[:100]!r} in {frontend}", "id")
    session = row.answer(scope)
    page = events_of(scope, row, limit=MAX_EVENTS_PAGE, cursor=given.get("cursor"))
    events = page.items
    whole = row.stretch is None and not given.get("cursor")
    gaps = find_gaps(events, absences_of(scope, row.source), whole=whole)
    start, end = session.start_time, max(session.end_time, session.start_time + 1_000)
    low = read_time("from", given["from"]) if given.get("from") else start
    high = read_time("to", given["to"]) if given.get("to") else end
    if not low < high:
        raise ApiError(400, "from: must be before to", "from")
    zoomed = (low, high) != (start, end)
    margin = 0 if zoomed else (end - start) // 50
    kind = given.get("kind", "")
    shown = [e for e in events if (not zoomed or (low <= e.timestamp + e.duration and e.timestamp <= high))]
    kinds = sorted({e.kind for e in shown})
    shown = [e for e in shown if not kind or e.kind == kind]
    skip = read_count("page", given.get("page", "1"), 1_000) - 1
    depths = action_depths(events)
    places = {event.event_id: place // _TABLE for place, event in enumerate(shown)}
    others = [(name, value) for name, value in given.multi_items() if name != "page"]

    def row_link(event_id: str) -> str:
        """The link to an event's row, on whichever page of the table it is."""
        page = places.get(event_id, skip) + 1
        anchor = f"#e-{event_id[-12:]}"
        return anchor if page == skip + 1 else f"?{urlencode([*others, ('page', page)])}{anchor}"

    return render(
        request,
        services,
        "session.html",
        frontend=frontend,
        section="sessions",
        session=session,
        following=next_session(scope, session),
        picture=timeline(events, gaps, low - margin, high + margin),
        row_link=row_link,
        histories=property_histories(events),
        catalog=scope.catalog,
        rows=_with_gaps(shown[skip * _TABLE : (skip + 1) * _TABLE], [] if kind else gaps),
        total=len(shown),
        kinds=kinds,
        kind=kind,
        page_number=skip + 1,
        pages=max(-(-len(shown) // _TABLE), 1),
        more_events=page.next,
        zoomed=zoomed,
        low=low,
        high=high,
        depths=depths,
        streams=_stream_letters(events),
        gaps=gaps,
        stretches=stretches_of(session, events),
        attribute_labels=_ATTRIBUTE_LABELS,
        clock_is_wrong=abs(session.clock_offset) > 2_000_000,
    )


def action_depths(events: list[SessionEvent]) -> dict[str, int]:
    """How deep each event lies below actions, by event id, for the indentation of the table."""
    parents = {e.action_id: e.parent_action_id for e in events if e.action_id}
    depths = {}
    for event in events:
        depth, above, seen = 0, event.parent_action_id, {event.action_id}
        while above and above in parents and above not in seen and depth < 9:
            seen.add(above)
            depth, above = depth + 1, parents[above]
        depths[event.event_id] = depth
    return depths


def _with_gaps(events: list[SessionEvent], gaps: list[Gap]) -> list[tuple[SessionEvent | None, Gap | None]]:
    """The rows of the table: each gap stands before the event that came after it."""
    before: dict[str, list[Gap]] = {}
    after: dict[str, list[Gap]] = {}
    for gap in gaps:
        if gap.before:
            before.setdefault(gap.before, []).append(gap)
        else:
            after.setdefault(gap.after, []).append(gap)
    rows: list[tuple[SessionEvent | None, Gap | None]] = []
    for event in events:
        rows += [(None, gap) for gap in before.get(event.event_id, [])]
        rows.append((event, None))
        rows += [(None, gap) for gap in after.get(event.event_id, [])]
    return rows


def _stream_letters(events: list[SessionEvent]) -> dict[str, str]:
    """A short name for each stream (process or tab), where there is more than one."""
    streams = list(dict.fromkeys(e.stream_id for e in events))
    return {stream: str(place + 1) for place, stream in enumerate(streams)} if len(streams) > 1 else {}


HANDLERS: list[Any] = [session_page]
