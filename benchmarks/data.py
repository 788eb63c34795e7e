"""A million sessions that the benchmarks of questions and of pages are asked about.

The engine makes them itself, row by row through the same tables and views as what comes by HTTP. They are kept in
SOJOURN_BENCH_DATA where that is set, so that a second run only asks. SOJOURN_BENCH_SCALE=0.1 makes a tenth of all.
"""

import hashlib
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path

from sojourn.rules.limits import DAY
from sojourn.store.engine import Engine, embedded_url
from sojourn.store.store import Store
from sojourn.summaries.progress import write_progress

SCALE = float(os.environ.get("SOJOURN_BENCH_SCALE", "1"))
SESSIONS = round(1_000_000 * SCALE)
EVENTS_OF_SESSION = 10
SESSIONS_OF_USER = 5
DAYS = 90
"""Sessions start evenly over this time, which ends now."""
CHUNK = 50_000
"""Sessions of one insert."""

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


def schema() -> str:
    """Which tables the data lies in; with other ones it is made anew."""
    files = sorted(resources.files("sojourn.store").joinpath("schema").iterdir(), key=lambda file: file.name)
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:12]


@contextmanager
def folders() -> Iterator[Path]:
    """Where the data is kept, or a place for this run alone."""
    with tempfile.TemporaryDirectory() as temporary:
        yield Path(os.environ.get("SOJOURN_BENCH_DATA") or temporary) / schema()


def made(folders: Path, sessions: int) -> Path:
    """A server's data folder with so many sessions of the frontend `shop`; made if there is none."""
    folder = folders / str(sessions)
    ready = folder / "ready"
    if not ready.exists():
        start = time.perf_counter()
        store = Store(embedded_url(folder / "events"))
        try:
            fill(store.engine, sessions)
            # Client's words that are all good: a server that starts here need not look at each of them again.
            at = time.time_ns() // 1000
            write_progress(store.engine, "benchmark", at, at, settled=True)
        finally:
            store.close()
        seconds = time.perf_counter() - start
        print(f"{sessions * EVENTS_OF_SESSION:,} events made in {seconds:.0f} s", file=sys.stderr)
        ready.touch()
    return folder
