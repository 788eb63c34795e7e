"""Discarded values that come back when their property is defined, and the ledger that they leave. By HTTP."""

from pathlib import Path
from typing import Any

from sojourn.rules.definitions import PropertyDefinition
from sojourn.rules.names import PropertyKind
from sojourn.rules.values import DataType
from sojourn.settings import Settings, settings_url
from tests.server import Frontend, Server, event, now

TIER = "session_properties.tier"
CART = "session_properties.cart"
NOTE = "event_properties.note"


def values(frontend: Frontend, session: str = "session-1") -> dict[str, Any]:
    found: dict[str, Any] = frontend.get(f"/sessions/{session}")["session_properties"]
    return found


def ledger(frontend: Frontend, **params: Any) -> dict[tuple[str, str], dict[str, Any]]:
    return {(line["key"], line["reason"]): line for line in frontend.get("/discards", **params)["items"]}


def test_several_properties_of_an_event_come_back_in_one_go_and_whole(frontend: Frontend) -> None:
    long = "é" * 4_999 + "!"
    frontend.send(event(session_properties={TIER: long, CART: 7}, event_properties={NOTE: "n"}, sequence=0))
    assert len(ledger(frontend)[TIER, "undefined"]["sample"]) == 100
    body = {
        "properties": [
            {"kind": "session", "field": "tier", "type": "string"},
            {"kind": "session", "field": "cart", "type": "number", "aggregation": "first"},
            {"kind": "event", "field": "note", "type": "string"},
        ]
    }
    frontend.server.http.put(f"{frontend.path}/properties", json=body).raise_for_status()
    assert values(frontend) == {TIER: long, CART: 7}
    (found,) = frontend.get("/sessions/session-1/events")["items"]
    assert found["event_properties"] == {NOTE: "n"}
    assert found["reported_session_properties"] == {TIER: long, CART: 7}
    assert ledger(frontend) == {}
    session = frontend.get("/sessions/session-1")
    assert (session["event_count"], session["missing_events"]) == (1, 0)


def test_first_and_last_are_by_the_order_of_events_and_not_of_replays(frontend: Frontend) -> None:
    start = now()
    frontend.define("session", "cart", "number")
    for place, value in ((2, 3), (0, "no number"), (1, 2)):
        frontend.send(event(timestamp=start + place, session_properties={TIER: f"t{place}", CART: value}))
    frontend.define("session", "tier", "string", aggregation="first")
    assert values(frontend) == {TIER: "t0", CART: 3}
    frontend.server.http.patch(f"{frontend.path}/properties/{CART}", json={"type": "string"}).raise_for_status()
    assert values(frontend) == {TIER: "t0", CART: "no number"}
    frontend.server.http.patch(f"{frontend.path}/properties/{CART}", json={"type": "number"}).raise_for_status()
    assert values(frontend) == {TIER: "t0", CART: 3}


def test_an_event_that_comes_again_changes_nothing(frontend: Frontend) -> None:
    sent = event(session_properties={TIER: "gold"}, event_properties={NOTE: "kept aside"})
    frontend.send(sent)
    frontend.define("session", "tier")
    before = frontend.get("/sessions/session-1")
    frontend.send(sent)
    frontend.server.http.delete(f"{frontend.path}/properties/{TIER}").raise_for_status()
    frontend.send(sent)
    assert ledger(frontend)[TIER, "undefined"]["count"] == 1
    frontend.define("session", "tier")
    assert frontend.get("/sessions/session-1") == {
        **before,
        "clock_offset": frontend.get("/sessions/session-1")["clock_offset"],
    }
    assert list(ledger(frontend)) == [(NOTE, "undefined")]


