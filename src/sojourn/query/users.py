"""Questions about users: who used the application, on which instances, in which sessions."""

from collections.abc import Iterator

import msgspec

from sojourn.query.answers import Device, Instance, Page, Session, Software, User, UserDetail
from sojourn.query.cursors import read_cursor, write_cursor
from sojourn.query.rows import SessionRow
from sojourn.query.scope import Scope
from sojourn.query.sessions import MAX_PAGE
from sojourn.rules.definitions import Aggregation
from sojourn.rules.limits import DAY
from sojourn.rules.names import PropertyKind
from sojourn.store.rows import value_name

# Few sessions ever were void: those alone are looked up by what they are now.
_VOID = """
    SELECT session_id FROM derived_sessions FINAL WHERE frontend = {frontend:String} AND void = 1 AND session_id IN (
        SELECT session_id FROM derived_sessions WHERE frontend = {frontend:String} AND void = 1)"""
_TAGGED = "frontend = {frontend:String} AND aspect = 'user' AND value IN {identifiers:Array(String)}"
# A client that manages no sessions is found by its source, which is named after the instance.
_UNTAGGED = """frontend = {frontend:String} AND (
    aspect = 'instance' AND value IN {own:Array(String)}
    OR aspect = 'source' AND value IN arrayMap(name -> concat('~', name), {own:Array(String)}))"""
_OF_USER = f"""frontend = {{frontend:String}} AND session_id IN (
        SELECT session_id FROM session_index WHERE ({_TAGGED}) OR ({_UNTAGGED}))
    AND (hasAny(user_identifiers, {{identifiers:Array(String)}})
        OR empty(user_identifiers) AND instance_id IN {{own:Array(String)}})"""


class _Name(msgspec.Struct):
    instance_id: str


class _Seen(msgspec.Struct):
    value: str
    first_seen: int
    last_seen: int


class _InstanceRow(msgspec.Struct):
    """What a user's sessions on one instance amount to. Values of properties come with their session's start."""

    instance_id: str
    device_type: str
    device_manufacturer: str
    device_model: str
    os_name: str
    os_version: str
    browser_name: str
    browser_version: str
    app_version: str
    first_seen: int
    last_seen: int
    session_count: int
    tagged_count: int
    days: list[int]
    firsts: dict[str, tuple[int, str, str]]
    lasts: dict[str, tuple[int, str, str]]


def users(scope: Scope, *, search: str = "", limit: int = 50, cursor: str | None = None) -> Page[User]:
    """The users of whom an identifier contains `search` in any case, the last seen first. Raises BadCursorError.

    Merged identifiers are one user. Where identifiers are hashed, `search` may be a whole one as it was before.
    """
    limit = min(limit, MAX_PAGE)
    having, bound = list[str](), dict[str, object]()
    if search:
        having.append("max(positionCaseInsensitiveUTF8(value, {search:String}) > 0 OR value IN {asked:Array(String)})")
        bound |= {"search": search, "asked": scope.identifiers_of(search)}
    if cursor is not None:
        last_seen, identifier = read_cursor(cursor, int, str)
        having.append("(last_seen, identifier) < ({before:Int64}, {identifier:String})")
        bound |= {"before": last_seen, "identifier": identifier}
    shown = "value"
    if scope.merges:
        shown = "transform(value, {merged:Array(String)}, {shown:Array(String)}, value)"
        bound |= {"merged": list(scope.merges), "shown": list(scope.merges.values())}
    rows = scope.read(
        User,
        f"""
        SELECT {shown} AS identifier, min(first_event) AS first_seen, max(last_end) AS last_seen,
            uniqExact(session_id) AS session_count, uniqExact(instance_id) AS instance_count
        FROM session_index WHERE frontend = {{frontend:String}} AND aspect = 'user'
            AND NOT startsWith(session_id, '~') AND session_id NOT IN ({_VOID})
        GROUP BY identifier {"HAVING " + " AND ".join(having) if having else ""}
        ORDER BY last_seen DESC, identifier DESC LIMIT {limit + 1:d}""",
        **bound,
    )
    page = rows[:limit]
    return Page(items=page, next=write_cursor(page[-1].last_seen, page[-1].identifier) if len(rows) > limit else None)


def one_user(scope: Scope, identifier: str, *, limit: int = 50, cursor: str | None = None) -> UserDetail | None:
    """One user by any of the identifiers, with all instances and the newest sessions; None when no event had one.

    Sessions without a user on an instance that only ever had this one are the user's too, and marked.
    """
    identifiers = scope.identifiers_of(identifier)
    seen = scope.read(
        _Seen,
        f"SELECT value, min(first_event) AS first_seen, max(last_end) AS last_seen FROM session_index WHERE {_TAGGED} "
        "GROUP BY value",
        identifiers=identifiers,
    )
    if not seen:
        return None
    person: dict[str, object] = {"identifiers": identifiers, "own": own_instances(scope, identifiers)}
    instances = _instances(scope, person)
    found = [one for one in identifiers if any(row.value == one for row in seen)]
    tagged = sum(row.tagged_count for row in instances)
    return UserDetail(
        identifier=scope.known_as(found[0]),
        identifiers=found,
        first_seen=min(row.first_seen for row in seen),
        last_seen=max(row.last_seen for row in seen),
        session_count=tagged,
        anonymous_session_count=sum(row.session_count for row in instances) - tagged,
        instance_count=len(instances),
        days_active=len({day for row in instances for day in row.days}),
        properties=_properties(scope, instances),
        instances=[_instance(row) for row in instances],
        sessions=_sessions(scope, person, min(limit, MAX_PAGE), cursor),
    )


