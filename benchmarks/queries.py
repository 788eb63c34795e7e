"""Questions of the pages and the API at ten million events, and how they grow from a tenth of them.

The data is made by the engine itself, row by row through the same tables and views as what comes by HTTP. It is kept
in SOJOURN_BENCH_DATA where that is set, so that a second run only asks. SOJOURN_BENCH_SCALE=0.1 makes a tenth of all.
"""

import hashlib
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from importlib import resources
from pathlib import Path

from sojourn.query.events import events_of_session
from sojourn.query.filters import PropertyFilter, SessionFilters
from sojourn.query.scope import Scope
from sojourn.query.sessions import newest_sessions
from sojourn.rules.definitions import Catalog, PropertyDefinition
from sojourn.rules.limits import DAY, MINUTE
from sojourn.rules.names import PropertyKind
from sojourn.rules.sessions import SessionPolicy
from sojourn.rules.values import DataType
from sojourn.store.engine import Engine, embedded_url
from sojourn.store.store import Store

SCALE = float(os.environ.get("SOJOURN_BENCH_SCALE", "1"))
SESSIONS = round(1_000_000 * SCALE)
EVENTS_OF_SESSION = 10
SESSIONS_OF_USER = 5
DAYS = 90
"""Sessions start evenly over this time, which ends now."""
CHUNK = 50_000
"""Sessions of one insert."""
REPEATS = 15

GOALS = {
    "newest 50 sessions, two filters": 50,
    "all sessions of one user": 20,
    "one timeline": 20,
    "distinct users per day": 300,
}
"""Milliseconds at full scale."""

Question = Callable[[int], object]

CATALOG = Catalog(
    [
        PropertyDefinition(PropertyKind.SESSION, "tier", DataType.STRING),
        PropertyDefinition(PropertyKind.SESSION, "cart_value", DataType.NUMBER),
        PropertyDefinition(PropertyKind.EVENT, "step", DataType.NUMBER),
        PropertyDefinition(PropertyKind.EVENT, "page", DataType.STRING),
    ]
)
POLICY = SessionPolicy(idle_timeout=30 * MINUTE, max_duration=360 * MINUTE)

_EVENTS = """
INSERT INTO events (frontend, source_id, stream_id, sequence, event_id, kind, name, client_timestamp, duration,
    received_at, instance_id, user_identifier, start_reason, end_reason, event_properties, session_properties, context)
SELECT
    'shop',
    concat('0190a5a0-0000-7000-8000-', leftPad(toString(session), 12, '0')),
    hex(toUInt32(cityHash64(session))),
    place,
    reinterpretAsUUID(sipHash128(number)),
    multiIf(place = 0, 'session_start', place = 1, 'identify', place = 2, 'session_properties', place = 9,
        'session_end', place IN (4, 7), 'action', place = 8 AND session % 20 = 0, 'error', 'event'),
    if(place IN (0, 1, 2, 9), '', concat('step ', toString(place))),
    {base:Int64} + session * {spacing:Int64} + place * 20000000 AS at,
    if(place IN (4, 7), 1500000, 0),
    at + 800000,
    concat('instance-', toString(person * 2 + session % 2)),
    concat('user', toString(cityHash64(session) % {users:UInt64} AS person), '@example.com'),
    if(place = 0, 'start_up', ''),
    if(place = 9, 'end_session', ''),
    if(place IN (3, 5), map('event_properties.step', toString(place), 'event_properties.page', '"checkout"'), map()),
    if(place = 2, map('session_properties.tier', if(session % 3 = 0, '"gold"', '"free"'),
        'session_properties.cart_value', toString(session % 500)), map()),
    if(person % 3 = 0, '{"app_version":"2.1","device_type":"mobile","os_name":"Android"}',
        '{"app_version":"2.1","device_type":"desktop","os_name":"Linux","browser_name":"Firefox"}')
FROM (
    SELECT number, intDiv(number, 10) AS session, number % 10 AS place
    FROM numbers({first:UInt64} * 10, {count:UInt64} * 10)
)
"""


