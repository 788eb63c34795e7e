"""The conformance vectors through a started server: what the rules say is what HTTP answers."""

import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from tests.rules.vectors import REFUSED, table
from tests.server import Frontend, Server, event, now

Case = dict[str, Any]
PREFIXES = {"event": "event_properties", "session": "session_properties"}


@pytest.fixture(scope="module")
def shared(server: Server) -> Frontend:
    """A frontend with one property of each type, for cases that change no definition."""
    frontend = server.frontend()
    for data_type in ("string", "number", "boolean"):
        frontend.define("session", data_type, data_type)
    return frontend


def expressible(value: object) -> bool:
    """Whether a value can be sent as JSON at all."""
    try:
        json.dumps(value, allow_nan=False, ensure_ascii=False).encode()
    except (TypeError, ValueError):
        return False
    return True


def such(mark: pytest.MarkDecorator, fits: Callable[[Case], bool]) -> pytest.MarkDecorator:
    """The cases of a table that can be told by HTTP."""
    name, cases = mark.args
    return pytest.mark.parametrize(name, [case for case in cases if fits(case.values[0])])


def discards_of(receipt: Case) -> list[tuple[str, str]]:
    return sorted((d["key"], d["reason"]) for d in receipt["discards"])


@such(table("names"), lambda case: expressible(case["name"]))
def test_names(shared: Frontend, case: Case) -> None:
    receipt = shared.send(event(**{PREFIXES[case["kind"]]: {case["name"]: 1}}))
    [(key, reason)] = discards_of(receipt) or [("", "kept")]
    assert (reason != "invalid_name") == case["valid"]
    if not case["valid"] and len(case["name"]) < 100:
        assert key == case["name"]
        assert case["says"] in receipt["discards"][0]["message"]


@such(table("values"), lambda case: expressible(case["value"]))
def test_values(shared: Frontend, case: Case) -> None:
    value, session = case["value"], f"s{uuid.uuid4()}"
    kept = case.get("kept", REFUSED) is not REFUSED
    name = f"session_properties.{case['type'] if kept else 'string'}"
    receipt = shared.send(event(session=session, session_properties={name: value}))
    assert discards_of(receipt) == ([] if kept else [(name, "invalid_value")])
    shown = shared.get(f"/sessions/{session}")["session_properties"]
    assert shown == ({name: case["kept"]} if kept else {})


@table("values", "fits")
def test_a_value_fits_its_type_or_is_discarded(shared: Frontend, case: Case) -> None:
    name = f"session_properties.{case['data_type']}"
    receipt = shared.send(event(session_properties={name: case["value"]}))
    assert discards_of(receipt) == ([] if case["fits"] else [(name, "type_mismatch")])


def documents(definitions: list[Case]) -> list[Case]:
    """Definitions of a case as the API takes them."""
    return [{("type" if k == "data_type" else k): v for k, v in definition.items()} for definition in definitions]


@table("definitions", "catalogs")
def test_catalogs(server: Server, case: Case) -> None:
    frontend = server.frontend()
    answer = server.http.put(f"{frontend.path}/properties", json={"properties": documents(case["definitions"])})
    assert answer.is_success == case["accepted"], answer.text
    assert answer.is_success or 400 <= answer.status_code < 500
    assert len(frontend.get("/properties")["items"]) == (len(case["definitions"]) if case["accepted"] else 0)


@table("definitions", "admit")
def test_admit(server: Server, case: Case) -> None:
    frontend = server.frontend()
    body = {"properties": documents(case["definitions"])}
    server.http.put(f"{frontend.path}/properties", json=body).raise_for_status()
    sent = case["properties"]
    parts = {
        f"{kind}_properties": {k: v for k, v in sent.items() if k.startswith(kind)} for kind in ("event", "session")
    }
    receipt = frontend.send(event(**parts))
    assert discards_of(receipt) == sorted((key, reason) for key, reason in case["discards"])
    [shown] = frontend.get("/sessions/session-1/events")["items"]
    assert shown["event_properties"] | shown["reported_session_properties"] == case["kept"]


@table("times")
def test_times(shared: Frontend, case: Case) -> None:
    age = case["now"] - case["timestamp"]
    # What takes a moment on its way to the server is that much older there.
    slack = (
        60_000_000 if case["rejected"] == "in_future" else -60_000_000 if case["rejected"] is None and age > 0 else 0
    )
    receipt = shared.send(event(timestamp=now() - age + (slack if age < 0 else -slack)), sent_at=0)
    assert [refusal["reason"] for refusal in receipt["rejected"]] == ([case["rejected"]] if case["rejected"] else [])


# An offset is measured, not sent: tests/web/test_ingest.py sends from a wrong clock.
@such(table("summaries"), lambda case: not any(fields.get("clock_offset") for fields in case["events"]))
def test_summaries(server: Server, case: Case) -> None:
    frontend = server.frontend(idle_timeout="5d", max_duration="7d")
    for name, data_type in types_of(case).items():
        frontend.define("session", name.removeprefix("session_properties."), data_type)
    start = now() - 3_600_000_000
    ranks = {event_id: n for n, event_id in enumerate(sorted({e["event_id"] for e in case["events"]}))}
    absences = [
        {"session_id": session, "stream_id": stream, "sequence": sequence}
        for session, places in case.get("absences", {}).items()
        for stream, sequence in places
    ]
    for fields in case["events"]:
        message = {k: v for k, v in fields.items() if k not in ("instance_id", "clock_offset")}
        message["event_id"] = f"00000000-0000-4000-8000-{ranks[fields['event_id']]:012d}"
        message["timestamp"] += start
        assert frontend.send(message, instance_id=fields["instance_id"], sent_at=0)["accepted"] == 1
    if absences:
        frontend.send(absences=absences)
    found = {s["session_id"]: s for s in frontend.sessions(empty="true")}
    assert sorted(found) == [summary["session_id"] for summary in case["summaries"]]
    for wanted in case["summaries"]:
        assert_shown(found[wanted["session_id"]], wanted, start)


def types_of(case: Case) -> dict[str, str]:
    names = {str: "string", bool: "boolean", int: "number", float: "number"}
    values = [item for fields in case["events"] for item in fields.get("session_properties", {}).items()]
    return {name: names[type(value)] for name, value in values}


def assert_shown(session: Case, wanted: Case, start: int) -> None:
    """A session of the API against a summary of the vectors, whose unsaid fields are empty."""
    for name in ("start_time", "end_time"):
        assert session[name] - start == wanted[name], name
    for name in ("event_count", "action_count", "error_count", "missing_events", "absent_events"):
        assert session[name] == wanted.get(name, 0), name
    for name in ("user_identifier", "start_reason", "end_reason", "previous_session_id"):
        assert (session[name] or "") == wanted.get(name, ""), name
    assert session["user_identifiers"] == wanted.get("user_identifiers", [])
    assert session["instance_id"] == wanted["instance_id"]
    assert session["empty"] == wanted.get("empty", False)
    values = {name: value["last"] for name, value in wanted.get("properties", {}).items()}
    assert session["session_properties"] == values


@such(table("users", "clean"), lambda case: isinstance(case["identifier"], str) and expressible(case["identifier"]))
def test_identifiers(shared: Frontend, case: Case) -> None:
    identifier, session = case["identifier"], f"s{uuid.uuid4()}"
    shared.send(event(session=session, user_identifier=identifier))
    assert (shared.get(f"/sessions/{session}")["user_identifier"] or "") == case["cleaned"]
