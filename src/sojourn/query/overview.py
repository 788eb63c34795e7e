"""The figures of a frontend over a time range: exact counts of sessions and users, and what the sessions were like.

An empty session (start, end and re-tag alone) is in none of them.
"""

import msgspec

from sojourn.query.newest import newest_in_index
from sojourn.query.scope import Scope
from sojourn.rules.definitions import Aggregation
from sojourn.rules.limits import HOUR, MINUTE, SECOND
from sojourn.rules.names import PropertyKind
from sojourn.store.rows import value_name

SAMPLE = 5_000
"""Newest sessions of the range that the distributions are made of; counts over time are of all of them."""
LARGE = 20_000
"""Sessions of a range that can be counted while a page is waited for."""
TOP = 6
"""Values of one aspect that are listed."""
DURATION_EDGES = (0, 10 * SECOND, 30 * SECOND, MINUTE, 3 * MINUTE, 10 * MINUTE, 30 * MINUTE, HOUR)


class Bucket(msgspec.Struct):
    """Sessions that began in a part of the range, and their users."""

    at: int
    sessions: int
    users: int


class Count(msgspec.Struct):
    """How many sessions have a value in some respect; `aspect` is `p:` and the stored name for a session property."""

    aspect: str
    value: str
    count: int


class Now(msgspec.Struct):
    """What goes on at this moment."""

    sessions: int
    users: int
    anonymous: int


class People(msgspec.Struct):
    """Users that were active in the range: those seen for the first time, and the others."""

    new: int
    returning: int


class Totals(msgspec.Struct):
    """All of a range."""

    sessions: int
    users: int


def _hours(low: int, high: int) -> dict[str, str]:
    return {"low": f"{max(low // HOUR - 1, 0):010d}", "high": f"{high // HOUR + 1:010d}"}


_SESSIONS = """
    SELECT start_time, user_identifiers FROM session_summaries
    WHERE frontend = {frontend:String} AND empty = 0 AND start_time >= {start:Int64} AND start_time < {end:Int64}
    AND session_id IN (
        SELECT session_id FROM session_index WHERE frontend = {frontend:String} AND aspect = 'hour'
        AND value BETWEEN {low:String} AND {high:String})"""


def over_time(scope: Scope, edges: list[int], end: int) -> list[Bucket]:
    """Sessions and users in the parts that begin at `edges`, ascending; the last one ends at `end`."""
    rows = scope.read(
        Bucket,
        "SELECT toInt64(roundDown(start_time, {edges:Array(Int64)})) AS at, count() AS sessions, "
        f"uniqExactArray(user_identifiers) AS users FROM ({_SESSIONS}) GROUP BY at ORDER BY at",
        edges=edges,
        start=edges[0],
        end=end,
        **_hours(edges[0], end),
    )
    found = {row.at: row for row in rows}
    return [found.get(edge, Bucket(edge, 0, 0)) for edge in edges]


def totals(scope: Scope, start: int, end: int) -> Totals:
    """Sessions that began between two times, and the users that they were of."""
    return scope.read(
        Totals,
        f"SELECT count() AS sessions, uniqExactArray(user_identifiers) AS users FROM ({_SESSIONS})",
        start=start,
        end=end,
        **_hours(start, end),
    )[0]


def going_on(scope: Scope) -> Now:
    """Live sessions and the users in them."""
    idle = scope.policy.idle_timeout
    return scope.read(
        Now,
        f"""
        SELECT count() AS sessions, uniqExactIf(user_identifier, user_identifier != '') AS users,
            countIf(user_identifier = '') AS anonymous
        FROM session_summaries WHERE frontend = {{frontend:String}} AND session_id IN (
            SELECT session_id FROM session_index WHERE frontend = {{frontend:String}} AND aspect = 'hour'
            AND value BETWEEN {{low:String}} AND {{high:String}})
        AND empty = 0 AND end_reason = '' AND end_time + {idle:d} > {scope.now:d}""",
        **_hours(scope.now - idle, scope.now),
    )[0]


