"""Pictures as SVG, drawn by the server. Places are percentages, so a picture fits any width without a script.

Geometry is in attributes and colours are in classes, as the pages' policy allows no inline style.
"""

from collections.abc import Callable, Sequence
from datetime import tzinfo
from typing import Any

from markupsafe import Markup

from sojourn.query.sparks import Spark
from sojourn.rules.limits import DAY, HOUR, MINUTE, SECOND
from sojourn.web.pages import formats

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


def percent(part: float) -> str:
    """A place as SVG takes it: `0.5` -> `50%`."""
    return f"{part * 100:.2f}".rstrip("0").rstrip(".") + "%"


def ticks(start: int, end: int, most: int = 10) -> list[int]:
    """Round times between two times, at most so many."""
    span = max(end - start, 1)
    step = next((step for step in _STEPS if span / step <= most), _STEPS[-1])
    first = -(-start // step) * step
    return list(range(first, end + 1, step))[: most * 4]


def tick_label(time: int, span: int, zone: tzinfo) -> str:
    """A time on an axis of this length: as much of it as differs."""
    at = formats.moment(time, zone)
    if span <= 10 * SECOND:
        return f"{at:%M:%S}.{at.microsecond // 1000:03d}"
    if span <= 20 * MINUTE:
        return f"{at:%H:%M:%S}"
    if span <= 2 * DAY:
        return f"{at:%H:%M}"
    return f"{at.day} {at:%b}"


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
        element("rect", width=percent(min(max(part, 0.0), 1.0)), height="100%", class_=f"value {kind}", rx=2),
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
        middle = percent((place + 0.5) * step)
        parts = [
            element("title", said),
            element("rect", x=percent(place * step), y=0, width=percent(step), height=plot, class_="hit"),
        ]
        if one:
            parts.append(
                element(
                    "rect",
                    x=percent((place + 0.14) * step),
                    y=plot - max(tall, 1.5),
                    width=percent(step * 0.72),
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
                    x2=percent((place + 1.5) * step),
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
                element("rect", x=percent(place * step), y=0, width=percent(step), height=plot, class_="hit"),
                element(
                    "rect",
                    x=percent((place + 0.14) * step),
                    y=plot - max(tall, 1.0),
                    width=percent(step * 0.72),
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
            anchor, where = ("middle", percent((place + 0.5) * step)) if place else ("start", "0%")
            drawn.append(element("text", shown, x=where, y=height - 6, class_=kind, text_anchor=anchor))
    drawn.append(element("text", formats.number(top), x=0, y=10, class_="scale"))
    return element("svg", *drawn, class_="chart", width="100%", height=height, role="img", aria_label=describe)


def _nice(value: int) -> int:
    """A round number at or above a value, for the top of a scale."""
    if value <= 4:
        return max(value, 1)
    size = int(10 ** (len(str(value)) - 1))
    return next(round(size * factor) for factor in (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10) if size * factor >= value)