def fill(engine: Engine, sessions: int) -> None:
    """Put sessions of ten events each into the store, in the order of their time."""
    base = time.time_ns() // 1000 - DAYS * DAY
    for first in range(0, sessions, CHUNK):
        engine.command(
            _EVENTS,
            {
                "base": base,
                "spacing": DAYS * DAY // sessions,
                "users": max(sessions // SESSIONS_OF_USER, 1),
                "first": first,
                "count": min(CHUNK, sessions - first),
            },
        )


def session_id(number: int) -> str:
    return f"0190a5a0-0000-7000-8000-{number:012d}"


def questions(engine: Engine, sessions: int) -> dict[str, Question]:
    """What is asked. The argument makes each asking another one, so that no cache answers it."""
    scope = Scope(engine, "shop", CATALOG, POLICY, time.time_ns() // 1000)
    known = [row[0] for row in engine.query("SELECT value FROM session_index WHERE aspect = 'user' LIMIT 1000")]

    def newest(number: int) -> object:
        tier = PropertyFilter("session_properties.tier", "eq", "gold" if number % 2 else "free")
        page = newest_sessions(scope, SessionFilters(properties=(tier,), device="desktop"), limit=50)
        assert len(page.items) == 50
        return page

    def sessions_of_user(number: int) -> object:
        page = newest_sessions(scope, SessionFilters(user=known[number * 7 % len(known)]), limit=50)
        assert page.items
        return page

    def timeline(number: int) -> object:
        page = events_of_session(scope, session_id(number * 7919 % sessions))
        assert page is not None
        assert len(page.items) == EVENTS_OF_SESSION
        return page

    def users_per_day(_: int) -> object:
        rows = engine.query(
            "SELECT intDiv(first_event, 86400000000) AS day, uniqExact(value) FROM session_index "
            "WHERE frontend = 'shop' AND aspect = 'user' GROUP BY day ORDER BY day"
        )
        assert len(rows) >= DAYS
        return rows

    return {
        "newest 50 sessions, two filters": newest,
        "all sessions of one user": sessions_of_user,
        "one timeline": timeline,
        "distinct users per day": users_per_day,
    }


def measure(question: Question) -> float:
    """The median in ms, after one asking that is not counted."""
    question(0)
    times = []
    for number in range(1, REPEATS + 1):
        start = time.perf_counter()
        question(number)
        times.append(time.perf_counter() - start)
    return statistics.median(times) * 1000


def schema() -> str:
    """Which tables the data lies in; with other ones it is made anew."""
    files = sorted(resources.files("sojourn.store").joinpath("schema").iterdir(), key=lambda file: file.name)
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:12]


def run(folder: Path, sessions: int) -> dict[str, float]:
    """Medians in ms by question, over data of this size; made if the folder has none."""
    ready = folder / "ready"
    url = embedded_url(folder / "events")
    store = Store(url)
    try:
        if not ready.exists():
            start = time.perf_counter()
            fill(store.engine, sessions)
            seconds = time.perf_counter() - start
            print(f"{sessions * EVENTS_OF_SESSION:,} events made in {seconds:.0f} s", file=sys.stderr)
            ready.touch()
        return {name: measure(question) for name, question in questions(store.engine, sessions).items()}
    finally:
        store.close()


def main() -> None:
    keep = os.environ.get("SOJOURN_BENCH_DATA")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(keep or temporary) / schema()
        tenth = run(folder / f"{SESSIONS // 10}", SESSIONS // 10)
        full = run(folder / f"{SESSIONS}", SESSIONS)
    events, users = SESSIONS * EVENTS_OF_SESSION, SESSIONS // SESSIONS_OF_USER
    print("## Questions\n")
    print(f"{events:,} events, {SESSIONS:,} sessions, {users:,} users, over {DAYS} days; median of {REPEATS}.\n")
    print("| question | ms | goal | ms at a tenth of the data | growth |")
    print("|---|---|---|---|---|")
    for name, goal in GOALS.items():
        ratio = full[name] / tenth[name]
        print(f"| {name} | {full[name]:.1f} | {goal} | {tenth[name]:.1f} | {ratio:.2f} |")


if __name__ == "__main__":
    main()
