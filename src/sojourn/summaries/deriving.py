"""One derivation: the sources that events came for are split again by the rule, and their sessions written."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

import msgspec
import structlog

from sojourn.rules.boundaries import Boundaries, DerivedSession, Places, Source, derive
from sojourn.rules.events import order_of
from sojourn.rules.sessions import PolicyHistory
from sojourn.store.engine import Engine
from sojourn.summaries.erased import count_events, take_back
from sojourn.summaries.found import (
    ANY_TIME,
    FoundEvent,
    Size,
    absent_places,
    derived_before,
    events_since,
    sizes,
    versions,
)
from sojourn.summaries.long_sources import count_gaps
from sojourn.summaries.rows import DerivedRow, IndexRow, MarkRow, session_rows, void_row

INSTANCE_MARK = "~"
"""What the id of a source begins with that is an instance and no client's session id."""
MAX_EVENTS = 50_000
"""Events of one source that are looked at at once. A longer one is derived in stretches, its gaps counted apart."""
MAX_SESSION_EVENTS = 200_000
"""Events of one session; a longer one stays as it was derived last."""
MAX_SOURCES = 500
"""Sources of one derivation."""
MAX_BATCH_EVENTS = 100_000
"""Events of one derivation, unless a single source has more."""

log = structlog.get_logger()
Touched = Mapping[str, int]
"""The time of the first event that came for each source."""


@dataclass(slots=True)
class _Written:
    sessions: list[DerivedRow] = field(default_factory=list)
    index: list[IndexRow] = field(default_factory=list)
    marks: list[MarkRow] = field(default_factory=list)


def derive_again(
    engine: Engine, frontend: str, touched: Touched, history: PolicyHistory, *, alone: bool
) -> dict[str, int]:
    """Derive the sessions of sources anew. Returns what is left to do, in the same form.

    `alone`, nobody else derives over this store, and a source is derived from the last session on that began before
    what came. Otherwise what others have written meanwhile may be wrong: nothing is made of it, a source is derived
    from its beginning, and looked at again where others saw other events.
    """
    counted = {} if alone else count_events(engine, frontend, list(touched))
    sized = sizes(engine, frontend, list(touched))
    work = _Derivation(engine, frontend, history, sized, alone)
    for batch in _batches(touched, sized):
        work.run(batch, MAX_EVENTS)
    for source in touched:
        if source in sized and sized[source].numbered and not work.is_seen_whole(source) and source not in work.left:
            count_gaps(engine, frontend, source)
    if not alone and sized:
        # What came while this was at work was perhaps judged whole by another node, which did not know of this one.
        grown = sizes(engine, frontend, list(sized))
        written = versions(engine, frontend, list(work.versions))
        for source in sized:
            seen = {work.versions[source]} if source in work.versions else set()
            has_grown = source in grown and grown[source].events > sized[source].events
            if has_grown or written.get(source, seen) != seen:
                work.left[source] = min(touched[source], work.left.get(source, touched[source]))
        still = count_events(engine, frontend, list(counted))
        erased = [source for source, count in counted.items() if still.get(source, 0) < count]
        if erased:
            take_back(engine, frontend, erased, [source for source in erased if source not in still])
            for source in erased:
                work.left.pop(source, None)
                if source in still:
                    work.left[source] = ANY_TIME
    return work.left


def _batches(touched: Touched, sized: Mapping[str, Size]) -> Iterator[dict[str, int]]:
    batch: dict[str, int] = {}
    events = 0
    for source in sized:
        count = min(sized[source].events, MAX_EVENTS)
        if batch and (len(batch) == MAX_SOURCES or events + count > MAX_BATCH_EVENTS):
            yield batch
            batch, events = {}, 0
        batch[source] = touched[source]
        events += count
    if batch:
        yield batch


