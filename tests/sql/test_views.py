"""What analysts see in the three views: one row a session, event, user; properties under their dotted names."""

from datetime import UTC, datetime

from tests.server import Frontend, Server, event, now

SECOND = 1_000_000
TIER = "session_properties.product_tier"


def at(text: str) -> int:
    moment = datetime.fromisoformat(text).replace(tzinfo=UTC)
    return round(moment.timestamp() * 1e6)


def columns(ask, view: str) -> dict[str, str]:
    """The columns of a view with their types."""
    return {c["name"]: c["type"] for c in ask(f"SELECT * FROM {view} LIMIT 0").json()["columns"]}


def test_a_session_is_a_row_with_its_times_and_counts(frontend: Frontend, rows):
    start = now() - 60 * SECOND
    frontend.send(
        event("session_start", session="a", timestamp=start, sequence=0, start_reason="start_up"),
        event("identify", session="a", timestamp=start + 1, sequence=1, user_identifier="ann"),
        event("action", session="a", timestamp=start + 2 * SECOND, sequence=3, user_identifier="bob"),
        context={"app_version": "2.1", "device": {"type": "mobile"}},
    )
    [session] = rows(
        "SELECT session_id, instance_id, previous_session_id, start_time, end_time, duration, live, start_reason, "
        "end_reason, user_identifier, user_identifiers, event_count, action_count, error_count, missing_events, empty "
        "FROM user_sessions WHERE frontend = {f:String}",
        f=frontend.name,
    )
    assert at(session[3]) == start
    assert at(session[4]) == start + 2 * SECOND
    assert session[:3] == ["a", "instance-1", None]
    assert session[5:] == [2 * SECOND, True, "start_up", None, "bob", ["ann", "bob"], 3, 1, 0, 1, False]
    shown = frontend.get("/sessions/a")
    assert (shown["event_count"], shown["duration"], shown["missing_events"]) == (3, 2 * SECOND, 1)


def test_a_session_without_an_end_ends_by_its_frontend_s_timeout(server: Server, rows):
    frontend = server.frontend(idle_timeout="10s")
    frontend.send(event(session="over", timestamp=now() - 20 * SECOND), event(session="live"))
    ask = "SELECT session_id, live, end_reason FROM user_sessions WHERE frontend = {f:String} ORDER BY 1"
    server.until(lambda: rows(ask, f=frontend.name) == [["live", True, None], ["over", False, "timeout"]], seconds=3)


def test_dotted_names_work_with_and_without_backticks_everywhere(frontend: Frontend, server: Server, rows, ask):
    frontend.define("session", "product_tier")
    frontend.define("event", "cart.total_value", "number")
    server.until(lambda: {TIER, "event_properties.cart.total_value"} <= set(columns(ask, "user_events")), seconds=2)
    frontend.send(
        event(
            session_properties={TIER: "premium"},
            event_properties={"event_properties.cart.total_value": 2.5},
            session=frontend.name,
        )
    )
    where = f"WHERE frontend = '{frontend.name}'"
    for query in (
        f"SELECT session_properties.product_tier FROM user_sessions {where}",
        f"SELECT `session_properties.product_tier` FROM user_sessions {where}",
        f"SELECT s.session_properties.product_tier FROM user_sessions AS s {where}",
        f"SELECT user_sessions.session_properties.product_tier FROM user_sessions {where}",
        f"SELECT session_properties.product_tier FROM (SELECT * FROM user_sessions) {where}",
        f"SELECT session_properties.product_tier FROM user_events {where} GROUP BY session_properties.product_tier",
        f"SELECT session_properties.product_tier FROM user_events {where} AND event_properties.cart.total_value > 2",
        f"WITH t AS (SELECT * FROM user_events) SELECT t.session_properties.product_tier FROM t {where}",
        "SELECT a.session_properties.product_tier FROM user_events AS a JOIN user_sessions AS b USING (session_id) "
        f"WHERE a.frontend = '{frontend.name}' AND b.session_properties.product_tier = 'premium'",
    ):
        assert rows(query) == [["premium"]], query


