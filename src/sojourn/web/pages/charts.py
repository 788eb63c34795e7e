"""Pictures as SVG, drawn by the server. Places are percentages, so a picture fits any width without a script.

Geometry is in attributes and colours are in classes, as the pages' policy allows no inline style.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, tzinfo
from typing import Any

from markupsafe import Markup

from sojourn.query.sparks import Spark
from sojourn.query.timeline import Gap, Lane, Mark, Timeline
from sojourn.rules.limits import DAY, HOUR, MINUTE, SECOND
from sojourn.web.pages import formats

ROW = 18
"""Pixels of a row in a lane."""
LANE_GAP = 10
_TOP = 8
_AXIS = 22
_LABELS = 78
_STEPS = (
    *(SECOND // 1000 * n for n in (1, 2, 5, 10, 20, 50, 100, 200, 500)),
    *(SECOND * n for n in (1, 2, 5, 10, 15, 30)),
    *(MINUTE * n for n in (1, 2, 5, 10, 15, 30)),
    *(HOUR * n for n in (1, 2, 3, 6, 12)),
    *(DAY * n for n in (1, 2, 7, 14, 30)),
)


def element(name: str, *children: Any, **attributes: Any) -> Markup:
    """One SVG element; `class_` is `class`, and a number keeps two decimals."""
    written = Markup().join(
        Markup(' {}="{}"').format(key.rstrip("_").replace("_", "-"), _plain(value))
        for key, value in attributes.items()
        if value is not None
    )
    inner = Markup().join(children)
    if not inner:
        return Markup("<{}{}/>").format(name, written)
    return Markup("<{0}{1}>{2}</{0}>").format(name, written, inner)


def _plain(value: Any) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


def _percent(part: float) -> str:
    return f"{part * 100:.2f}".rstrip("0").rstrip(".") + "%"


def ticks(start: int, end: int, most: int = 10) -> list[int]:
    """Round times between two times, at most so many."""
    span = max(end - start, 1)
    step = next((step for step in _STEPS if span / step <= most), _STEPS[-1])
    first = -(-start // step) * step
    return list(range(first, end + 1, step))[: most * 4]


def _tick_label(time: int, span: int, zone: tzinfo) -> str:
    at = formats.moment(time, zone)
    if span <= 10 * SECOND:
        return f"{at:%M:%S}.{at.microsecond // 1000:03d}"
    if span <= 20 * MINUTE:
        return f"{at:%H:%M:%S}"
    if span <= 2 * DAY:
        return f"{at:%H:%M}"
    return f"{at.day} {at:%b}"


def session_timeline(picture: Timeline, link: Callable[[str], str], zone: tzinfo = UTC) -> Markup:
    """The lanes of one session with its gaps. Each mark is a link: what `link` makes of the event's id."""
    span = max(picture.end - picture.start, 1)

    def at(time: int) -> float:
        return min(max((time - picture.start) / span, 0.0), 1.0)

    tops, y = [], _TOP
    for lane in picture.lanes:
        tops.append(y)
        y += lane.rows * ROW + LANE_GAP
    height = y + _AXIS
    labels = [
        element("text", lane.label, x=0, y=top + 13, class_="lane-label")
        for lane, top in zip(picture.lanes, tops, strict=True)
    ]
    back: list[Markup] = []
    for number, time in enumerate(ticks(picture.start, picture.end)):
        where = _percent(at(time))
        back.append(element("line", x1=where, x2=where, y1=0, y2=y, class_="grid"))
        anchor = "start" if at(time) < 0.04 else "end" if at(time) > 0.96 else "middle"
        kind = "tick" if number % 2 == 0 else "tick minor"
        back.append(element("text", _tick_label(time, span, zone), x=where, y=y + 15, class_=kind, text_anchor=anchor))
    back += [_gap(gap, at, y) for gap in picture.gaps]
    for lane, top in zip(picture.lanes, tops, strict=True):
        line = top + lane.rows * ROW + LANE_GAP / 2
        back.append(element("line", x1=0, x2="100%", y1=line, y2=line, class_="lane-line"))
    front = [
        _mark(lane, mark, at, top + mark.row * ROW, zone, link)
        for lane, top in zip(picture.lanes, tops, strict=True)
        for mark in lane.marks
    ]
    return Markup('<div class="timeline">{}{}</div>').format(
        element("svg", *labels, class_="lane-labels", width=_LABELS, height=height, aria_hidden="true"),
        element(
            "svg",
            *back,
            *front,
            class_="lanes",
            width="100%",
            height=height,
            role="group",
            aria_label="Timeline of the session",
            data_start=picture.start,
            data_end=picture.end,
        ),
    )