class _Derivation:
    """The work on some sources of one frontend. `versions` are those of the sources that it wrote whole."""

    def __init__(
        self, engine: Engine, frontend: str, history: PolicyHistory, sized: Mapping[str, Size], alone: bool
    ) -> None:
        self.engine = engine
        self.frontend = frontend
        self.history = history
        self.sized = sized
        self.alone = alone
        self.left: dict[str, int] = {}
        self.versions: dict[str, int] = {}
        self._written = _Written()

    def run(self, touched: Touched, limit: int) -> None:
        self._written = _Written()
        whole = [source for source in touched if self.is_seen_whole(source)]
        since = {source: ANY_TIME if source in whole else time for source, time in touched.items()}
        before = derived_before(self.engine, self.frontend, since)
        begins = {source: known[0] for source, known in before.items() if known[0].first_event[0] < since[source]}
        starts = {source: begins[source].first_event[0] if source in begins else ANY_TIME for source in touched}
        events = events_since(self.engine, self.frontend, starts, limit)
        numbered = [source for source in whole if self.sized[source].numbered]
        absences = absent_places(self.engine, self.frontend, numbered) if numbered else {}
        too_long: dict[str, int] = {}
        for source in touched:
            found, begin = events.get(source, []), begins.get(source)
            absent, second = absences.get(source, (frozenset(), frozenset()))
            cut = len(found) >= limit
            if begin is not None:
                found = [event for event in found if order_of(event) >= begin.first_event]
            if not found:
                # They were erased since.
                continue
            boundaries = self._boundaries(source, found, absent, second, begin)
            if cut and len(boundaries.sessions) == 1:
                too_long[source] = touched[source]
                continue
            version = self.sized[source].events
            if not self.alone and source in whole and not cut:
                # Of exactly what was looked at, so that equal versions of two nodes are of equal sets.
                version = len(found) + len(absent)
            self._write(source, version, boundaries, found, before.get(source, []), cut)
        self._insert()
        if too_long and limit < MAX_SESSION_EVENTS:
            for source, time in too_long.items():
                self.run({source: time}, MAX_SESSION_EVENTS)
        elif too_long:
            log.error("session_too_long", frontend=self.frontend, sources=sorted(too_long), events=MAX_SESSION_EVENTS)

    def is_seen_whole(self, source: str) -> bool:
        """Whose gap it is can be told only from all events of a source that numbers them."""
        return (self.sized[source].numbered or not self.alone) and self.sized[source].events <= MAX_EVENTS

    def _boundaries(
        self, source: str, events: list[FoundEvent], absent: Places, second: Places, begin: DerivedSession | None
    ) -> Boundaries:
        named = (
            Source(self.frontend, instance_id=source[1:])
            if source.startswith(INSTANCE_MARK)
            else Source(self.frontend, session_id=source)
        )
        boundaries = derive(named, events, self.history, absent, begin, second)
        if self.is_seen_whole(source):
            return boundaries
        uncounted = [replace(session, missing_events=0, absent_events=0) for session in boundaries.sessions]
        return Boundaries(tuple(uncounted), boundaries.placements)

    def _write(
        self,
        source: str,
        version: int,
        boundaries: Boundaries,
        events: list[FoundEvent],
        before: list[DerivedSession],
        cut: bool,
    ) -> None:
        """Keep the rows of one source. Where its events were `cut` off, the last session goes on in the next one."""
        is_client = not source.startswith(INSTANCE_MARK)
        if is_client and not self.sized[source].derived and len(boundaries.sessions) < 2:
            return
        if self.is_seen_whole(source) and not cut:
            self.versions[source] = version
        for row, found_by in session_rows(self.frontend, source, version, boundaries, events):
            self._written.sessions.append(row)
            self._written.index += found_by
        kept = {session.session_id for session in boundaries.sessions}
        looked_until = boundaries.sessions[-1].first_event if cut else None
        for session in before:
            if session.session_id not in kept and (looked_until is None or session.first_event < looked_until):
                self._written.sessions.append(void_row(self.frontend, source, version, session))
        if is_client and not self.sized[source].derived:
            self._written.marks.append(MarkRow(frontend=self.frontend, session_id=source))
        if cut:
            self.left[source] = boundaries.sessions[-1].first_event[0] + 1

    def _insert(self) -> None:
        """The index comes first, so that no session is written that nobody finds; the marks that hide come last."""
        for table, rows in (
            ("session_index", self._written.index),
            ("derived_sessions", self._written.sessions),
            ("session_states", self._written.marks),
        ):
            if rows:
                self.engine.append(table, msgspec.json.Encoder().encode_lines(rows))
