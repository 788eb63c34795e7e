"""Stragglers: events that were on their way when their user was erased. They are found once written, and erased too.

Whoever admitted them, or read them for a replay, may not have known of the erasure: he was another server, or a moment
early. An erasure writes its tombstones before it deletes anything. So who looks for new tombstones after each commit
learns of every erasure that his rows may have come too late for.
"""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import structlog

from sojourn.rules.erased import Erased
from sojourn.rules.summaries import skew_of
from sojourn.store.engine import Engine
from sojourn.store.rows import EventRow, Rows
from sojourn.store.tombstones import newest_tombstone

EXPECTED_SECONDS = 60.0
"""How long after a server learns of an erasure it looks at what it commits: more than a request is under way."""
RETRY_SECONDS = 1.0
PAGE = 50_000
"""Events that are looked at together after a start."""
_NO_ID = "00000000-0000-0000-0000-000000000000"

log = structlog.get_logger()


class Stragglers:
    """Looks at what was committed, on a thread of its own. Thread-safe."""

    def __init__(
        self,
        engine: Engine,
        erased: Callable[[], Mapping[str, Erased]],
        learn: Callable[[], None],
        erase: Callable[[str, Sequence[EventRow], Sequence[str]], None],
    ) -> None:
        """`erased` tells who was, by frontend; `learn` has that read anew, or raises, and calls `expect`.

        `erase` erases events of a frontend, and has what follows from them and from other sources made again.
        """
        self._engine = engine
        self._erased = erased
        self._learn = learn
        self._erase = erase
        self._changed = threading.Condition()
        self._committed: list[tuple[float, Rows]] = []
        self._expected_until = 0.0
        self._newest = (0, 0)
        self._since: int | None = None
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="sojourn-stragglers", daemon=True)

    def start(self, since: int) -> None:
        """Begin, with what was received since a time (microseconds) that a crash may have cut off."""
        self._since = since
        self._thread.start()

    def expect(self) -> None:
        """Someone was erased: what is committed from now on may hold events of before."""
        self._expected_until = time.monotonic() + EXPECTED_SECONDS

    def committed(self, group: list[Rows]) -> None:
        """Take note of what has just become durable; called on the writer's thread, and quick."""
        # Where other servers erase too, only the store knows whether anyone did.
        now = time.monotonic()
        if not self._engine.embedded or now < self._expected_until:
            with self._changed:
                self._committed += [(now, rows) for rows in group]
                self._changed.notify()

    def close(self) -> None:
        """Look at what was committed, once, and stop."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closing or self._committed or self._since is not None)
                group, self._committed = self._committed, []
            try:
                if self._since is not None:
                    self._look_back(self._since)
                    self._since = None
                self._look(group)
            except Exception:
                # The engine may be away: what was committed is looked at once it is back, or after the next start.
                log.exception("stragglers_unknown")
                with self._changed:
                    self._committed = group + self._committed
                    self._changed.wait_for(lambda: self._closing, RETRY_SECONDS)
                    if self._closing:
                        return
                continue
            if self._closing and not self._committed:
                return

    def _look(self, group: list[tuple[float, Rows]]) -> None:
        if not group:
            return
        if not self._engine.embedded and (newest := newest_tombstone(self._engine)) != self._newest:
            self._learn()
            self._newest = newest
        erased = self._erased()
        late: dict[str, list[EventRow]] = {}
        for committed_at, rows in group:
            # However late it is looked at, as who erases is waited for: when it was committed is what counts.
            for event in rows.events if committed_at < self._expected_until else ():
                who = erased.get(event.frontend)
                if who is not None and _is_late(who, event):
                    late.setdefault(event.frontend, []).append(event)
        for frontend, events in late.items():
            log.info("stragglers_erased", frontend=frontend, events=len(events))
            self._erase(frontend, events, ())

    def _look_back(self, since: int) -> None:
        """What a server that was killed had written and not looked at, or made of events that were erased meanwhile."""
        for frontend, who in self._erased().items():
            if who.newest < since:
                continue
            events = self._late_events(frontend, who, since)
            users = who.users(self._derived_users(frontend))
            sources = self._derived_of(frontend, users, who.newest) if users else []
            if events or sources:
                log.info("stragglers_erased", frontend=frontend, events=len(events), sources=len(sources))
                self._erase(frontend, events, sources)

    def _late_events(self, frontend: str, who: Erased, since: int) -> list[EventRow]:
        bound: dict[str, Any] = {"frontend": frontend, "since": since}
        recent = "FROM events WHERE frontend = {frontend:String} AND received_at >= {since:Int64}"
        users = [user for (user,) in self._engine.query(f"SELECT DISTINCT user_identifier {recent}", bound)]
        sources = [source for (source,) in self._engine.query(f"SELECT DISTINCT source_id {recent}", bound)]
        bound |= {"users": who.users(users), "sources": who.sources(sources)}
        late: list[EventRow] = []
        page = [_row(frontend, "", _NO_ID)]
        while page:
            bound |= {"last": page[-1].source_id, "last_event": page[-1].event_id}
            found = self._engine.query(
                f"SELECT source_id, toString(event_id), user_identifier, client_timestamp, clock_offset {recent} "
                "AND (user_identifier IN {users:Array(String)} OR source_id IN {sources:Array(String)} "
                f"OR startsWith(source_id, '~') AND client_timestamp <= {who.newest:d}) "
                "AND (source_id, event_id) > ({last:String}, {last_event:UUID}) "
                f"ORDER BY source_id, event_id LIMIT {PAGE:d}",
                bound,
            )
            page = [_row(frontend, *values) for values in found]
            late += [row for row in page if _is_late(who, row)]
        return late

    def _derived_users(self, frontend: str) -> list[str]:
        sql = "SELECT DISTINCT arrayJoin(user_identifiers) FROM derived_sessions WHERE frontend = {frontend:String}"
        return [user for (user,) in self._engine.query(sql, {"frontend": frontend})]

    def _derived_of(self, frontend: str, users: list[str], until: int) -> list[str]:
        rows = self._engine.query(
            "SELECT DISTINCT source_id FROM derived_sessions WHERE frontend = {frontend:String} "
            "AND hasAny(user_identifiers, {users:Array(String)}) AND start_time <= {until:Int64}",
            {"frontend": frontend, "users": users, "until": until},
        )
        return [source for (source,) in rows]


def _row(
    frontend: str, source_id: str, event_id: str, user: str = "", timestamp: int = 0, clock_offset: int = 0
) -> EventRow:
    """As much of an event as has to be known to see whether it is late."""
    return EventRow(
        frontend=frontend,
        source_id=source_id,
        event_id=event_id,
        user_identifier=user,
        client_timestamp=timestamp,
        clock_offset=clock_offset,
        stream_id="",
        sequence=-1,
        kind="",
        received_at=0,
    )


def _is_late(who: Erased, event: EventRow) -> bool:
    time = event.client_timestamp + skew_of(event.clock_offset)
    return who.covers(event.user_identifier, event.source_id, event.event_id, time)
