"""The overview: what goes on now, how many came, and what their sessions were like."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta, tzinfo
from typing import Any

from litestar import Request, Response, get

from sojourn.query import overview as questions
from sojourn.query.discards import discards
from sojourn.query.scope import Scope
from sojourn.rules.limits import DAY, HOUR, MINUTE
from sojourn.rules.names import PropertyKind
from sojourn.rules.values import DataType
from sojourn.store.rows import value_name
from sojourn.web.access import reader
from sojourn.web.pages import charts, formats
from sojourn.web.pages.ranges import RANGES, Range, read_range
from sojourn.web.pages.rendering import page_url, render, zone_of
from sojourn.web.services import Services

_AT_ONCE = 4
_DURATIONS = (
    "< 10 s",
    "10 to 30 s",
    "30 to 60 s",
    "1 to 3 min",
    "3 to 10 min",
    "10 to 30 min",
    "30 to 60 min",
    "> 1 h",
)


@get("/frontends/{frontend:str}/overview", guards=[reader], sync_to_thread=True, include_in_schema=False)
def overview_page(request: Request[Any, Any, Any], services: Services, frontend: str) -> Response[Any]:
    """The figures of a time range; where there are very many sessions, the page comes first and the figures follow."""
    scope = services.scope(frontend)
    span, start, end = _range(request, scope)
    if start is None:
        return render(request, services, "overview_empty.html", frontend=frontend, section="overview")
    later = questions.takes_long(scope, start, end) and "whole" not in request.query_params
    return render(
        request,
        services,
        "overview.html",
        frontend=frontend,
        section="overview",
        span=span,
        later=later,
        **({} if later else _figures(request, scope, span, start, end)),
    )


@get("/frontends/{frontend:str}/overview/figures", guards=[reader], sync_to_thread=True, include_in_schema=False)
def figures_part(request: Request[Any, Any, Any], services: Services, frontend: str) -> Response[Any]:
    """The figures alone."""
    scope = services.scope(frontend)
    span, start, end = _range(request, scope)
    if start is None:
        return render(request, services, "parts/failure.html", title="Nothing has arrived yet", message="no event")
    figures = _figures(request, scope, span, start, end)
    return render(request, services, "parts/overview.html", frontend=frontend, span=span, **figures)


def _range(request: Request[Any, Any, Any], scope: Scope) -> tuple[Range, int | None, int]:
    """The range that is asked for with its ends; None where no event has arrived yet."""
    span = read_range(request.query_params.multi_items(), scope.now, "7d", zone_of(request))
    began = questions.earliest(scope)
    end = span.end or scope.now + MINUTE
    if began is None:
        return span, None, end
    return span, min(span.start if span.start is not None else began, end - MINUTE), end


def _figures(request: Request[Any, Any, Any], scope: Scope, span: Range, start: int, end: int) -> dict[str, Any]:
    """What the template shows of a range."""
    zone = zone_of(request)
    edges, label, tick = buckets(start, end, zone)
    # Each question takes the engine longer to plan than to answer, on one core: so they are put at once.
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        asked_sessions = pool.submit(questions.sessions_over_time, scope, edges, start, end)
        asked_shapes = pool.submit(questions.shapes, scope, start, end)
        asked_users = pool.submit(questions.users_over_time, scope, edges, start, end)
        asked_active = pool.submit(questions.active_users, scope, start, end)
        asked_returning = pool.submit(questions.returning_users, scope, start, end)
        asked_now = pool.submit(questions.going_on, scope)
        asked_discards = pool.submit(_discards, scope)
    sessions, users = asked_sessions.result(), asked_users.result()
    shapes, active, returning = asked_shapes.result(), asked_active.result(), asked_returning.result()
    total = sum(count for at, count in sessions.items() if at != questions.BEFORE)
    looked_at = _one(shapes, "total")
    return {
        "going_on": asked_now.result(),
        "sessions": total,
        "sessions_before": sessions.get(questions.BEFORE, 0) if span.name in RANGES else 0,
        "users": active.users,
        "users_before": active.before if span.name in RANGES else 0,
        "returning": returning,
        "chart": charts.columns(
            [(sessions.get(edge, 0), users.get(edge, 0)) for edge in edges],
            lambda place: label(edges[place]),
            tick=lambda place: tick(edges[place]),
            height=268,
            describe="Sessions and users over time",
        ),
        "durations": _durations(shapes),
        "looked_at": looked_at,
        "sampled": looked_at < total,
        "errors": _one(shapes, "errors"),
        "incomplete": _one(shapes, "incomplete"),
        "missing": _one(shapes, "missing"),
        "absent": _one(shapes, "absent"),
        "lists": _lists(scope.frontend, shapes, span.name),
        "properties": _properties(scope.frontend, shapes, scope.catalog.definitions, span.name),
        "discards": asked_discards.result(),
    }


@get("/frontends/{frontend:str}/overview/now", guards=[reader], sync_to_thread=True, include_in_schema=False)
def now_part(request: Request[Any, Any, Any], services: Services, frontend: str) -> Response[Any]:
    """What goes on now, for the page that keeps asking."""
    going_on = questions.going_on(services.scope(frontend))
    return render(request, services, "parts/going_on.html", frontend=frontend, going_on=going_on)


def _one(shapes: dict[str, list[questions.Count]], aspect: str) -> int:
    return sum(count.count for count in shapes.get(aspect, []))


def _durations(shapes: dict[str, list[questions.Count]]) -> list[tuple[str, int]]:
    found = {count.value: count.count for count in shapes.get("duration", [])}
    return [(label, found.get(str(place), 0)) for place, label in enumerate(_DURATIONS)]


def _lists(
    frontend: str, shapes: dict[str, list[questions.Count]], span: str
) -> list[tuple[str, list[tuple[str, int, str]]]]:
    """The cards of plain aspects: title, and the lines with label, count and the link to those sessions."""
    cards = []
    for aspect, title, parameter in (
        ("end", "End reasons", "end_reason"),
        ("device", "Device types", "device"),
        ("os", "Operating systems", "os"),
        ("browser", "Browsers", "browser"),
        ("version", "App versions", "app_version"),
    ):
        lines = []
        for count in shapes.get(aspect, [])[: questions.TOP]:
            where: dict[str, Any] = (
                {parameter: count.value} if count.value != "live" or aspect != "end" else {"live": "true"}
            )
            name = formats.words(count.value) if aspect == "end" else count.value or "unknown"
            lines.append((name, count.count, page_url(frontend, "sessions", **where, range=span or None)))
        if any(count.value for count in shapes.get(aspect, [])):
            cards.append((title, lines))
    return cards


def _properties(
    frontend: str, shapes: dict[str, list[questions.Count]], definitions: Any, span: str
) -> list[tuple[str, list[tuple[str, int, str]]]]:
    cards = []
    for definition in definitions:
        if definition.kind is not PropertyKind.SESSION:
            continue
        lines = []
        for count in shapes.get(f"p:{value_name(definition)}", [])[: questions.TOP]:
            value = count.value
            try:
                value = formats.shown(formats.scalar(value))
            except ValueError:  # a long string, cut inside its JSON
                value = value.lstrip('"') + "…"
            parameter = definition.name + (":starts" if value.endswith("…") and len(value) > 150 else "")
            wanted = value.rstrip("…") if parameter.endswith(":starts") else value
            if definition.data_type is DataType.BOOLEAN:
                wanted = value.lower()
            lines.append(
                (value, count.count, page_url(frontend, "sessions", **{parameter: wanted}, range=span or None))
            )
        cards.append((definition.field, lines))
    return cards


def _discards(scope: Scope) -> list[tuple[str, int]]:
    found: dict[str, int] = {}
    for line in discards(scope):
        found[line.reason] = found.get(line.reason, 0) + line.count
    return sorted(found.items(), key=lambda item: -item[1])


Label = Callable[[int], str]


def buckets(start: int, end: int, zone: tzinfo) -> tuple[list[int], Label, Label]:
    """The edges of the columns of a chart, round in the viewer's zone, and how each is named, at length and short."""
    span = end - start

    def day(at: int) -> str:
        return formats.day(at, zone).rpartition(" ")[0]

    def clock(at: int) -> str:
        return f"{formats.moment(at, zone):%H:%M}"

    def both(at: int) -> str:
        return f"{day(at)} {clock(at)}"

    if span <= 3 * HOUR:
        size = 2 * MINUTE if span <= 70 * MINUTE else 5 * MINUTE
    elif span <= 2 * DAY:
        size = HOUR if span <= 30 * HOUR else 2 * HOUR
    elif span <= 10 * DAY:
        size = 6 * HOUR
    else:
        days = 1 if span <= 100 * DAY else 7 if span <= 2 * 365 * DAY else 28
        return _days(start, end, zone, days), day, day
    shift = round((formats.moment(end, zone).utcoffset() or timedelta()).total_seconds()) * 1_000_000
    first = (start + shift) // size * size - shift
    return list(range(first, end, size)), both, clock if span <= 2 * DAY else day


def _days(start: int, end: int, zone: tzinfo, days: int) -> list[int]:
    day = formats.moment(start, zone).replace(hour=0, minute=0, second=0, microsecond=0)
    edges = []
    while (edge := round(day.timestamp()) * 1_000_000) < end:
        edges.append(edge)
        # Through the naive date, so that a day of 23 or 25 hours is one day.
        day = (day.replace(tzinfo=None) + timedelta(days=days)).replace(tzinfo=zone)
    return edges


HANDLERS: list[Any] = [overview_page, figures_part, now_part]
