"""A user over time: the days of activity as a calendar, and one lane of sessions per device."""

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta, tzinfo

from markupsafe import Markup

from sojourn.query.answers import Instance, Session
from sojourn.rules.limits import DAY
from sojourn.web.pages import formats
from sojourn.web.pages.charts import element, ticks
from sojourn.web.pages.session_picture import ROW

_CELL = 12
_LEFT = 32
_WEEKS = 26


def calendar(sessions: Sequence[Session], now: int, zone: tzinfo) -> Markup:
    """The last half year, a column a week and a row a weekday; darker is more sessions."""
    counts = Counter(formats.moment(s.start_time, zone).date() for s in sessions)
    today = formats.moment(now, zone).date()
    first = today - timedelta(days=today.weekday() + 7 * (_WEEKS - 1))
    drawn = []
    month = 0
    for week in range(_WEEKS):
        monday = first + timedelta(days=7 * week)
        if monday.month != month and (week == 0 or monday.day <= 7):
            month = monday.month
            if week < _WEEKS - 2:
                drawn.append(element("text", f"{monday:%b}", x=_LEFT + week * (_CELL + 2), y=9, class_="tick"))
        for weekday in range(7):
            day = monday + timedelta(days=weekday)
            if day > today:
                continue
            count = counts[day]
            level = 0 if not count else 1 if count == 1 else 2 if count < 4 else 3 if count < 8 else 4
            said = f"{day.day} {day:%b %Y}: {formats.plural(count, 'session')}"
            drawn.append(
                element(
                    "rect",
                    element("title", said),
                    x=_LEFT + week * (_CELL + 2),
                    y=14 + weekday * (_CELL + 2),
                    width=_CELL,
                    height=_CELL,
                    rx=2,
                    class_=f"day level{level}",
                )
            )
    for weekday, name in ((0, "Mon"), (2, "Wed"), (4, "Fri")):
        drawn.append(element("text", name, x=0, y=14 + weekday * (_CELL + 2) + 10, class_="tick"))
    width, height = _LEFT + _WEEKS * (_CELL + 2), 14 + 7 * (_CELL + 2)
    active = len([day for day in counts if day >= first])
    return element(
        "svg",
        *drawn,
        class_="calendar",
        width=width,
        height=height,
        viewBox=f"0 0 {width} {height}",
        role="img",
        aria_label=f"Calendar of activity: {formats.plural(active, 'day')} with sessions in the last {_WEEKS} weeks",
    )


def device_lanes(instances: Sequence[Instance], sessions: Sequence[Session], zone: tzinfo) -> Markup:
    """The sessions of all devices in one picture, a lane for each device; each is a link."""
    if not sessions:
        return Markup()
    start, end = min(s.start_time for s in sessions), max(s.end_time for s in sessions)
    margin = max((end - start) // 50, 1_000_000)
    start, end = start - margin, end + margin
    span = end - start
    rows = {instance.instance_id: number for number, instance in enumerate(instances)}
    height = len(instances) * (ROW + 6) + 22

    def at(time: int) -> float:
        return (time - start) / span

    back, front = [], []
    for number, time in enumerate(ticks(start, end, 6)):
        where = f"{at(time) * 100:.2f}%"
        back.append(element("line", x1=where, x2=where, y1=0, y2=height - 22, class_="grid"))
        moment = formats.moment(time, zone)
        label = f"{moment:%H:%M}" if span <= 2 * DAY else f"{moment.day} {moment:%b}"
        back.append(
            element(
                "text",
                label,
                x=where,
                y=height - 6,
                class_="tick" if number % 2 == 0 else "tick minor",
                text_anchor="start" if at(time) < 0.04 else "end" if at(time) > 0.96 else "middle",
            )
        )
    for number in range(len(instances)):
        line = (number + 1) * (ROW + 6) - 1
        back.append(element("line", x1=0, x2="100%", y1=line, y2=line, class_="lane-line"))
    for session in sessions:
        if session.instance_id not in rows:
            continue
        left = at(session.start_time)
        width = max(at(session.end_time) - left, 0.004)
        kind = "live" if session.live else "error" if session.error_count else "empty" if session.empty else ""
        if session.anonymous:
            kind += " anonymous"
        said = (
            f"Session, {formats.exact(session.start_time, zone)}, {formats.duration(session.duration)}, "
            f"{formats.plural(session.event_count, 'event')}"
        )
        front.append(
            Markup('<a href="session?id={}" class="mark session-bar {}" aria-label="{}">{}</a>').format(
                session.session_id.replace("+", "%2B"),
                kind,
                said,
                element(
                    "rect",
                    x=f"{left * 100:.2f}%",
                    y=rows[session.instance_id] * (ROW + 6) + 4,
                    width=f"{width * 100:.2f}%",
                    height=ROW - 4,
                    rx=2,
                ),
            )
        )
    return element(
        "svg",
        *back,
        *front,
        class_="lanes",
        width="100%",
        height=height,
        role="group",
        aria_label="Sessions on each device over time",
    )
