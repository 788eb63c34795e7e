"""The icons of the pages: strokes on a grid of 16, drawn in the colour of the text beside them."""

from markupsafe import Markup

_STROKES = {
    "overview": "M2 13.5h12M4 11V7.5M8 11V3.5M12 11V6",
    "sessions": "M2 4h7M5 8h9M3.5 12h6",
    "users": "M8 7.5a2.6 2.6 0 1 0 0-5.2 2.6 2.6 0 0 0 0 5.2ZM2.8 14c.5-2.8 2.5-4.3 5.2-4.3s4.7 1.5 5.2 4.3",
    "live": "M1.5 8h3l2-5 3 10 2-5h3",
    "sql": "M8 6c3 0 5-.9 5-2s-2-2-5-2-5 .9-5 2 2 2 5 2ZM3 4v8c0 1.1 2 2 5 2s5-.9 5-2V4M3 8c0 1.1 2 2 5 2s5-.9 5-2",
    "settings": "M2 4.5h7M13 4.5h1M2 11.5h1M7 11.5h7M11 6.3a1.8 1.8 0 1 0 0-3.6 1.8 1.8 0 0 0 0 3.6Z"
    "M5 13.3a1.8 1.8 0 1 0 0-3.6 1.8 1.8 0 0 0 0 3.6Z",
    "start": "M3 14V2.5M3 3h9l-2 3 2 3H3",
    "search": "M7 12A5 5 0 1 0 7 2a5 5 0 0 0 0 10ZM10.7 10.7 14 14",
    "close": "M4 4l8 8M12 4l-8 8",
    "plus": "M8 3v10M3 8h10",
    "left": "M10 3 5 8l5 5",
    "right": "M6 3l5 5-5 5",
    "warning": "M8 2 1.5 13.5h13ZM8 6.5v3.2M8 11.6v.4",
    "copy": "M5.5 5.5V3a1 1 0 0 1 1-1H13a1 1 0 0 1 1 1v6.5a1 1 0 0 1-1 1h-2.5M3 5.5h6.5a1 1 0 0 1 1 1V13a1 1 0 0 1-1 "
    "1H3a1 1 0 0 1-1-1V6.5a1 1 0 0 1 1-1Z",
    "check": "M3 8.5l3.2 3.2L13 4.5",
    "desktop": "M2 3h12v8H2ZM6 14h4M8 11v3",
    "mobile": "M4.5 1.5h7v13h-7ZM7.3 12.3h1.4",
    "tablet": "M3 1.5h10v13H3ZM7.3 12.3h1.4",
    "server": "M2.5 2.5h11v4.5h-11ZM2.5 9h11v4.5h-11ZM5 4.8h.1M5 11.3h.1",
    "other": "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12ZM8 5v3.4M8 10.8v.2",
    "download": "M8 2v8M4.5 7 8 10.5 11.5 7M2.5 13.5h11",
    "columns": "M2.5 2.5h11v11h-11ZM6.2 2.5v11M9.8 2.5v11",
    "merge": "M4 2v3c0 2 4 2.5 4 5v4M12 2v3c0 2-4 2.5-4 5",
    "trash": "M3 4.5h10M6 4.5v-2h4v2M4.5 4.5l.6 9h5.8l.6-9",
    "play": "M5 3l8 5-8 5Z",
    "pause": "M5.5 3v10M10.5 3v10",
    "star": "M8 2l1.8 3.8 4.2.5-3.1 2.9.8 4.1L8 11.3l-3.7 2 .8-4.1L2 6.3l4.2-.5Z",
    "exit": "M6.5 2.5h-4v11h4M6.5 8H14M11 5l3 3-3 3",
}


_DEVICES = ("desktop", "mobile", "tablet", "server", "other")
"""Icons that a list shows in each row: drawn once for the page, and used by their name."""


def sprite() -> Markup:
    """The drawings that `device_icon` uses."""
    symbols = Markup().join(
        Markup('<symbol id="i-{}" viewBox="0 0 16 16"><path d="{}"/></symbol>').format(name, _STROKES[name])
        for name in _DEVICES
    )
    return Markup('<svg class="visually-hidden" aria-hidden="true">{}</svg>').format(symbols)


def device_icon(kind: str) -> Markup:
    """The icon of a type of device."""
    name = kind if kind in _DEVICES else "other"
    return Markup('<svg class="icon" aria-hidden="true"><use href="#i-{}"/></svg>').format(name)


def icon(name: str) -> Markup:
    """An icon that a screen reader passes over; its neighbour says what it means."""
    path = _STROKES.get(name, _STROKES["other"])
    return Markup('<svg class="icon" viewBox="0 0 16 16" aria-hidden="true"><path d="{}"/></svg>').format(path)