def sessions_of_user(scope: Scope, identifiers: list[str]) -> Iterator[list[Session]]:
    """All sessions of a user, the newest first, in pages."""
    person: dict[str, object] = {"identifiers": identifiers, "own": own_instances(scope, identifiers)}
    cursor: str | None = None
    while True:
        page = _sessions(scope, person, MAX_PAGE, cursor)
        yield page.items
        cursor = page.next
        if cursor is None:
            return


def own_instances(scope: Scope, identifiers: list[str]) -> list[str]:
    """The instances on which no other user than the one of these identifiers was ever seen."""
    used = scope.read(
        _Name, f"SELECT DISTINCT instance_id FROM session_index WHERE {_TAGGED} LIMIT 10000", identifiers=identifiers
    )
    rows = scope.read(
        _Name,
        """
        SELECT instance_id FROM session_index
        WHERE frontend = {frontend:String} AND aspect = 'user' AND instance_id IN {used:Array(String)}
        GROUP BY instance_id HAVING countIf(value NOT IN {identifiers:Array(String)}) = 0""",
        used=[row.instance_id for row in used],
        identifiers=identifiers,
    )
    return [row.instance_id for row in rows]


def _instances(scope: Scope, person: dict[str, object]) -> list[_InstanceRow]:
    newest = ", ".join(
        f"argMax({column}, end_time) AS {column}"
        for column in (
            "device_type",
            "device_manufacturer",
            "device_model",
            "os_name",
            "os_version",
            "browser_name",
            "browser_version",
            "app_version",
        )
    )
    dated = "mapApply((k, v) -> (k, (start_time, session_id, v)), {})"
    return scope.read(
        _InstanceRow,
        f"""
        SELECT instance_id, {newest}, min(start_time) AS first_seen, max(end_time) AS last_seen,
            count() AS session_count, countIf(notEmpty(user_identifiers)) AS tagged_count,
            groupUniqArrayArray(range(toUInt64(intDiv(start_time, {DAY:d})), toUInt64(intDiv(end_time, {DAY:d}) + 1)))
                AS days,
            maxMap({dated.format("first_values")}) AS firsts, maxMap({dated.format("last_values")}) AS lasts
        FROM session_summaries WHERE {_OF_USER}
        GROUP BY instance_id ORDER BY last_seen DESC, instance_id""",
        **person,
    )


def _properties(scope: Scope, instances: list[_InstanceRow]) -> dict[str, msgspec.Raw]:
    """The value of each defined session property in the newest session that has it."""
    found = {}
    for definition in scope.catalog.definitions:
        if definition.kind is PropertyKind.SESSION:
            is_first, name = definition.aggregation is Aggregation.FIRST, value_name(definition)
            had = [values[name] for row in instances if name in (values := row.firsts if is_first else row.lasts)]
            if had:
                found[definition.name] = msgspec.Raw(max(had)[2].encode())
    return found


def _sessions(scope: Scope, person: dict[str, object], limit: int, cursor: str | None) -> Page[Session]:
    before, bound = "", dict[str, object]()
    if cursor is not None:
        last_start, last_id = read_cursor(cursor, int, str)
        before = "AND (start_time, session_id) < ({last_start:Int64}, {last_id:String})"
        bound = {"last_start": last_start, "last_id": last_id}
    rows = scope.read(
        SessionRow,
        f"SELECT * FROM session_summaries WHERE {_OF_USER} {before} "
        f"ORDER BY start_time DESC, session_id DESC LIMIT {limit + 1:d}",
        **person,
        **bound,
    )
    page = [row.answer(scope.catalog, scope.policy, scope.now) for row in rows[:limit]]
    for session in page:
        session.anonymous = not session.user_identifiers
    more = len(rows) > limit
    return Page(items=page, next=write_cursor(page[-1].start_time, page[-1].session_id) if more else None)


def _instance(row: _InstanceRow) -> Instance:
    return Instance(
        instance_id=row.instance_id,
        device=Device(type=row.device_type, manufacturer=row.device_manufacturer, model=row.device_model),
        os=Software(name=row.os_name, version=row.os_version),
        browser=Software(name=row.browser_name, version=row.browser_version),
        app_version=row.app_version,
        first_seen=row.first_seen,
        last_seen=row.last_seen,
        session_count=row.session_count,
    )
