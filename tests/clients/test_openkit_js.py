"""The published OpenKit library for JavaScript, with only endpoint and application id changed."""

from collections import Counter

from .reading import events_of, named, of_kind, sessions_of


def test_what_the_application_reported_is_found(frontend, run_node):
    frontend.define("event", "order.id")
    frontend.define("event", "amount", "number")
    said = run_node("openkit.js", f"{frontend.server.url}/mbeacon", frontend.key, "shop")
    assert said == {"initialized": True}
    (session,) = sessions_of(frontend, 1)
    assert session["instance_id"] == "openkit:4242"
    assert session["user_identifier"] == "alice@example.com"
    assert (session["end_reason"], session["empty"]) == ("end_session", False)
    assert (session["app_version"], session["device"]["manufacturer"]) == ("9.8.7", "Söhne & Co")
    assert session["os"] == {"name": "Harness OS", "version": "1.0"}
    assert (session["action_count"], session["error_count"]) == (2, 2)
    assert session["missing_events"] == 0, "the numbers of starts and ends have no gap"

    events = events_of(frontend, session)
    checkout, pay = named(events, "checkout"), named(events, "pay")
    assert checkout["duration"] >= 1_500_000
    assert named(events, "cart.items")["attributes"] == {"value": 3}
    assert named(events, "cart.items")["parent_action_id"] == checkout["action_id"]
    assert named(events, "note")["attributes"] == {"value": "a+b & c=d %41 ✓😀"}
    assert named(events, "coupon applied")["kind"] == "event"
    assert named(events, "PaymentDeclined")["parent_action_id"] == pay["action_id"]
    request = of_kind(events, "http_request")[0]
    assert request["attributes"]["http.response.status_code"] == 201
    assert named(events, "com.example.order")["event_properties"] == {
        "event_properties.order.id": "o-1",
        "event_properties.amount": 42.5,
    }
    assert of_kind(events, "crash")[0]["attributes"]["exception.message"] == "x is undefined"
    assert [entry["key"] for entry in frontend.get("/discards")["items"]] == ["event_properties.gift"]


def test_sessions_of_two_processes_with_equal_numbers_stay_apart(frontend, run_node):
    for _ in range(2):
        run_node("openkit.js", f"{frontend.server.url}/mbeacon", frontend.key, "twice")
    sessions = sessions_of(frontend, 4)
    assert {session["instance_id"] for session in sessions} == {"openkit:4242"}
    assert Counter(session["user_identifier"] for session in sessions) == {"alice@example.com": 2, None: 2}
    user = frontend.get("/users/alice%40example.com")
    assert (user["session_count"], user["instance_count"]) == (2, 1)


def test_a_record_larger_than_the_default_limit_arrives(frontend, run_node):
    run_node("openkit.js", f"{frontend.server.url}/mbeacon", frontend.key, "large")
    (session,) = sessions_of(frontend, 1)
    (crash,) = of_kind(events_of(frontend, session), "crash")
    assert crash["attributes"]["exception.stacktrace"].startswith("at line\nat line")