def _gap(gap: Gap, at: Callable[[int], float], height: int) -> Markup:
    left = at(gap.start)
    width = max(at(gap.end) - left, 0.004)
    said = f"{formats.plural(gap.count, 'event')} " + (
        f"absent: {formats.words(gap.reason)}" if gap.reason else "missing"
    )
    return element(
        "g",
        element("title", said),
        element("rect", x=_percent(min(left, 1 - width)), y=0, width=_percent(width), height=height),
        class_="gap known" if gap.reason else "gap",
    )


def _mark(
    lane: Lane, mark: Mark, at: Callable[[int], float], top: int, zone: tzinfo, link: Callable[[str], str]
) -> Markup:
    left = at(mark.start)
    middle = top + ROW / 2
    name = mark.name or formats.words(mark.kind)
    said = name if mark.count == 1 else f"{mark.count} near here, first {name}"
    length = mark.end - mark.start
    said = f"{formats.words(mark.kind)}: {said} · {formats.clock(mark.start, zone)}"
    if length:
        said += f" · {formats.duration(length)}"
    shape: Markup
    if lane.key in ("view", "action"):
        width = max(at(mark.end) - left, 0.004)
        left = min(left, 1 - width)
        text = element("text", name, x=5, y=11) if width > 0.03 else Markup()
        shape = element(
            "svg",
            element("rect", width="100%", height="100%", rx=2.5),
            text,
            x=_percent(left),
            y=top + 1,
            width=_percent(width),
            height=ROW - 3,
        )
    else:
        size = min(4 + (mark.count > 1) + mark.count // 10, 8)
        glyph = {
            "error": f"M0-{size + 1} {size + 1} 0 0 {size + 1}-{size + 1} 0Z",
            "user": f"M0-{size + 1} {size} {size - 1}H-{size}Z",
            "property": f"M-{size - 1}-{size - 1}H{size - 1}V{size - 1}H-{size - 1}Z",
            "session": f"M-1-{size + 3}H1V{size + 3}H-1Z",
        }.get(lane.key)
        drawn = element("path", d=glyph) if glyph else element("circle", r=size)
        # A place in percent for a path: an inner picture of no size whose content may show outside of it.
        shape = element(
            "svg", drawn, x=_percent(min(max(left, 0.008), 0.992)), y=middle, class_="point", overflow="visible"
        )
    return Markup('<a href="{}" class="mark {} {}" aria-label="{}">{}</a>').format(
        link(mark.event_id), lane.key, mark.kind, said, shape
    )


def spark(picture: Spark | None) -> Markup:
    """Events over the time of one session, in a row of the list; parts with an error are marked."""
    if picture is None:
        return Markup()
    width, height, step = 108, 20, 3
    top = max(max(picture.bins), 1)
    bars: dict[bool, list[str]] = {False: [], True: []}
    for number, count in enumerate(picture.bins):
        if count:
            tall = max(2, round((height - 2) * (count / top) ** 0.5))
            bars[picture.errors[number] > 0].append(f"M{number * step} {height}v-{tall}h2v{tall}")
    return Markup(
        '<svg class="spark" width="{}" height="{}" aria-hidden="true"><path class="base" d="M0 19h{}v1H0"/>{}{}</svg>'
    ).format(width, height, width, _bars(bars[False], ""), _bars(bars[True], "error"))


def _bars(parts: list[str], kind: str) -> Markup:
    if not parts:
        return Markup()
    return (
        Markup('<path class="{}" d="{}"/>').format(kind, "".join(parts)) if kind else element("path", d="".join(parts))
    )


def bar(part: float, kind: str = "") -> Markup:
    """A share of a whole as a bar beside its figure."""
    return element(
        "svg",
        element("rect", width="100%", height="100%", class_="track", rx=2),
        element("rect", width=_percent(min(max(part, 0.0), 1.0)), height="100%", class_=f"value {kind}", rx=2),
        class_="bar",
        width="100%",
        height=6,
        aria_hidden="true",
    )


def columns(
    values: Sequence[tuple[int, int]],
    label: Callable[[int], str],
    *,
    tick: Callable[[int], str] | None = None,
    height: int = 150,
    describe: str = "",
    first: str = "sessions",
    second: str = "users",
) -> Markup:
    """Two series over the same places: columns for the first, dots on a line for the second."""
    top = _nice(max((max(pair) for pair in values), default=0))
    plot = height - 22
    step = 1 / max(len(values), 1)

    def y(value: int) -> float:
        return plot - (plot - 8) * value / top

    drawn: list[Markup] = []
    for part in (0.5, 1.0):
        line = y(round(top * part)) if top > 1 or part == 1.0 else None
        if line is not None:
            drawn.append(element("line", x1=0, x2="100%", y1=line, y2=line, class_="grid"))
            drawn.append(element("text", formats.number(round(top * part)), x=0, y=line - 3, class_="scale"))
    drawn.append(element("line", x1=0, x2="100%", y1=plot, y2=plot, class_="axis"))
    every = max(len(values) // 6, 1)
    for place, (one, two) in enumerate(values):
        said = f"{label(place)}: {one:,d} {first}, {two:,d} {second}"
        tall = plot - y(one)
        middle = _percent((place + 0.5) * step)
        parts = [
            element("title", said),
            element("rect", x=_percent(place * step), y=0, width=_percent(step), height=plot, class_="hit"),
        ]
        if one:
            parts.append(
                element(
                    "rect",
                    x=_percent((place + 0.14) * step),
                    y=plot - max(tall, 1.5),
                    width=_percent(step * 0.72),
                    height=max(tall, 1.5),
                    class_="first",
                    rx=1,
                )
            )
        if place + 1 < len(values):
            parts.append(
                element(
                    "line",
                    x1=middle,
                    x2=_percent((place + 1.5) * step),
                    y1=y(two),
                    y2=y(values[place + 1][1]),
                    class_="second",
                )
            )
        if two and len(values) <= 60:
            parts.append(element("circle", cx=middle, cy=y(two), r=2.4, class_="second"))
        drawn.append(element("g", *parts, class_="column", data_tip=said))
        if place % every == 0 and place + every / 2 < len(values):
            kind = "tick" if place // every % 2 == 0 else "tick minor"
            drawn.append(
                element("text", (tick or label)(place), x=middle, y=height - 6, class_=kind, text_anchor="middle")
            )
    return element("svg", *drawn, class_="chart", width="100%", height=height, role="img", aria_label=describe)


def bars(labels: Sequence[str], values: Sequence[float], *, height: int = 170, describe: str = "") -> Markup:
    """One series as columns, each with its label on hover; the labels that have room are written."""
    top = max(values) or 1
    plot = height - 22
    step = 1 / len(values)
    every = max(-(-len(values) // 8), 1)
    drawn = [element("line", x1=0, x2="100%", y1=plot, y2=plot, class_="axis")]
    for place, (label, value) in enumerate(zip(labels, values, strict=True)):
        tall = (plot - 14) * value / top
        said = f"{label}: {formats.number(value)}"
        drawn.append(
            element(
                "g",
                element("title", said),
                element("rect", x=_percent(place * step), y=0, width=_percent(step), height=plot, class_="hit"),
                element(
                    "rect",
                    x=_percent((place + 0.14) * step),
                    y=plot - max(tall, 1.0),
                    width=_percent(step * 0.72),
                    height=max(tall, 1.0),
                    class_="first",
                ),
                class_="column",
                data_tip=said,
            )
        )
        if place % every == 0:
            shown = label if len(label) <= 12 else f"{label[:11]}…"
            kind = "tick" if place // every % 2 == 0 else "tick minor"
            anchor, where = ("middle", _percent((place + 0.5) * step)) if place else ("start", "0%")
            drawn.append(element("text", shown, x=where, y=height - 6, class_=kind, text_anchor=anchor))
    drawn.append(element("text", formats.number(top), x=0, y=10, class_="scale"))
    return element("svg", *drawn, class_="chart", width="100%", height=height, role="img", aria_label=describe)


def _nice(value: int) -> int:
    """A round number at or above a value, for the top of a scale."""
    if value <= 4:
        return max(value, 1)
    size = int(10 ** (len(str(value)) - 1))
    return next(round(size * factor) for factor in (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10) if size * factor >= value)
