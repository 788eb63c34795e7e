"""Questions about users: who used the application, on which instances, in which sessions."""

import msgspec

from sojourn.query.answers import Device, Instance, Page, Software, User, UserDetail
from sojourn.query.cursors import read_cursor, write_cursor
from sojourn.query.filters import SessionFilters
from sojourn.query.scope import Scope
from sojourn.query.sessions import MAX_PAGE, newest_sessions


class _InstanceRow(msgspec.Struct):
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


_USERS = """
    SELECT value AS identifier, min(first_event) AS first_seen, max(last_end) AS last_seen,
        uniqExact(session_id) AS session_count, uniqExact(instance_id) AS instance_count
    FROM session_index WHERE frontend = {frontend:String} AND aspect = 'user'"""


def users(scope: Scope, *, search: str = "", limit: int = 50, cursor: str | None = None) -> Page[User]:
    """The users whose identifier contains `search` in any case, the last seen first. Raises BadCursorError."""
    limit = min(limit, MAX_PAGE)
    having, bound = "", {}
    if cursor is not None:
        last_seen, identifier = read_cursor(cursor, int, str)
        having = "HAVING (last_seen, identifier) < ({before:Int64}, {identifier:String})"
        bound = {"before": last_seen, "identifier": identifier}
    rows = scope.read(
        User,
        f"{_USERS} AND positionCaseInsensitiveUTF8(value, {{search:String}}) > 0 "
        f"GROUP BY identifier {having} ORDER BY last_seen DESC, identifier DESC LIMIT {limit + 1:d}",
        search=search,
        **bound,
    )
    page = rows[:limit]
    return Page(items=page, next=write_cursor(page[-1].last_seen, page[-1].identifier) if len(rows) > limit else None)


def one_user(scope: Scope, identifier: str, *, limit: int = 50, cursor: str | None = None) -> UserDetail | None:
    """One user with all instances and the newest sessions; None when no event carried the identifier."""
    rows = scope.read(User, f"{_USERS} AND value = {{user:String}} GROUP BY identifier", user=identifier)
    if not rows:
        return None
    user = rows[0]
    instances = scope.read(
        _InstanceRow,
        """
        SELECT instance_id, argMax(device_type, end_time) AS device_type,
            argMax(device_manufacturer, end_time) AS device_manufacturer,
            argMax(device_model, end_time) AS device_model,
            argMax(os_name, end_time) AS os_name, argMax(os_version, end_time) AS os_version,
            argMax(browser_name, end_time) AS browser_name, argMax(browser_version, end_time) AS browser_version,
            argMax(app_version, end_time) AS app_version,
            min(start_time) AS first_seen, max(end_time) AS last_seen, count() AS session_count
        FROM session_summaries WHERE frontend = {frontend:String} AND session_id IN (
            SELECT session_id FROM session_index
            WHERE frontend = {frontend:String} AND aspect = 'user' AND value = {user:String})
        GROUP BY instance_id ORDER BY last_seen DESC, instance_id""",
        user=identifier,
    )
    return UserDetail(
        identifier=user.identifier,
        first_seen=user.first_seen,
        last_seen=user.last_seen,
        session_count=user.session_count,
        instance_count=user.instance_count,
        instances=[_instance(row) for row in instances],
        sessions=newest_sessions(scope, SessionFilters(user=identifier, empty=True), limit=limit, cursor=cursor),
    )


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
