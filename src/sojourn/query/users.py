"""Questions about users: who used the application, on which instances, in which sessions."""

import msgspec

from sojourn.query.answers import Page, User, UserDetail
from sojourn.query.cursors import read_cursor, read_session_place, write_cursor
from sojourn.query.people import USERS, shown_identifier
from sojourn.query.person import TAGGED, InstanceSums, Person
from sojourn.query.scope import Scope
from sojourn.query.sessions import MAX_PAGE
from sojourn.rules.definitions import Aggregation
from sojourn.rules.limits import DAY
from sojourn.rules.names import PropertyKind
from sojourn.store.rows import value_name

_FIRST_LOOK = 7 * DAY
"""How far back those seen last are looked for at first; each further look goes sixteen times as far."""
_FARTHEST = 10_000 * DAY


class _Last(msgspec.Struct):
    identifier: str
    last_seen: int


class _Seen(msgspec.Struct):
    value: str
    first_seen: int
    last_seen: int


def users(scope: Scope, *, search: str = "", limit: int = 50, cursor: str | None = None) -> Page[User]:
    """The users of whom an identifier contains `search` in any case, the last seen first. Raises BadCursorError.

    Merged identifiers are one user. Where identifiers are hashed, `search` may be a whole one as it was before.
    """
    limit = min(limit, MAX_PAGE)
    found = _last_seen(scope, search, limit + 1, None if cursor is None else read_cursor(cursor, int, str))
    page = _whole(scope, [one.identifier for one in found[:limit]])
    last = found[limit - 1] if len(found) > limit else None
    return Page(items=page, next=write_cursor(last.last_seen, last.identifier) if last else None)


def _last_seen(scope: Scope, search: str, limit: int, after: tuple[int | str, ...] | None) -> list[_Last]:
    """Those seen last, behind a place in that order.

    Whoever was seen last within some time has a row that ends in it. So the rows of the last days are enough, unless
    they are of too few.
    """
    shown, bound = shown_identifier(scope)
    having = ""
    if search:
        having = "AND max(positionCaseInsensitiveUTF8(value, {search:String}) > 0 OR value IN {asked:Array(String)})"
        bound |= {"search": search, "asked": scope.identifiers_of(search)}
    latest = scope.now + DAY
    if after is not None:
        having += " AND (last_seen, identifier) < ({before:Int64}, {identifier:String})"
        bound |= {"before": after[0], "identifier": after[1]}
        latest = int(after[0])
    look = _FARTHEST if search else _FIRST_LOOK
    while True:
        where = "" if look >= _FARTHEST else f"AND last_end > {latest - look:d}"
        found = scope.read(
            _Last,
            f"""
            SELECT {shown} AS identifier, max(last_end) AS last_seen FROM session_index WHERE {USERS} {where}
            GROUP BY identifier HAVING 1 {having}
            ORDER BY last_seen DESC, identifier DESC LIMIT {limit:d}""",
            **bound,
        )
        if len(found) == limit or not where:
            return found
        look *= 16


def _whole(scope: Scope, identifiers: list[str]) -> list[User]:
    """These users, in this order, with all that their identifiers did."""
    shown, bound = shown_identifier(scope)
    rows = scope.read(
        User,
        f"""
        SELECT {shown} AS identifier, min(first_event) AS first_seen, max(last_end) AS last_seen,
            uniqExact(session_id) AS session_count, uniqExact(instance_id) AS instance_count
        FROM session_index WHERE {USERS} AND value IN {{identifiers:Array(String)}}
        GROUP BY identifier""",
        identifiers=[name for one in identifiers for name in scope.identifiers_of(one)],
        **bound,
    )
    by_identifier = {row.identifier: row for row in rows}
    return [by_identifier[one] for one in identifiers if one in by_identifier]


def one_user(scope: Scope, identifier: str, *, limit: int = 50, cursor: str | None = None) -> UserDetail | None:
    """One user by any of the identifiers, with all instances and the newest sessions; None when no event had one.

    Sessions without a user on an instance that only ever had this one are the user's too, and marked.
    """
    identifiers = scope.identifiers_of(identifier)
    seen = scope.read(
        _Seen,
        f"SELECT value, min(first_event) AS first_seen, max(last_end) AS last_seen FROM session_index WHERE {TAGGED} "
        "GROUP BY value",
        identifiers=identifiers,
    )
    if not seen:
        return None
    limit = min(limit, MAX_PAGE)
    after = read_session_place(cursor)
    person = Person(scope, identifiers)
    instances = person.instances()
    sessions = person.sessions(limit + 1, after)
    found = [one for one in identifiers if any(row.value == one for row in seen)]
    tagged = sum(row.tagged_count for row in instances)
    last = sessions[limit - 1] if len(sessions) > limit else None
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
        instances=[row.answer() for row in instances],
        sessions=Page(
            items=[person.answer(row) for row in sessions[:limit]],
            next=write_cursor(last.start_time, last.session_id) if last else None,
        ),
    )


def _properties(scope: Scope, instances: list[InstanceSums]) -> dict[str, msgspec.Raw]:
    """The value of each defined session property in the newest session that has it."""
    found = {}
    for definition in scope.catalog.definitions:
        if definition.kind is PropertyKind.SESSION:
            is_first, name = definition.aggregation is Aggregation.FIRST, value_name(definition)
            had = [values[name] for row in instances if name in (values := row.firsts if is_first else row.lasts)]
            if had:
                found[definition.name] = msgspec.Raw(max(had)[2].encode())
    return found
