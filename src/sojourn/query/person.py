"""One user's sessions and devices. Up to MAX_IDS sessions are read whole; of more, the engine makes the sums."""

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from sojourn.query.answers import Instance, Session
from sojourn.query.by_id import MAX_IDS, sessions_by_id
from sojourn.query.rows import SessionRow, browser_of, context_of, device_of, os_of
from sojourn.query.scope import Scope
from sojourn.rules.limits import DAY
from sojourn.store.rows import Context

Dated = tuple[int, str, str]
"""A value of a property with the start and the id of its session, so that the greatest is the newest."""

TAGGED = "frontend = {frontend:String} AND aspect = 'user' AND value IN {identifiers:Array(String)}"
# A client that manages no sessions is found by its source, which is named after the instance.
_UNTAGGED = """frontend = {frontend:String} AND (
    aspect = 'instance' AND value IN {own:Array(String)}
    OR aspect = 'source' AND value IN arrayMap(name -> concat('~', name), {own:Array(String)}))"""
_LISTED = f"SELECT session_id FROM session_index WHERE ({TAGGED}) OR ({_UNTAGGED})"
_OF_USER = f"""frontend = {{frontend:String}} AND session_id IN ({_LISTED})
    AND (hasAny(user_identifiers, {{identifiers:Array(String)}})
        OR empty(user_identifiers) AND instance_id IN {{own:Array(String)}})"""


class InstanceSums(msgspec.Struct):
    """What a user's sessions on one instance amount to; `context` is that of the newest. `days` are since 1970, UTC."""

    instance_id: str
    context: Context
    first_seen: int
    last_seen: int
    session_count: int
    tagged_count: int
    days: list[int]
    firsts: dict[str, Dated]
    lasts: dict[str, Dated]

    def answer(self) -> Instance:
        """The instance as it is shown."""
        context = self.context
        return Instance(
            instance_id=self.instance_id,
            device=device_of(context),
            os=os_of(context),
            browser=browser_of(context),
            app_version=context.app_version,
            first_seen=self.first_seen,
            last_seen=self.last_seen,
            session_count=self.session_count,
        )


class _Name(msgspec.Struct):
    instance_id: str


class _Found(msgspec.Struct):
    session_id: str


