"""Erasure: doomed rows are deleted from every table, and from the disk, with a proof that none is left.

Order matters, so that a crash at any point leaves what is deleted at the next start: events go first, then what was
made of them; of sources of which other events stay, that is made again.
"""

import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass

import msgspec
import structlog

from sojourn.rules.erased import session_digest, user_digest
from sojourn.store.dooming import doom_older, doom_user
from sojourn.store.engine import Engine
from sojourn.store.repair import aggregate
from sojourn.store.rows import Rows
from sojourn.store.store import Store
from sojourn.store.sweeping import await_sweep
from sojourn.store.tombstones import put_tombstones

log = structlog.get_logger()

SWEEP_SECONDS = 60.0
"""How long an erasure waits until the files of deleted rows are gone."""
_DOOMED = ("doomed_sources", "doomed_events")
_WHOLE = "SELECT frontend, source_id FROM doomed_sources WHERE whole = 1"
_ANY = "SELECT frontend, source_id FROM doomed_sources"
_EVENTS = "SELECT frontend, source_id, event_id FROM doomed_events"


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
            proof = self._erase(lambda engine: self._doom_user(engine, user, now), user.identifiers)
            if any(line.after for line in proof):
                # A row that was on its way when its session was doomed.
                again = self._erase(lambda engine: self._doom_user(engine, user, now), user.identifiers)
                for line, second in zip(proof, again, strict=True):
                    line.after, line.mentions = second.after, second.mentions
            return proof

    def _doom_user(self, engine: Engine, user: ErasedUser, now: int) -> None:
        doom_user(engine, user.frontend, user.identifiers, user.own_instances)
        sessions = engine.query(
            f"SELECT DISTINCT source_id FROM ({_WHOLE}) WHERE frontend = {{frontend:String}}",
            {"frontend": user.frontend},
        )
        self._refuse(user, [session_digest(user.key, session_id) for (session_id,) in sessions], now)

    def _refuse(self, user: ErasedUser, digests: Sequence[str], now: int) -> None:
        """Take no more of what is erased, and let what was taken before reach the disk."""
        put_tombstones(self._store.engine, user.frontend, digests, now)
        self._tombstones_changed()
        self._store.writer.submit(Rows(events=[], absences=[], discards=[])).result()

    def erase_older(self, frontend: str, before: int) -> list[Proof]:
        """Erase the sessions of a frontend that ended before a time in microseconds."""
        with self._lock:
            return self._erase(lambda engine: doom_older(engine, frontend, before), ())

    def resume(self) -> None:
        """Finish an erasure that a crash cut off."""
        with self._lock:
            if self._store.engine.query(f"SELECT count() FROM ({_ANY})")[0][0]:
                log.info("erasure_resumed")
                self._erase(lambda _: None, ())

    def _erase(self, doom: Callable[[Engine], None], identifiers: Sequence[str]) -> list[Proof]:
        engine = self._store.engine
        with ExitStack() as paused:
            for pause in self._pauses:
                paused.enter_context(pause())
            doom(engine)
            tables = _tables(engine)
            before = {table.name: _count(engine, table.name, table.condition) for table in tables}
            if not any(before.values()):
                self._forget()
                return [Proof(table=table.name, before=0, after=0) for table in tables]
            for table in tables:
                engine.command(f"ALTER TABLE {table.name} DELETE WHERE {table.condition} SETTINGS mutations_sync = 2")
            self._aggregate_again()
            after = {table.name: _count(engine, table.name, table.condition) for table in tables}
            left = engine.query(f"SELECT DISTINCT frontend, source_id FROM ({_STAYING})")
            self._forget()
        for frontend, source_id in left:
            self._touch(frontend, [source_id])
        if identifiers and not await_sweep(engine, [*before, *_DOOMED], SWEEP_SECONDS):
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

    def _aggregate_again(self) -> None:
        """Make the states and the index of sources again of which some events stay."""
        engine = self._store.engine
        for node in engine.nodes:
            for source in ("events", "absences"):
                rows = f"SELECT * FROM {source} WHERE (frontend, source_id) IN ({_STAYING})"
                aggregate(node, engine.stored_database, source, rows)

    def _forget(self) -> None:
        for table in _DOOMED:
            self._store.engine.command(f"TRUNCATE TABLE {table}")


_STAYING = f"{_ANY} WHERE startsWith(source_id, '~') AND (frontend, source_id) NOT IN ({_WHOLE})"


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
        if name in _DOOMED or "frontend" not in columns:
            continue
        condition = None
        if "event_id" in columns:
            condition = f"(frontend, source_id) IN ({_WHOLE}) OR (frontend, source_id, event_id) IN ({_EVENTS})"
        elif name == "absences":
            condition = f"(frontend, source_id) IN ({_WHOLE})"
        elif "source_id" in columns:
            condition = f"(frontend, source_id) IN ({_ANY})"
        elif "session_id" in columns:
            condition = f"(frontend, session_id) IN ({_ANY})"
        if condition is not None:
            found.append(_Table(name, condition, tuple(texts)))
    return found


def _count(engine: Engine, table: str, condition: str, bound: dict[str, object] | None = None) -> int:
    found: int = engine.query(f"SELECT count() FROM {table} WHERE {condition}", bound)[0][0]
    return found


def _mentions(engine: Engine, table: _Table, identifiers: Sequence[str]) -> int:
    """Rows that hold an identifier anywhere, as it is or as JSON has it."""
    needles = {*identifiers, *(msgspec.json.encode(identifier).decode()[1:-1] for identifier in identifiers)}
    text = "concat(" + ", '\\n', ".join(f"toString({column})" for column in table.texts) + ", '')"
    condition = f"arrayExists(needle -> position({text}, needle) > 0, {{needles:Array(String)}})"
    return _count(engine, table.name, condition, {"needles": sorted(needles)})
