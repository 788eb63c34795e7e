"""Data for the pages: a shop with people, devices, splits, errors and gaps; and a frontend of hostile strings.

Made from a seeded generator, so that two runs differ in nothing but the time of day.
"""

import random
import uuid
from collections.abc import Iterator
from typing import Any

from tests.server import Frontend, Server, now

SECOND, MINUTE, HOUR, DAY = 1_000_000, 60_000_000, 3_600_000_000, 86_400_000_000

PEOPLE = (
    "amelia.hart@example.com",
    "b.okafor@example.com",
    "chen.wei@example.org",
    "dora.lindqvist@example.net",
    "e.moreau@example.com",
    "farid.aziz@example.org",
    "greta.novak@example.com",
    "hugo.brandt@example.net",
    "ines.carvalho@example.com",
    "j.tanaka@example.org",
    "kwame.mensah@example.com",
    "lucia.ferrari@example.net",
)
_DEVICES: tuple[dict[str, Any], ...] = (
    {
        "device": {"type": "desktop", "manufacturer": "Apple", "model": "MacBook Air"},
        "os": {"name": "macOS", "version": "15.2"},
        "browser": {"name": "Safari", "version": "18.2"},
    },
    {
        "device": {"type": "mobile", "manufacturer": "Google", "model": "Pixel 9"},
        "os": {"name": "Android", "version": "16"},
        "browser": {"name": "Chrome", "version": "142"},
    },
    {
        "device": {"type": "desktop", "manufacturer": "Lenovo", "model": "ThinkPad X1"},
        "os": {"name": "Windows", "version": "11"},
        "browser": {"name": "Edge", "version": "142"},
    },
    {
        "device": {"type": "tablet", "manufacturer": "Apple", "model": "iPad"},
        "os": {"name": "iPadOS", "version": "18.1"},
        "browser": {"name": "Safari", "version": "18.1"},
    },
    {
        "device": {"type": "mobile", "manufacturer": "Apple", "model": "iPhone 16"},
        "os": {"name": "iOS", "version": "18.2"},
        "browser": {"name": "Safari", "version": "18.2"},
    },
)
HOSTILE = (
    "<script>window.hacked=1</script>",
    '"><img src=x onerror=window.hacked=2>',
    "' onmouseover='window.hacked=3",
    "javascript:window.hacked=4",
    "\u202egnp.tsoh\u202c evil \u2066mixed\u2069",
    "شركة \u200fعربية",
    "👩‍👩‍👧‍👦🏳️‍🌈" * 8,
    "x" * 250,
    "W" * 120 + " " + "i" * 120,
    "../../etc/passwd?a=b&c=%2e%2e#frag",
    "{{ 7*7 }} ${7*7} <%= 7*7 %>",
    '=HYPERLINK("http://example.com","open")',
    "line\nbreak\ttab \x07 bell",
    "../..",
)


class Visit:
    """One session as a client would send it: each event takes the next number of its stream."""

    def __init__(self, session_id: str, start: int, previous: str = "", reason: str = "start_up") -> None:
        self.session_id = session_id
        self.time = start
        self.user = ""
        self.events: list[dict[str, Any]] = []
        self._next: dict[str, int] = {}
        self.add("session_start", start_reason=reason, previous_session_id=previous)

    def add(self, kind: str, *, stream: str = "tab-1", skip: int = 0, **fields: Any) -> dict[str, Any]:
        """An event of now; `skip` numbers before it never arrive."""
        sequence = self._next.get(stream, 0) + skip
        self._next[stream] = sequence + 1
        event = {
            "event_id": str(uuid.UUID(int=random.getrandbits(128))),
            "kind": kind,
            "timestamp": self.time,
            "stream_id": stream,
            "sequence": sequence,
            "session_id": self.session_id,
            "user_identifier": self.user,
            **fields,
        }
        self.events.append(event)
        return event

    def wait(self, low: float, high: float, rng: random.Random) -> None:
        """Let seconds pass."""
        self.time += int(rng.uniform(low, high) * SECOND)

    def identify(self, user: str, *, retag: bool = False) -> None:
        """Tag the session."""
        self.user = user
        self.add("identify", user_identifier=user, retag=retag)


def session_id(rng: random.Random, time: int) -> str:
    """A time-ordered id as the SDKs make them."""
    millis = time // 1000
    return str(
        uuid.UUID(int=(millis << 80) | (7 << 76) | (rng.getrandbits(12) << 64) | (2 << 62) | rng.getrandbits(62))
    )


