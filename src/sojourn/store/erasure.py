"""Erasure: doomed rows are deleted from every table, and from the disk, with a proof that none is left.

Order matters, so that a crash at any point leaves what is deleted at the next start: events go first, then what was
made of them; of sources of which other events stay, that is made again.
"""

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass

import msgspec
import structlog

from sojourn.rules.erased import event_digest, source_digest, user_digest
from sojourn.rules.limits import MINUTE
from sojourn.store.dooming import DOOMED_TABLES, Doomed
from sojourn.store.engine import Engine
from sojourn.store.repair import aggregate
from sojourn.store.rows import EventRow, Rows
from sojourn.store.store import Store
from sojourn.store.sweeping import await_sweep
from sojourn.store.tombstones import put_tombstones

log = structlog.get_logger()

SWEEP_SECONDS = 60.0
"""How long an erasure waits until the files of deleted rows are gone."""
ABANDONED_AFTER = 10 * MINUTE
"""An erasure that was begun so long ago by another server was cut off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ErasedUser:
    """Whom to erase: all identifiers, and the instances that nobody else ever used. `key` is the frontend's."""

    frontend: str
    identifiers: Sequence[str]
    own_instances: Sequence[str]
    key: bytes


def user_digests(user: ErasedUser) -> list[str]:
    """What the user is known by afterwards."""
    return [user_digest(user.key, identifier) for identifier in user.identifiers]


Pause = Callable[[], AbstractContextManager[object]]


class Proof(msgspec.Struct, kw_only=True):
    """One table of an erasure: its doomed rows before and after, and rows that still name the user, in any column."""

    table: str
    before: int
    after: int
    mentions: int = 0


@dataclass(frozen=True, slots=True)
class _Table:
    name: str
    condition: str
    texts: tuple[str, ...]
    """The columns that a text can be in."""


class Eraser:
    """Erases users and what is too old, one after the other."""

    def __init__(
        self,
        store: Store,
        pauses: Sequence[Pause],
        touch: Callable[[str, Sequence[str]], None],
        tombstones_changed: Callable[[], None] = lambda: None,
    ) -> None:
        """`pauses` hold up who writes what follows from events; `touch` has sources of a frontend derived again.

        `tombstones_changed` has ingest refuse what was erased, before it returns.
        """
        self._store = store
        self._pauses = pauses
        self._touch = touch
        self._tombstones_changed = tombstones_changed
        self._lock = threading.Lock()

    def erase_user(self, user: ErasedUser, now: int) -> list[Proof]:
        """Erase a user at a time in microseconds. Returns the proof."""
        with self._lock:
            self._refuse(user, user_digests(user), now)
            if not self._store.engine.embedded:
                # What came to another server may not be derived yet.
                self._touch(user.frontend, self._bare_sources(user))
            proof = self._erase(lambda doomed: self._doom_user(doomed, user, now), user.identifiers)
            if any(line.after for line in proof):
                # A row that was on its way when its session was doomed.
                again = self._erase(lambda doomed: self._doom_user(doomed, user, now), user.identifiers)
                for line, second in zip(proof, again, strict=True):
                    line.after, line.mentions = second.after, second.mentions
            return proof

    def _doom_user(self, doomed: Doomed, user: ErasedUser, now: int) -> None:
        doomed.user(user.frontend, user.identifiers, user.own_instances)
        query = self._store.engine.query
        sources = query(f"SELECT DISTINCT source_id FROM ({Doomed.whole})", doomed.bound)
        events = query(
            f"SELECT DISTINCT toString(event_id) FROM ({Doomed.events}) "
            f"WHERE (frontend, source_id) NOT IN ({Doomed.whole})",
            doomed.bound,
        )
        digests = [source_digest(user.key, source_id) for (source_id,) in sources]
        self._refuse(user, digests + [event_digest(user.key, event_id) for (event_id,) in events], now)

    def _bare_sources(self, user: ErasedUser) -> list[str]:
        """The sources without session ids that the user's events came from."""
        rows = self._store.engine.query(
            "SELECT DISTINCT session_id FROM session_index WHERE frontend = {frontend:String} "
            "AND startsWith(session_id, '~') AND (aspect = 'user' AND value IN {identifiers:Array(String)} "
            "OR aspect = 'instance' AND value IN {own:Array(String)})",
            {"frontend": user.frontend, "identifiers": list(user.identifiers), "own": list(user.own_instances)},
        )
        return [source for (source,) in rows]

    def _refuse(self, user: ErasedUser, digests: Sequence[str], now: int) -> None:
        """Take no more of what is erased, and let what was taken before reach the disk."""
        put_tombstones(self._store.engine, user.frontend, digests, now)
        self._tombstones_changed()
        self._store.writer.submit(Rows(events=[], absences=[], discards=[])).result()

    def erase_older(self, frontend: str, before: int) -> list[Proof]:
        """Erase the sessions of a frontend that ended before a time in microseconds."""
        with self._lock:
            return self._erase(lambda doomed: doomed.older(frontend, before), ())

    def erase_late(self, frontend: str, events: Sequence[EventRow], sources: Sequence[str] = ()) -> None:
        """Erase single events that came after all, and make what follows from them and other `sources` again."""
        with self._lock:
            self._erase(lambda doomed: doomed.late(frontend, events, sources), ())

    def resume(self) -> None:
        """Finish the erasures that a crash cut off."""
        engine = self._store.engine
        before = time.time_ns() // 1000 - (0 if engine.embedded else ABANDONED_AFTER)
        with self._lock:
            for doomed in Doomed.begun_before(engine, before):
                log.info("erasure_resumed", erasure=doomed.erasure)
                self._erase(lambda _: None, (), doomed)

    def _erase(
        self, doom: Callable[[Doomed], None], identifiers: Sequence[str], doomed: Doomed | None = None
    ) -> list[Proof]:
        engine = self._store.engine
        doomed = doomed or Doomed(engine)
        with ExitStack() as paused:
            for pause in self._pauses:
                paused.enter_context(pause())
            doom(doomed)
            tables = _tables(engine)
            before = {table.name: _count(engine, table, doomed) for table in tables}
            if not any(before.values()):
                doomed.forget()
                return [Proof(table=table.name, before=0, after=0) for table in tables]
            for table in tables:
                engine.command(
                    f"ALTER TABLE {table.name} DELETE WHERE {table.condition} SETTINGS mutations_sync = 2", doomed.bound
                )
            self._aggregate_again(doomed)
            after = {table.name: _count(engine, table, doomed) for table in tables}
            left = engine.query(
                f"SELECT DISTINCT frontend, source_id FROM events WHERE (frontend, source_id) IN ({Doomed.staying})",
                doomed.bound,
            )
            doomed.forget()
        for frontend, source_id in left:
            self._touch(frontend, [source_id])
        if identifiers and not await_sweep(engine, [*before, *DOOMED_TABLES], SWEEP_SECONDS):
            log.warning("files_of_deleted_rows_remain", seconds=SWEEP_SECONDS)
        return [
            Proof(
                table=table.name,
                before=before[table.name],
                after=after[table.name],
                mentions=_mentions(engine, table, identifiers) if identifiers else 0,
            )
            for table in tables
        ]

    def _aggregate_again(self, doomed: Doomed) -> None:
        """Make the states and the index of sources again of which some events stay."""
        engine = self._store.engine
        for node in engine.nodes:
            for source in ("events", "absences"):
                rows = f"SELECT * FROM {source} WHERE (frontend, source_id) IN ({Doomed.staying})"
                aggregate(node, engine.stored_database, source, rows, doomed.bound)