def test_a_definition_of_any_case_lets_other_spellings_in(frontend: Frontend) -> None:
    frontend.define("session", "tier")
    frontend.send(event(session="other", session_properties={"session_properties.TIER": "gold"}))
    frontend.send(event(session="both", session_properties={"session_properties.TIER": "no", TIER: "exact"}))
    assert values(frontend, "other") == {}
    http = frontend.server.http
    http.patch(f"{frontend.path}/properties/{TIER}", json={"case_insensitive": True}).raise_for_status()
    assert values(frontend, "other") == {TIER: "gold"}
    assert values(frontend, "both") == {TIER: "exact"}
    assert list(ledger(frontend)) == [("session_properties.TIER", "too_many")]


def test_without_the_level_user_behavior_values_are_counted_and_not_kept(frontend: Frontend) -> None:
    frontend.send(event(session_properties={TIER: "secret"}), data_collection="performance")
    line = ledger(frontend)[TIER, "undefined"]
    assert (line["count"], line["sample"]) == (1, None)
    frontend.define("session", "tier")
    assert values(frontend) == {}
    assert ledger(frontend)[TIER, "undefined"]["count"] == 1


def test_a_change_by_another_process_is_noticed(server: Server, frontend: Frontend) -> None:
    frontend.send(event(session_properties={TIER: "gold"}))
    define_beside(server, frontend.name)
    server.until(lambda: values(frontend) == {TIER: "gold"}, seconds=5)
    server.until(lambda: ledger(frontend) == {}, seconds=5)


def define_beside(server: Server, name: str) -> None:
    """As the command line does it."""
    settings = Settings(settings_url(server.data, None))
    settings.add_definition(name, PropertyDefinition(PropertyKind.SESSION, "tier", DataType.STRING), actor="cli")
    settings.close()


def test_a_property_that_was_defined_while_the_server_was_down_is_replayed_at_the_start(tmp_path: Path) -> None:
    server = Server(tmp_path / "data")
    try:
        frontend = server.frontend()
        frontend.send(event(session_properties={TIER: "gold"}))
        server.kill()
        define_beside(server, frontend.name)
        server.start()
        server.until(lambda: values(frontend) == {TIER: "gold"})
    finally:
        server.close()


def test_derived_sessions_get_their_values_back(frontend: Frontend) -> None:
    frontend.send(event(session="", stream="", session_properties={TIER: "gold"}), instance_id="bare")
    frontend.server.until(lambda: len(frontend.sessions()) == 1)
    frontend.define("session", "tier")
    frontend.server.until(lambda: frontend.sessions()[0]["session_properties"] == {TIER: "gold"})


def test_the_ledger_counts_events_by_key_reason_and_version_in_pages(frontend: Frontend) -> None:
    sent = [event(session_properties={TIER: n}, event_properties={NOTE: n}) for n in range(3)]
    frontend.send(*sent, sdk={"name": "sojourn-python", "version": "1.0"})
    frontend.send(*sent[:2], sdk={"name": "sojourn-python", "version": "1.0"})
    frontend.send(event(session_properties={TIER: "x", "session_properties.a__b": 1}), sdk={"version": "2.0"})
    seen: list[tuple[str, str, int]] = []
    cursor: str | None = None
    while True:
        page = frontend.get("/discards", limit=1, **({"cursor": cursor} if cursor else {}))
        seen += [(line["key"], line["sdk_version"], line["count"]) for line in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert seen == [(NOTE, "1.0", 3), (TIER, "1.0", 3), ("session_properties.a__b", "2.0", 1), (TIER, "2.0", 1)]
    assert list(ledger(frontend, reason="invalid_name")) == [("session_properties.a__b", "invalid_name")]
    narrowed = frontend.get("/discards", key=TIER)["items"]
    assert [line["sdk_version"] for line in narrowed] == ["1.0", "2.0"]
    assert narrowed[0]["first_seen"] <= narrowed[0]["last_seen"] <= now()
    metrics = frontend.server.http.get("/metrics").text
    assert f'sojourn_properties_discarded_total{{frontend="{frontend.name}",reason="undefined"}}' in metrics