def _shop_visit(rng: random.Random, visit: Visit, user: str, *, long: bool = False) -> None:
    visit.wait(0.2, 1.5, rng)
    if user:
        visit.identify(user)
    visit.add(
        "session_properties",
        session_properties={
            "session_properties.product_tier": rng.choice(("free", "free", "premium", "business")),
            "session_properties.campaign": rng.choice(("newsletter", "search", "direct", "partner")),
        },
    )
    for page in rng.sample(
        ("Home", "Catalogue", "Product", "Search", "Account", "Help"), k=6 if long else rng.randint(1, 4)
    ):
        stay = rng.uniform(20, 240 if long else 90)
        visit.wait(0.5, 3, rng)
        visit.add("view", name=page, duration=int(stay * SECOND))
        begin = visit.time
        for _ in range(rng.randint(1, 4 if long else 2)):
            visit.wait(1, stay / 5, rng)
            _action(rng, visit, page)
            if rng.random() < 0.5:
                visit.wait(0.3, 3, rng)
                visit.add(
                    "event",
                    name=rng.choice(("add_to_cart", "filter_changed", "review_opened", "share")),
                    event_properties={"event_properties.cart.total_value": round(rng.uniform(5, 320), 2)},
                )
        if rng.random() < 0.13 or (long and page == "Product"):
            visit.add(
                "error",
                name="TypeError",
                attributes={
                    "exception.type": "TypeError",
                    "exception.message": "Cannot read properties of undefined (reading 'price')",
                    "exception.stacktrace": "TypeError: Cannot read properties\n  at total (cart.js:41:18)\n"
                    "  at render (cart.js:12:3)",
                },
            )
        visit.time = max(visit.time, begin + int(stay * SECOND))


