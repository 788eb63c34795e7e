"""Derived sessions on a cluster: what finds one lies on another shard than the session, and every question finds it."""

from collections.abc import Iterator

import pytest

from sojourn.query import overview
from sojourn.query.counting import count_sessions
from sojourn.query.filters import SessionFilters
from sojourn.query.scope import Scope
from sojourn.rules.definitions import Catalog, PropertyDefinition
from sojourn.rules.limits import HOUR, MINUTE
from sojourn.rules.names import PropertyKind
from sojourn.rules.sessions import SessionPolicy
from sojourn.rules.values import DataType
from sojourn.store.engine import Engine
from tests.cluster.conftest import cluster_url
from tests.cluster.nodes import Node
from tests.server import Frontend, Server, event, now

PLAN = "session_properties.plan"
INSTANCES = 16
USERS = 4
EACH = 5
"""Sessions of an instance: three of events without a session id, the last of them alive, and two of one with."""


@pytest.fixture(scope="module")
def visited(sharded: Server) -> Frontend:
    frontend = sharded.frontend(idle_timeout="30m")
    frontend.define("session", "plan")
    start = now() - 3 * HOUR
    for n in range(INSTANCES):
        user = f"user-{n % USERS}"
        bare = [
            event("identify", session="", stream="", timestamp=start, user_identifier=user),
            event("error", session="", stream="", timestamp=start + MINUTE, session_properties={PLAN: "gold"}),
            event(session="", stream="", timestamp=start + 40 * MINUTE),
            event(session="", stream="", timestamp=now()),
        ]
        kept = [
            event(session=f"kept-{n}", sequence=0, timestamp=start, user_identifier=user),
            event(session=f"kept-{n}", sequence=2, timestamp=start + 45 * MINUTE),
        ]
        frontend.send(*bare, *kept, instance_id=f"i{n}", sent_at=0)
    sharded.until(lambda: len(frontend.sessions(limit=500)) == EACH * INSTANCES, seconds=20)
    return frontend


@pytest.fixture(scope="module")
def scope(visited: Frontend, shards: list[Node]) -> Iterator[Scope]:
    engine = Engine(cluster_url(shards))
    catalog = Catalog([PropertyDefinition(PropertyKind.SESSION, "plan", DataType.STRING)])
    yield Scope(engine, visited.name, catalog, SessionPolicy(30 * MINUTE, 6 * HOUR), now())
    engine.close()


def test_sessions_lie_apart_from_what_finds_them(visited: Frontend, shards: list[Node]) -> None:
    def held(table: str) -> list[set[str]]:
        sql = f"SELECT DISTINCT session_id FROM {table} WHERE frontend = '{visited.name}' FORMAT TSV"
        return [set(node.ask(sql, "sojourn_shard").split()) for node in shards]

    sessions, index = held("derived_sessions"), held("session_index")
    assert sessions[0] & index[1]
    assert sessions[1] & index[0]


def test_lists_find_them(visited: Frontend) -> None:
    def count(**filters: str) -> int:
        return len(visited.sessions(limit=500, **filters))

    assert count(user="user-1") == EACH * INSTANCES // USERS
    assert count(instance="i3") == EACH
    assert count(live="true") == INSTANCES
    assert count(errors="true") == INSTANCES
    assert count(missing="true") == INSTANCES
    assert count(**{PLAN: "gold"}) == INSTANCES
    assert count(start_reason="timeout") == 3 * INSTANCES
    assert count(user="user-1", live="false") == (EACH - 1) * INSTANCES // USERS
    window = {"from": str(now() - 3 * HOUR + 30 * MINUTE), "to": str(now() - HOUR)}
    assert count(**window) == 2 * INSTANCES
    seen: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = visited.get("/sessions", limit=7, **cursor)
        seen += [session["session_id"] for session in page["items"]]
        if page["next"] is None:
            break
        cursor = {"cursor": page["next"]}
    assert len(seen) == len(set(seen)) == EACH * INSTANCES


def test_each_has_its_page(visited: Frontend) -> None:
    for session in visited.sessions(limit=500, instance="i5"):
        assert visited.get(f"/sessions/{session['session_id']}") == session
        events = visited.get(f"/sessions/{session['session_id']}/events")["items"]
        assert len(events) == session["event_count"]
        assert {one["user_identifier"] for one in events} <= {"user-1", None}
        page = visited.server.http.get(f"/frontends/{visited.name}/session", params={"id": session["session_id"]})
        assert page.status_code == 200
        assert session["session_id"] in page.text


def test_a_user_has_all_of_them(visited: Frontend) -> None:
    own = EACH * INSTANCES // USERS
    users = {user["identifier"]: user["session_count"] for user in visited.get("/users")["items"]}
    assert users == {f"user-{n}": own for n in range(USERS)}
    user = visited.get("/users/user-2")
    assert len(user["sessions"]["items"]) == own
    assert {one["instance_id"] for one in user["instances"]} == {f"i{n}" for n in range(2, INSTANCES, USERS)}
    page = visited.server.http.get(f"/frontends/{visited.name}/user", params={"identifier": "user-2"})
    assert page.status_code == 200
    assert all(session["session_id"] in page.text for session in user["sessions"]["items"])


def test_figures_count_them(scope: Scope, visited: Frontend) -> None:
    start, end = scope.now - 4 * HOUR, scope.now + MINUTE
    assert overview.sessions_over_time(scope, [start], start, end) == {start: EACH * INSTANCES}
    going_on = overview.going_on(scope)
    assert (going_on.sessions, going_on.users, going_on.anonymous) == (INSTANCES, USERS, 0)
    assert overview.active_users(scope, start, end).users == USERS
    shapes = overview.shapes(scope, start, end)
    assert [one.count for one in shapes["total"]] == [EACH * INSTANCES]
    assert [one.count for one in shapes["errors"]] == [INSTANCES]
    assert {one.value: one.count for one in shapes["end"]} == {"timeout": (EACH - 1) * INSTANCES, "live": INSTANCES}
    assert {one.value: one.count for one in shapes[f"p:{PLAN}:string"]} == {'"gold"': INSTANCES}
    assert count_sessions(scope, SessionFilters()) == EACH * INSTANCES
    assert count_sessions(scope, SessionFilters(user="user-1")) == EACH * INSTANCES // USERS
    page = visited.server.http.get(f"/frontends/{visited.name}/overview")
    assert page.status_code == 200


def test_analysts_find_them_with_their_events(visited: Frontend) -> None:
    def rows(query: str) -> list[list[object]]:
        asked = {"query": query, "parameters": {"frontend": visited.name}}
        answer = visited.server.http.post("/api/v1/sql", json=asked)
        assert answer.status_code == 200, answer.text
        found: list[list[object]] = answer.json()["rows"]
        return found

    of_it = "WHERE frontend = {frontend:String}"
    each = rows(f"SELECT session_id, event_count FROM user_sessions {of_it} ORDER BY session_id")
    assert len(each) == EACH * INSTANCES
    assert each == rows(f"SELECT session_id, count() FROM user_events {of_it} GROUP BY session_id ORDER BY session_id")
    # The value of a session is on each of its events, also on those before it.
    assert rows(f"SELECT {PLAN}, count() FROM user_events {of_it} GROUP BY ALL ORDER BY ALL") == [
        ["gold", 2 * INSTANCES],
        [None, 4 * INSTANCES],
    ]
    assert rows(f"SELECT identifier, session_count FROM users {of_it} ORDER BY identifier") == [
        [f"user-{n}", EACH * INSTANCES // USERS] for n in range(USERS)
    ]