def test_property_values_keep_their_types(frontend: Frontend, server: Server, rows, ask):
    name = frontend.name.replace("-", "_")
    names = [f"session_properties.{name}.{kind}" for kind in ("text", "number", "flag")]
    for full, data_type in zip(names, ("string", "number", "boolean"), strict=True):
        frontend.define("session", full.partition(".")[2], data_type)
    server.until(lambda: names[2] in columns(ask, "user_sessions"), seconds=2)
    frontend.send(event(session_properties={names[0]: "1", names[1]: 1.5, names[2]: False}), event(session="bare"))
    types = columns(ask, "user_sessions")
    assert [types[full] for full in names] == ["Nullable(String)", "Nullable(Float64)", "Nullable(Bool)"]
    assert {full: columns(ask, "user_events")[full] for full in names} == {full: types[full] for full in names}
    query = f"SELECT {', '.join(names)} FROM user_sessions WHERE frontend = {{f:String}} ORDER BY session_id"
    assert rows(query, f=frontend.name) == [[None, None, None], ["1", 1.5, False]]


def test_where_frontends_disagree_on_a_type_the_column_is_text(server: Server, rows, ask):
    one, other = server.frontend(), server.frontend()
    field = "both_" + one.name.replace("-", "")
    one.define("session", field, "number")
    other.define("session", field, "string")
    full = f"session_properties.{field}"
    server.until(lambda: columns(ask, "user_sessions").get(full) == "Nullable(String)", seconds=2)
    one.send(event(session_properties={full: 2.5}))
    other.send(event(session_properties={full: "x"}))
    query = f"SELECT {full} FROM user_sessions WHERE frontend = {{f:String}}"
    assert rows(query, f=one.name) == [["2.5"]]
    assert rows(query, f=other.name) == [["x"]]


def test_the_aggregation_picks_the_value_and_may_be_changed(frontend: Frontend, server: Server, rows, ask):
    field = "seen_" + frontend.name.replace("-", "")
    full = f"session_properties.{field}"
    frontend.define("session", field, aggregation="first")
    server.until(lambda: full in columns(ask, "user_events"), seconds=2)
    start = now()
    for second, value in enumerate("abc"):
        frontend.send(event(timestamp=start + second, session_properties={full: value}))
    frontend.send(event("action", timestamp=start - 5))
    of_events = f"SELECT DISTINCT {full} FROM user_events WHERE frontend = {{f:String}}"
    of_sessions = f"SELECT {full} FROM user_sessions WHERE frontend = {{f:String}}"
    assert rows(of_sessions, f=frontend.name) == rows(of_events, f=frontend.name) == [["a"]]
    server.http.patch(f"{frontend.path}/properties/{full}", json={"aggregation": "last"}).raise_for_status()
    server.until(lambda: rows(of_sessions, f=frontend.name) == [["c"]], seconds=2)
    assert rows(of_events, f=frontend.name) == [["c"]]
    server.http.delete(f"{frontend.path}/properties/{full}").raise_for_status()
    server.until(lambda: full not in columns(ask, "user_sessions"), seconds=2)
    assert ask(of_sessions, parameters={"f": frontend.name}).status_code == 422


def test_an_event_that_came_twice_is_one_row(frontend: Frontend, rows):
    twice = event("action", name="pay", sequence=4, user_identifier="ann")
    frontend.send(twice)
    frontend.send(twice, event("event", sequence=-1))
    found = rows(
        "SELECT kind, name, sequence, user_identifier, action_id, stream_id FROM user_events "
        "WHERE frontend = {f:String} ORDER BY kind",
        f=frontend.name,
    )
    assert found == [["action", "pay", 4, "ann", None, "stream-1"], ["event", "", None, None, None, "stream-1"]]