def _tables(engine: Engine) -> list[_Table]:
    """Every table with rows of persons: first those of events, then those made of them."""
    rows = engine.nodes[0].rows(
        """
        SELECT table, groupArray(name) AS columns, groupArrayIf(name,
            match(type, 'String') AND NOT match(type, '^AggregateFunction')) AS texts
        FROM system.columns WHERE database = {database:String} AND table IN (
            SELECT name FROM system.tables WHERE database = {database:String} AND engine LIKE '%MergeTree%')
        GROUP BY table ORDER BY has(columns, 'event_id') DESC, table""",
        {"database": engine.stored_database},
    )
    found = []
    for name, columns, texts in rows:
        if name in DOOMED_TABLES or "frontend" not in columns:
            continue
        condition = None
        if "event_id" in columns:
            condition = (
                f"(frontend, source_id) IN ({Doomed.whole}) OR (frontend, source_id, event_id) IN ({Doomed.events})"
            )
        elif name == "absences":
            condition = f"(frontend, source_id) IN ({Doomed.whole})"
        elif "source_id" in columns:
            condition = f"(frontend, source_id) IN ({Doomed.sources})"
        elif "session_id" in columns:
            condition = f"(frontend, session_id) IN ({Doomed.sources})"
        if condition is not None:
            found.append(_Table(name, condition, tuple(texts)))
    return found


def _count(engine: Engine, table: _Table, doomed: Doomed) -> int:
    return int(engine.query(f"SELECT count() FROM {table.name} WHERE {table.condition}", doomed.bound)[0][0])


def _mentions(engine: Engine, table: _Table, identifiers: Sequence[str]) -> int:
    """Rows that hold an identifier anywhere, as it is or as JSON has it."""
    needles = {*identifiers, *(msgspec.json.encode(identifier).decode()[1:-1] for identifier in identifiers)}
    text = "concat(" + ", '\\n', ".join(f"toString({column})" for column in table.texts) + ", '')"
    condition = f"arrayExists(needle -> position({text}, needle) > 0, {{needles:Array(String)}})"
    rows = engine.query(f"SELECT count() FROM {table.name} WHERE {condition}", {"needles": sorted(needles)})
    return int(rows[0][0])
