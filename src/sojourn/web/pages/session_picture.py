"""The timeline of one session as SVG: lanes, nested actions, gaps; each mark is a link."""

from collections.abc import Callable
from datetime import UTC, tzinfo

from markupsafe import Markup

from sojourn.query.timeline import Gap, Lane, Mark, Timeline
from sojourn.web.pages import formats
from sojourn.web.pages.charts import element, percent, tick_label, ticks

ROW = 18
"""Pixels of a row in a lane."""
LANE_GAP = 10
_TOP = 8
_AXIS = 22
_LABELS = 78


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
        where = percent(at(time))
        back.append(element("line", x1=where, x2=where, y1=0, y2=y, class_="grid"))
        anchor = "start" if at(time) < 0.04 else "end" if at(time) > 0.96 else "middle"
        kind = "tick" if number % 2 == 0 else "tick minor"
        back.append(element("text", tick_label(time, span, zone), x=where, y=y + 15, class_=kind, text_anchor=anchor))
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
        element("rect", x=percent(min(left, 1 - width)), y=0, width=percent(width), height=height),
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
            x=percent(left),
            y=top + 1,
            width=percent(width),
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
            "svg", drawn, x=percent(min(max(left, 0.008), 0.992)), y=middle, class_="point", overflow="visible"
        )
    return Markup('<a href="{}" class="mark {} {}" aria-label="{}">{}</a>').format(
        link(mark.event_id), lane.key, mark.kind, said, shape
    )