def _action(rng: random.Random, visit: Visit, page: str) -> None:
    root, load = f"a-{rng.getrandbits(48):x}", f"a-{rng.getrandbits(48):x}"
    length = int(rng.uniform(0.8, 6) * SECOND)
    start = visit.time
    visit.add("action", name=f"Open {page.lower()}", action_id=root, duration=length, timestamp=start)
    visit.add(
        "action",
        name="Load data",
        action_id=load,
        parent_action_id=root,
        duration=int(length * 0.7),
        timestamp=start + length // 10,
    )
    visit.add(
        "http_request",
        name="GET /api/products",
        parent_action_id=load,
        duration=int(length * 0.4),
        timestamp=start + length // 6,
        attributes={"http.request.method": "GET", "url.full": "/api/products?page=2", "http.response.status_code": 200},
    )
    if rng.random() < 0.4:
        visit.add("value", name="items", parent_action_id=load, timestamp=start + length // 2, attributes={"value": 24})
    visit.time = start + length


def shop_visits(time: int, days: int = 21) -> Iterator[tuple[str, dict[str, Any], Visit]]:
    """The sessions of the shop up to `time`: instance, what it runs on, and the visit."""
    rng = random.Random(20)
    random.seed(20)
    devices = {
        person: [
            (f"{person.split('@')[0].replace('.', '-')}-{number}", _DEVICES[(place + number * 2) % len(_DEVICES)])
            for number in range(2 + place % 2)
        ]
        for place, person in enumerate(PEOPLE)
    }
    for age in range(days, -1, -1):
        for place, person in enumerate(PEOPLE):
            if rng.random() > (0.75 if place < 4 else 0.4):
                continue
            instance, runs_on = rng.choice(devices[person])
            start = time - age * DAY - int(rng.uniform(0.6, 11) * HOUR)
            if age == 0:
                start = time - int(rng.uniform(1.5, 9) * HOUR)
            visit = Visit(session_id(rng, start), start)
            _shop_visit(rng, visit, person if rng.random() < 0.9 else "")
            if rng.random() < 0.07:
                visit.add("event", name="lost_neighbours", skip=rng.randint(1, 4))
            ending = rng.random()
            if ending < 0.35:
                visit.add("session_end", end_reason=rng.choice(("end_session", "app_closed", "app_closed")))
            elif ending < 0.6:
                visit.add("session_end", end_reason="timeout")
            yield instance, runs_on, visit
            if 0.35 <= ending < 0.6:
                begin = visit.time + int(rng.uniform(31, 80) * MINUTE)
                if begin < time - HOUR:
                    second = Visit(session_id(rng, begin), begin, visit.session_id, "timeout")
                    if visit.user:
                        second.identify(visit.user, retag=True)
                    _shop_visit(rng, second, "")
                    yield instance, runs_on, second
    yield from _today(rng, time)


def _today(rng: random.Random, time: int) -> Iterator[tuple[str, dict[str, Any], Visit]]:
    """What the screenshots show first: a long visit with everything in it, and some that go on."""
    start = time - 70 * MINUTE
    rich = Visit("rich-session", start)
    _shop_visit(rng, rich, PEOPLE[0], long=True)
    rich.add(
        "session_properties",
        session_properties={"session_properties.product_tier": "premium", "session_properties.cart_value": 149.99},
    )
    rich.wait(5, 20, rng)
    rich.add("event", name="checkout", skip=3, event_properties={"event_properties.cart.total_value": 149.99})
    rich.wait(60, 90, rng)
    rich.add("view", name="Checkout", duration=140 * SECOND)
    rich.wait(3, 9, rng)
    rich.add("event", name="resumed", stream="tab-2")
    rich.wait(3, 9, rng)
    rich.identify("")
    rich.wait(30, 60, rng)
    rich.identify("household@example.com")
    rich.add("session_properties", session_properties={"session_properties.product_tier": "business"})
    rich.wait(20, 40, rng)
    _action(rng, rich, "Orders")
    rich.add("session_end", end_reason="timeout")
    yield "amelia-hart-1", _DEVICES[2], rich
    after = Visit("rich-session-next", rich.time + 31 * MINUTE, "rich-session", "timeout")
    after.identify("household@example.com", retag=True)
    _shop_visit(rng, after, "")
    after.add("session_end", end_reason="end_session")
    yield "amelia-hart-1", _DEVICES[2], after
    for place, person in enumerate(PEOPLE[1:6]):
        live = Visit(f"live-session-{place}", time - (3 + place * 2) * MINUTE)
        _shop_visit(rng, live, person if place else "")
        for event in live.events:
            event["timestamp"] = min(event["timestamp"], time - place * SECOND)
            if event["timestamp"] + event.get("duration", 0) > time:
                event["duration"] = max(time - event["timestamp"], 0)
        yield f"{person.split('@')[0].replace('.', '-')}-1", _DEVICES[place % len(_DEVICES)], live


def fill_shop(server: Server, name: str = "shop", days: int = 21) -> Frontend:
    """The shop with its definitions and sessions; some of its properties are defined wrongly or not at all."""
    frontend = add_frontend(server, name)
    for kind, field, data_type, more in (
        ("session", "product_tier", "string", {"description": "What the customer pays for", "aggregation": "last"}),
        ("session", "campaign", "string", {"aggregation": "first", "description": "Where the visit came from"}),
        ("session", "cart_value", "number", {}),
        ("event", "cart.total_value", "number", {"description": "Total of the cart in EUR"}),
        ("event", "coupon", "string", {"case_insensitive": True}),
    ):
        frontend.define(kind, field, data_type, **more)
    time = now()
    for instance, runs_on, visit in shop_visits(time, days):
        send(frontend, instance, visit.events, app_version="4.2.0", **runs_on)
    stray = Visit("stray-session", time - 5 * HOUR)
    stray.add(
        "event", name="checkout", event_properties={"event_properties.voucher": "AUTUMN", "event_properties.coupon": 7}
    )
    stray.add(
        "event", name="checkout", event_properties={"event_properties.a__b": 1, "event_properties.voucher": "WINTER"}
    )
    stray.add("session_properties", session_properties={"session_properties.loyalty_points": 1200})
    send(frontend, "stray-1", stray.events, **_DEVICES[2])
    return frontend


def fill_hostile(server: Server, name: str = "hostile") -> Frontend:
    """Strings that try to be markup, script or direction marks, wherever a client may put a string."""
    frontend = add_frontend(server, name)
    frontend.define("session", "note", "string", description=HOSTILE[0])
    frontend.define("event", "text", "string")
    time = now()
    for place, text in enumerate(HOSTILE):
        visit = Visit(f"hostile-{place}", time - (place + 1) * HOUR)
        visit.identify(text)
        visit.add("session_properties", session_properties={"session_properties.note": text})
        visit.add("view", name=text, duration=SECOND * 20)
        visit.add("action", name=text, action_id="a1", duration=SECOND * 5)
        visit.add(
            "event", name=text, event_properties={"event_properties.text": text, f"event_properties.{text}": text}
        )
        visit.add("error", name=text, attributes={"exception.message": text, "exception.stacktrace": text})
        label = text[:60]
        send(
            frontend,
            f"hostile-{place}",
            visit.events,
            app_version=label,
            device={"type": label, "manufacturer": label, "model": label},
            os={"name": label, "version": label},
            browser={"name": label, "version": label},
            sdk={"name": label, "version": label},
        )
    return frontend


def add_frontend(server: Server, name: str) -> Frontend:
    """A frontend with a name of the caller's choice."""
    answer = server.http.post("/api/v1/frontends", json={"name": name, "type": "web"})
    answer.raise_for_status()
    return Frontend(server, name, answer.json()["key"])


def send(frontend: Frontend, instance: str, events: list[dict[str, Any]], **batch: Any) -> None:
    """Send one visit."""
    answer = frontend.post({"instance_id": instance, "sent_at": now(), "events": events, **batch})
    answer.raise_for_status()
    assert not answer.json()["rejected"], answer.json()["rejected"]
