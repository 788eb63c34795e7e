"""The figures of a frontend over a time range: exact counts of sessions and users, and what the sessions were like.

An empty session (start, end and re-tag alone) is in none of them.
"""

import msgspec

from sojourn.query.newest import newest_in_index
from sojourn.query.people import USERS, shown_identifier
from sojourn.query.scope import Scope
from sojourn.rules.definitions import Aggregation
from sojourn.rules.limits import HOUR, MINUTE, SECOND
from sojourn.rules.names import PropertyKind
from sojourn.store.rows import value_name

SAMPLE = 5_000
"""Newest sessions of the range that the distributions are made of; counts over time are of all of them."""
MANY_SESSIONS = 5_000
MANY_USERS = 200_000
"""Sessions of a range, and sessions that had a user, beyond which a page is not to wait for the figures."""
TOP = 6
"""Values of one aspect that are listed."""
DURATION_EDGES = (0, 10 * SECOND, 30 * SECOND, MINUTE, 3 * MINUTE, 10 * MINUTE, 30 * MINUTE, HOUR)


class Bucket(msgspec.Struct):
    """What a part of the range saw: sessions that began in it, and users who began to be active in one."""

    at: int
    sessions: int = 0
    users: int = 0


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


class Active(msgspec.Struct):
    """Users who were active in the range, and in as long a time before it."""

    users: int
    before: int


class _Users(msgspec.Struct):
    users: int


def _hours(low: int, high: int) -> dict[str, str]:
    return {"low": f"{max(low // HOUR - 1, 0):010d}", "high": f"{high // HOUR + 1:010d}"}


BEFORE = -1
"""Where the time before the range is counted."""


def sessions_over_time(scope: Scope, edges: list[int], start: int, end: int) -> dict[int, int]:
    """Sessions that began in a range, by its parts, which start at `edges`, ascending; BEFORE is as long a time before.

    The first part may start before the range does, and is then counted from there on.
    """
    rows = scope.read(
        Bucket,
        """
        SELECT toInt64(if(start_time < {start:Int64}, {earlier:Int64}, roundDown(start_time, {edges:Array(Int64)})))
            AS at, count() AS sessions
        FROM session_summaries
        WHERE frontend = {frontend:String} AND empty = 0 AND start_time >= {before:Int64} AND start_time < {end:Int64}
        AND session_id IN (
            SELECT session_id FROM session_index WHERE frontend = {frontend:String} AND aspect = 'hour'
            AND value BETWEEN {low:String} AND {high:String})
        GROUP BY at""",
        edges=edges,
        earlier=BEFORE,
        start=start,
        before=2 * start - end,
        end=end,
        **_hours(2 * start - end, end),
    )
    return {row.at: row.sessions for row in rows}


def users_over_time(scope: Scope, edges: list[int], start: int, end: int) -> dict[int, int]:
    """Users who began to be active in a session in a range, by its parts, which start at `edges`, ascending."""
    shown, bound = shown_identifier(scope)
    rows = scope.read(
        Bucket,
        f"""
        SELECT toInt64(roundDown(first_event, {{edges:Array(Int64)}})) AS at, uniqExact({shown}) AS users
        FROM session_index WHERE {USERS} AND first_event >= {{start:Int64}} AND first_event < {{end:Int64}}
        GROUP BY at""",
        edges=edges,
        start=start,
        end=end,
        **bound,
    )
    return {row.at: row.users for row in rows}


def active_users(scope: Scope, start: int, end: int) -> Active:
    """Users who were active between two times."""
    shown, bound = shown_identifier(scope)
    return scope.read(
        Active,
        f"""
        SELECT uniqExactIf({shown}, last_end >= {{start:Int64}} AND first_event < {{end:Int64}}) AS users,
            uniqExactIf({shown}, first_event < {{start:Int64}}) AS before
        FROM session_index WHERE {USERS} AND last_end >= {{before:Int64}}""",
        start=start,
        end=end,
        before=2 * start - end,
        **bound,
    )[0]


def returning_users(scope: Scope, start: int, end: int) -> int:
    """Users who were active between two times, and had been before."""
    shown, bound = shown_identifier(scope)
    return scope.read(
        _Users,
        f"""
        SELECT uniqExact({shown}) AS users
        FROM session_index WHERE frontend = {{frontend:String}} AND aspect = 'user' AND first_event < {{start:Int64}}
        AND {shown} IN (
            SELECT {shown} FROM session_index
            WHERE {USERS} AND last_end >= {{start:Int64}} AND first_event < {{end:Int64}})""",
        start=start,
        end=end,
        **bound,
    )[0].users


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


def earliest(scope: Scope) -> int | None:
    """When the oldest hour with an event began; None without events."""
    rows = scope.read(
        _Hour,
        "SELECT toInt32(value) AS hour FROM session_index "
        "WHERE frontend = {frontend:String} AND aspect = 'hour' ORDER BY value LIMIT 1",
    )
    return rows[0].hour * HOUR if rows else None


class _Hour(msgspec.Struct):
    hour: int


class _Rows(msgspec.Struct):
    rows: int


def takes_long(scope: Scope, start: int, end: int) -> bool:
    """Whether a range has so many sessions, or the frontend so many users, that counting them takes a while."""
    selections = (
        ("aspect = 'hour' AND value BETWEEN {low:String} AND {high:String}", MANY_SESSIONS),
        ("aspect = 'user'", MANY_USERS),
    )
    for selection, many in selections:
        rows = scope.read(
            _Rows,
            f"SELECT count() AS rows FROM session_index WHERE frontend = {{frontend:String}} AND {selection}",
            **_hours(start, end),
        )
        if rows[0].rows > many:
            return True
    return False


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