def test_events_of_a_derived_session_have_its_id(server: Server, rows):
    frontend = server.frontend(idle_timeout="60s")
    start = now() - 600 * SECOND
    events = [
        event("event", session="", name=name, timestamp=start + second * SECOND, user_identifier=user)
        for second, name, user in ((0, "a", "ann"), (10, "b", "ann"), (100, "c", ""), (110, "d", ""))
    ]
    frontend.send(*events)
    shown = "SELECT session_id, groupArray(name) FROM (SELECT * FROM user_events ORDER BY timestamp) "
    found = server.until(
        lambda: (
            answer
            if len(answer := rows(f"{shown} WHERE frontend = {{f:String}} GROUP BY 1 ORDER BY 2", f=frontend.name)) == 2
            else None
        )
    )
    assert [names for _, names in found] == [["a", "b"], ["c", "d"]]
    sessions = {s["session_id"]: s for s in frontend.sessions()}
    assert {session for session, _ in found} == set(sessions)
    joined = rows(
        "SELECT e.name, s.event_count FROM user_events AS e JOIN user_sessions AS s "
        "ON e.frontend = s.frontend AND e.session_id = s.session_id WHERE e.frontend = {f:String} ORDER BY e.timestamp",
        f=frontend.name,
    )
    assert joined == [[name, 2] for name in "abcd"]
    for session, names in found:
        listed = frontend.get(f"/sessions/{session}/events")["items"]
        of_session = rows(
            "SELECT name, user_identifier FROM user_events WHERE session_id = {s:String} ORDER BY timestamp", s=session
        )
        assert of_session == [[e["name"], e["user_identifier"]] for e in listed]
        assert [name for name, _ in of_session] == names


def test_the_time_of_an_event_is_corrected_and_both_are_kept(frontend: Frontend, rows):
    sent = now() - 3_600 * SECOND
    frontend.send(event(timestamp=sent), sent_at=sent + SECOND)
    [[corrected, client, received]] = rows(
        "SELECT timestamp, client_timestamp, received_at FROM user_events WHERE frontend = {f:String}", f=frontend.name
    )
    assert at(client) == sent
    assert abs(at(corrected) - at(received) + SECOND) < 5 * SECOND


def test_a_user_is_one_row_over_all_instances(frontend: Frontend, rows):
    day = 86_400 * SECOND
    noon = now() // day * day + day // 2
    for back, instance in ((3, "i1"), (2, "i1"), (2, "i2")):
        begin = noon - back * day
        frontend.send(event(timestamp=begin, session=f"s{back}{instance}", user_identifier="ann"), instance_id=instance)
    frontend.send(event(session="other", user_identifier="bob"), event(session="nobody"))
    query = (
        "SELECT identifier, first_seen, last_seen, session_count, instance_count, days_active FROM users "
        "WHERE frontend = {f:String} ORDER BY identifier"
    )
    ann, bob = rows(query, f=frontend.name)
    assert [ann[0], at(ann[1]), at(ann[2]), *ann[3:]] == ["ann", noon - 3 * day, noon - 2 * day, 3, 2, 2]
    assert [bob[0], *bob[3:]] == ["bob", 1, 1, 1]


def test_merged_identifiers_are_one_user(frontend: Frontend, server: Server, rows):
    frontend.send(event(session="a", user_identifier="ann"), event(session="b", user_identifier="ann@work"))
    merge = {"identifier": "ann", "canonical": "ann@work"}
    server.http.post(f"{frontend.path}/merges", json=merge).raise_for_status()
    query = "SELECT identifier, identifiers, session_count FROM users WHERE frontend = {f:String}"
    server.until(lambda: rows(query, f=frontend.name) == [["ann@work", ["ann", "ann@work"], 2]], seconds=2)


def test_names_of_frontends_cannot_break_out_of_the_views(server: Server, rows):
    frontend = server.frontend()
    before = rows("SELECT count() FROM user_sessions")[0][0]
    frontend.send(event(user_identifier="x' OR 1 = 1 --", name="\\'; DROP TABLE events"))
    assert rows("SELECT name, user_identifier FROM user_events WHERE frontend = {f:String}", f=frontend.name) == [
        ["\\'; DROP TABLE events", "x' OR 1 = 1 --"]
    ]
    assert rows("SELECT count() FROM user_sessions")[0][0] == before + 1