def people(scope: Scope, start: int, end: int) -> People:
    """New and returning users."""
    return scope.read(
        People,
        """
        SELECT countIf(first >= {start:Int64}) AS new, countIf(first < {start:Int64}) AS returning FROM (
            SELECT min(first_event) AS first FROM session_index
            WHERE frontend = {frontend:String} AND aspect = 'user' AND first_event < {end:Int64}
            GROUP BY value HAVING max(last_end) >= {start:Int64})""",
        start=start,
        end=end,
    )[0]


def earliest(scope: Scope) -> int | None:
    """When the oldest hour with an event began; None without events."""
    rows = scope.read(
        _Hour,
        "SELECT toInt64(min(value)) AS hour FROM session_index "
        "WHERE frontend = {frontend:String} AND aspect = 'hour' HAVING count() > 0",
    )
    return rows[0].hour * HOUR if rows else None


class _Hour(msgspec.Struct):
    hour: int


class _Rows(msgspec.Struct):
    rows: int


def is_large(scope: Scope, start: int, end: int) -> bool:
    """Whether so many sessions lie in a range that counting them takes a while."""
    rows = scope.read(
        _Rows,
        "SELECT count() AS rows FROM session_index WHERE frontend = {frontend:String} AND aspect = 'hour' "
        "AND value BETWEEN {low:String} AND {high:String}",
        **_hours(start, end),
    )
    return rows[0].rows > LARGE


def shapes(scope: Scope, start: int, end: int) -> dict[str, list[Count]]:
    """What the newest sessions of the range were like, by aspect, the most frequent values first.

    `total` counts the sessions looked at; `errors`, `incomplete` and `anonymous` those concerned, `missing` and
    `absent` the events; `duration` has the index of an edge as its value.
    """
    first, last = _value_names(scope, Aggregation.FIRST), _value_names(scope, Aggregation.LAST)
    over = f"end_time + {scope.policy.idle_timeout:d} <= {scope.now:d}"
    said = "Array(Tuple(String, String, Int64))"
    edges = ", ".join(str(edge) for edge in DURATION_EDGES)
    rows = scope.read(
        Count,
        f"""
        SELECT said.1 AS aspect, said.2 AS value, toInt64(sum(said.3)) AS count FROM (
            SELECT arrayJoin(arrayConcat(CAST([
                ('total', '', 1), ('errors', '', error_count > 0), ('incomplete', '', missing_events > 0),
                ('missing', '', missing_events), ('absent', '', absent_events),
                ('anonymous', '', user_identifier = ''),
                ('end', if(end_reason != '', end_reason, if({over}, 'timeout', 'live')), 1),
                ('device', device_type, 1), ('os', os_name, 1), ('browser', browser_name, 1),
                ('version', app_version, 1),
                ('duration', toString(arrayLastIndex(edge -> edge <= duration, [{edges}]) - 1), 1)], '{said}'),
                CAST(arrayMap(name -> ('p:' || name, leftUTF8(first_values[name], 200), 1),
                    arrayFilter(name -> mapContains(first_values, name), {{first:Array(String)}})), '{said}'),
                CAST(arrayMap(name -> ('p:' || name, leftUTF8(last_values[name], 200), 1),
                    arrayFilter(name -> mapContains(last_values, name), {{last:Array(String)}})), '{said}'))) AS said
            FROM session_summaries WHERE frontend = {{frontend:String}} AND empty = 0
            AND start_time >= {{start:Int64}} AND start_time < {{end:Int64}} AND session_id IN (
                {newest_in_index(SAMPLE)}))
        GROUP BY aspect, value HAVING count > 0
        ORDER BY count DESC, aspect, value LIMIT {max(TOP, len(DURATION_EDGES)) + 1:d} BY aspect""",
        start=start,
        end=end,
        first=first,
        last=last,
        **_hours(start, end),
    )
    found: dict[str, list[Count]] = {}
    for row in rows:
        found.setdefault(row.aspect, []).append(row)
    return found


def _value_names(scope: Scope, aggregation: Aggregation) -> list[str]:
    """The names under which the values of session properties with this aggregation lie in a summary."""
    return [
        value_name(definition)
        for definition in scope.catalog.definitions
        if definition.kind is PropertyKind.SESSION and definition.aggregation is aggregation
    ]
