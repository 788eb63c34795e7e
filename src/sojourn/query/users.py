"""Questions about users: who used the application, on which instances, in which sessions."""

import msgspec

from sojourn.query.answers import Page, User, UserDetail
from sojourn.query.cursors import read_cursor, read_session_place, write_cursor
from sojourn.query.person import TAGGED, InstanceSums, Person
from sojourn.query.scope import Scope
from sojourn.query.sessions import MAX_PAGE
from sojourn.rules.definitions import Aggregation
from sojourn.rules.names import PropertyKind
from sojourn.store.rows import value_name

# Few sessions ever were void: those alone are looked up by what they are now.
_VOID = """
    SELECT session_id FROM derived_sessions FINAL WHERE frontend = {frontend:String} AND void = 1 AND session_id IN (
        SELECT session_id FROM derived_sessions WHERE frontend = {frontend:String} AND void = 1)"""


class _Seen(msgspec.Struct):
    value: str
    first_seen: int
    last_seen: int


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
        sessions=Page(items=sessions[:limit], next=write_cursor(last.start_time, last.session_id) if last else None),
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
