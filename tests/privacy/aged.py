"""A store filled as by events of long ago, and aged by a clock that is handed in. Run in a process of its own."""

import json
import sys
import uuid
from pathlib import Path

from sojourn.rules.limits import DAY, HOUR
from sojourn.store.engine import embedded_url
from sojourn.store.erasure import Eraser
from sojourn.store.retention import Retention, retain
from sojourn.store.rows import DiscardRow, EventRow, Rows
from sojourn.store.store import Store

NOW = 1_800_000_000_000_000
LINE = "x" * 1_000


def event(session: str, time: int, **fields: str) -> EventRow:
    return EventRow(
        frontend=fields.pop("frontend", "short"),
        source_id=session,
        stream_id="s",
        sequence=-1,
        event_id=str(uuid.uuid4()),
        kind="event",
        client_timestamp=time,
        received_at=time,
        instance_id="phone",
        context='{"app_version":"1"}',
        **fields,  # type: ignore[arg-type]
    )


def discard(frontend: str, time: int, value: str = '"x"') -> DiscardRow:
    return DiscardRow(
        frontend=frontend,
        key="session_properties.x",
        reason="undefined",
        source_id="s",
        event_id=str(uuid.uuid4()),
        client_timestamp=time,
        received_at=time,
        value=value,
    )


def main() -> None:
    store = Store(embedded_url(Path(sys.argv[1])))
    events = [
        event("old", NOW - 9 * DAY),
        event("straddling", NOW - 9 * DAY),
        event("straddling", NOW - 6 * DAY),
        event("new", NOW - HOUR),
        event("old", NOW - 9 * DAY, frontend="forever"),
    ]
    discards = [discard("short", NOW - day * DAY) for day in (1, 2, 4)]
    discards += [discard("forever", NOW - day * DAY) for day in (1, 2, 4)]
    discards += [discard("flooded", NOW - second * 1_000_000, LINE) for second in range(50)]
    store.writer.submit(Rows(events=events, absences=[], discards=discards)).result()
    retentions = [
        Retention(frontend="short", retention_days=8, discard_retention_days=3),
        Retention(frontend="forever", retention_days=None, discard_retention_days=7),
        Retention(frontend="flooded", retention_days=None, discard_retention_days=7),
    ]
    eraser = Eraser(store, [], lambda _frontend, _sources: None)
    for _ in range(2):
        retain(store.engine, eraser, retentions, NOW, ledger_bytes=12_500)
    answer = {
        "sessions": store.engine.query("SELECT frontend, session_id FROM session_summaries ORDER BY ALL"),
        "listed": store.engine.query("SELECT DISTINCT frontend, session_id FROM session_index ORDER BY ALL"),
        "events": store.engine.query("SELECT frontend, source_id, count() FROM events GROUP BY ALL ORDER BY ALL"),
        "discards": store.engine.query(
            "SELECT frontend, count(), min(received_at) FROM discards GROUP BY ALL ORDER BY ALL"
        ),
    }
    store.close()
    sys.stdout.write(json.dumps(answer))


if __name__ == "__main__":
    main()