class Person:
    """The user of some identifiers: the sessions that had one, and those without any on instances of this user alone.

    What few sessions amount to is kept once read, as one page asks for the sessions and for the devices.
    """

    def __init__(self, scope: Scope, identifiers: Sequence[str]) -> None:
        self._scope = scope
        self._bound: dict[str, object] = {
            "identifiers": list(identifiers),
            "own": own_instances(scope, identifiers),
        }
        self._rows = self._few()

    def _few(self) -> list[SessionRow] | None:
        """All sessions, the latest start first; None where they are many."""
        listed = self._scope.read(
            _Found,
            f"SELECT DISTINCT session_id FROM ({_LISTED}) LIMIT {MAX_IDS + 1:d}",
            **self._bound,
        )
        if len(listed) > MAX_IDS:
            return None
        rows = [
            row for row in sessions_by_id(self._scope, [one.session_id for one in listed]) if self._is_of_person(row)
        ]
        return sorted(rows, key=lambda row: (row.start_time, row.session_id), reverse=True)

    def _is_of_person(self, row: SessionRow) -> bool:
        if row.user_identifiers:
            return not set(row.user_identifiers).isdisjoint(self._bound["identifiers"])  # type: ignore[arg-type]
        return row.instance_id in self._bound["own"]  # type: ignore[operator]

    def sessions(self, limit: int, after: tuple[int, str] | None = None) -> list[SessionRow]:
        """The sessions behind a place (start, session id), the latest start first."""
        if self._rows is None:
            return self._newest_of_many(limit, after)
        return [row for row in self._rows if after is None or (row.start_time, row.session_id) < after][:limit]

    def all_sessions(self, at_a_time: int) -> Iterator[SessionRow]:
        """All sessions, the latest start first."""
        after = None
        while rows := self.sessions(at_a_time, after):
            yield from rows
            after = rows[-1].start_time, rows[-1].session_id

    def answer(self, row: SessionRow) -> Session:
        """A session as it is shown: one without a user is marked."""
        session = row.answer(self._scope)
        session.anonymous = not session.user_identifiers
        return session

    def _newest_of_many(self, limit: int, after: tuple[int, str] | None) -> list[SessionRow]:
        before, bound = "", dict[str, object]()
        if after is not None:
            before = "AND (start_time, session_id) < ({last_start:Int64}, {last_id:String})"
            bound = {"last_start": after[0], "last_id": after[1]}
        found = self._scope.read(
            _Found,
            f"SELECT session_id FROM session_summaries WHERE {_OF_USER} {before} "
            f"ORDER BY start_time DESC, session_id DESC LIMIT {limit:d}",
            **self._bound,
            **bound,
        )
        return sessions_by_id(self._scope, [one.session_id for one in found])

    def instances(self) -> list[InstanceSums]:
        """The instances of these sessions, the last seen first."""
        sums = self._sums_of_many() if self._rows is None else list(_sums(self._rows))
        return sorted(sums, key=lambda one: (-one.last_seen, one.instance_id))

    def _sums_of_many(self) -> list[InstanceSums]:
        context = ", ".join(f"'{name}', {name}" for name in Context.__struct_fields__ if not name.startswith("sdk_"))
        dated = "mapApply((k, v) -> (k, (start_time, session_id, v)), {})"
        return self._scope.read(
            InstanceSums,
            f"""
            SELECT instance_id, argMax(map({context}), (end_time, session_id)) AS context,
                min(start_time) AS first_seen, max(end_time) AS last_seen,
                count() AS session_count, countIf(notEmpty(user_identifiers)) AS tagged_count,
                groupUniqArrayArray(range(
                    toUInt64(intDiv(start_time, {DAY:d})), toUInt64(intDiv(end_time, {DAY:d}) + 1))) AS days,
                maxMap({dated.format("first_values")}) AS firsts, maxMap({dated.format("last_values")}) AS lasts
            FROM session_summaries WHERE {_OF_USER}
            GROUP BY instance_id""",
            **self._bound,
        )


def _sums(rows: Iterable[SessionRow]) -> Iterator[InstanceSums]:
    """What sessions amount to, by instance: the same as `_sums_of_many` asks the engine for."""
    of_instance: dict[str, list[SessionRow]] = {}
    for row in rows:
        of_instance.setdefault(row.instance_id, []).append(row)
    for instance_id, found in of_instance.items():
        firsts: dict[str, Dated] = {}
        lasts: dict[str, Dated] = {}
        for row in found:
            for values, newest in ((row.first_values, firsts), (row.last_values, lasts)):
                for name, value in values.items():
                    dated = (row.start_time, row.session_id, value)
                    newest[name] = max(newest.get(name, dated), dated)
        yield InstanceSums(
            instance_id=instance_id,
            context=context_of(max(found, key=lambda row: (row.end_time, row.session_id)).context),
            first_seen=min(row.start_time for row in found),
            last_seen=max(row.end_time for row in found),
            session_count=len(found),
            tagged_count=sum(bool(row.user_identifiers) for row in found),
            days=sorted({day for row in found for day in range(row.start_time // DAY, row.end_time // DAY + 1)}),
            firsts=firsts,
            lasts=lasts,
        )


def own_instances(scope: Scope, identifiers: Sequence[str]) -> list[str]:
    """The instances on which no other user than the one of these identifiers was ever seen."""
    rows = scope.read(
        _Name,
        f"""
        SELECT instance_id FROM session_index
        WHERE frontend = {{frontend:String}} AND aspect = 'user' AND instance_id IN (
            SELECT DISTINCT instance_id FROM session_index WHERE {TAGGED} LIMIT 10000)
        GROUP BY instance_id HAVING countIf(value NOT IN {{identifiers:Array(String)}}) = 0""",
        identifiers=list(identifiers),
    )
    return [row.instance_id for row in rows]
