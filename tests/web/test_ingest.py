"""`POST /v1/events` against a started server: what is taken, what is refused, and that nobody else pays for it."""

import gzip
import json
import zlib
from typing import Any

import pytest
import zstandard

from tests.server import Frontend, event, now


def batch(*events: dict[str, Any], **more: Any) -> bytes:
    return json.dumps({"instance_id": "instance-1", "sent_at": now(), "events": list(events), **more}).encode()


@pytest.mark.parametrize(
    ("encoding", "pack"),
    [("gzip", gzip.compress), ("deflate", zlib.compress), ("zstd", zstandard.ZstdCompressor().compress)],
)
def test_packed_bodies_are_taken(frontend: Frontend, encoding: str, pack: Any) -> None:
    answer = frontend.post(pack(batch(event(), event())), **{"Content-Encoding": encoding})
    assert answer.json()["accepted"] == 2
    assert frontend.sessions()[0]["event_count"] == 2


def nested(depth: int) -> bytes:
    return b'{"instance_id":' + b"[" * depth + b"]" * depth + b"}"


@pytest.mark.parametrize(
    ("body", "headers", "status", "names"),
    [
        (b"", {}, 400, "JSON"),
        (b"{", {}, 400, "JSON"),
        (b"[]", {}, 400, "object"),
        (b"\xff\xfe", {}, 400, "JSON"),
        (b'{"events":[]}', {}, 400, "instance_id"),
        (b'{"instance_id":7}', {}, 400, "instance_id"),
        (b'{"instance_id":"a b"}', {}, 400, "instance_id"),
        (b'{"instance_id":"a","sent_at":-1}', {}, 400, "sent_at"),
        (b'{"instance_id":"a","sent_at":1e30}', {}, 400, "sent_at"),
        (b'{"instance_id":"a","events":{}}', {}, 400, "events"),
        (nested(100_000), {}, 400, "instance_id"),
        (b'{"instance_id":"a","events":[{"attributes":{"a":' + b"[" * 100_000, {}, 400, "nested"),
        (b'{"instance_id":"' + b"a" * (9 << 20) + b'"}', {}, 413, "bytes"),
        (b"not gzip", {"Content-Encoding": "gzip"}, 400, "gzip"),
        (gzip.compress(b"{}")[:-4], {"Content-Encoding": "gzip"}, 400, "cut off"),
        (b"not zstd", {"Content-Encoding": "zstd"}, 400, "zstd"),
        (b"x", {"Content-Encoding": "br"}, 415, "gzip"),
        (gzip.compress(b" " * (100 << 20)), {"Content-Encoding": "gzip"}, 413, "unpacks"),
        (zstandard.ZstdCompressor().compress(b" " * (100 << 20)), {"Content-Encoding": "zstd"}, 413, "unpacks"),
        (b'{"instance_id":"a"}', {"Authorization": "Bearer nobody"}, 401, "key"),
        (b'{"instance_id":"a"}', {"Authorization": ""}, 401, "key"),
        (b'{"instance_id":"a"}', {"X-Sojourn-Frontend": "other"}, 401, "other"),
    ],
)
def test_a_bad_body_gets_a_clear_error(
    frontend: Frontend, body: bytes, headers: dict[str, str], status: int, names: str
) -> None:
    answer = frontend.post(body, **headers)
    assert answer.status_code == status, answer.text
    error = answer.json()["error"]
    assert names.lower() in (error["message"] + error.get("field", "")).lower()
    assert error["code"]


@pytest.mark.parametrize(
    ("bad", "names"),
    [
        ({"kind": 7}, "kind"),
        ({"kind": "Not a kind"}, "kind"),
        ({"event_id": "not-a-uuid"}, "event_id"),
        ({"timestamp": "yesterday"}, "timestamp"),
        ({"timestamp": -1}, "timestamp"),
        ({"timestamp": 2**70}, "timestamp"),
        ({"duration": -1}, "duration"),
        ({"sequence": 2**31}, "sequence"),
        ({"session_id": "a/b"}, "session_id"),
        ({"session_id": "x" * 101}, "session_id"),
        ({"session_id": "~inst"}, "session_id"),
        ({"stream_id": "é"}, "stream_id"),
        ({"stream_id": "", "sequence": 3}, "stream_id"),
        ({"event_properties": [1]}, "event_properties"),
        ({"end_reason": "r" * 41}, "end_reason"),
    ],
)
def test_a_bad_event_costs_no_neighbour(frontend: Frontend, bad: dict[str, Any], names: str) -> None:
    good = [event(sequence=0), event(sequence=1)]
    receipt = frontend.send(good[0], {**event(), **bad}, good[1])
    assert receipt["accepted"] == 2
    assert [refusal["index"] for refusal in receipt["rejected"]] == [1]
    assert names in receipt["rejected"][0]["message"]
    assert [e["event_id"] for e in frontend.get("/sessions/session-1/events")["items"]] == [e["event_id"] for e in good]


def test_too_old_and_too_new_events_are_rejected_and_not_missing(frontend: Frontend) -> None:
    day = 86_400_000_000
    receipt = frontend.send(
        event(sequence=0, timestamp=now() - 29 * day),
        event(sequence=1, timestamp=now() - 31 * day),
        event(sequence=2, timestamp=now() + day),
        event(sequence=3, timestamp=now() + day // 48),
    )
    assert [refusal["reason"] for refusal in receipt["rejected"]] == ["too_old", "in_future"]
    session = frontend.sessions()[0]
    assert (session["event_count"], session["absent_events"], session["missing_events"]) == (2, 2, 0)


def test_an_event_sent_again_counts_once(frontend: Frontend) -> None:
    events = [event(sequence=n) for n in range(5)]
    for part in (events, events[2:], events[::-1]):
        frontend.send(*part)
    assert frontend.sessions()[0]["event_count"] == 5
    assert len(frontend.get("/sessions/session-1/events")["items"]) == 5


def test_gaps_are_missing_until_they_arrive_and_dropped_ones_are_absent(frontend: Frontend) -> None:
    frontend.send(event(sequence=0), event(sequence=5))
    assert frontend.sessions()[0]["missing_events"] == 4
    absence = {"session_id": "session-1", "stream_id": "stream-1", "sequence": 1, "count": 2}
    frontend.send(absences=[absence])
    frontend.send(event(sequence=3))
    session = frontend.sessions()[0]
    assert (session["missing_events"], session["absent_events"], session["event_count"]) == (1, 2, 3)


@pytest.mark.parametrize("gap", [0, 7_200_000_000], ids=["one session", "split by the server"])
def test_a_second_number_of_an_event_is_neither_missing_nor_absent(frontend: Frontend, gap: int) -> None:
    """As an OpenKit action has one for its start and one for its end."""
    second = {"session_id": "session-1", "stream_id": "stream-1", "sequence": 1, "reason": "second_number"}
    dropped = {"session_id": "session-1", "stream_id": "stream-1", "sequence": 2}
    frontend.send(event("action", sequence=0, timestamp=now() - gap), event(sequence=4), absences=[second, dropped])
    sessions = frontend.server.until(lambda: (s := frontend.sessions()) and len(s) == (2 if gap else 1) and s)
    assert sum(session["missing_events"] for session in sessions) == 1
    assert sum(session["absent_events"] for session in sessions) == 1


def test_properties_keep_their_types_and_discards_are_told_and_listed(frontend: Frontend) -> None:
    frontend.define("session", "tier")
    frontend.define("session", "cart.value", "number", aggregation="first")
    frontend.define("session", "Premium", "boolean", case_insensitive=True)
    sent = {
        "session_properties.tier": "gold",
        "session_properties.cart.value": 149.5,
        "session_properties.PREMIUM": True,
        "session_properties.unknown": 1,
        "session_properties.a__b": 1,
        "session_properties.list": [1],
    }
    receipt = frontend.send(event("session_properties", session_properties=sent))
    frontend.send(event(session_properties={"session_properties.tier": 7, "session_properties.cart.value": 3}))
    session = frontend.sessions()[0]
    assert session["session_properties"] == {
        "session_properties.tier": "gold",
        "session_properties.cart.value": 149.5,
        "session_properties.Premium": True,
    }
    assert {(d["key"], d["reason"]) for d in receipt["discards"]} == {
        ("session_properties.unknown", "undefined"),
        ("session_properties.a__b", "invalid_name"),
        ("session_properties.list", "invalid_value"),
    }
    ledger = {(d["key"], d["reason"]): d for d in frontend.get("/discards")["items"]}
    assert ledger["session_properties.tier", "type_mismatch"]["sample"] == "7"
    assert ledger["session_properties.unknown", "undefined"]["count"] == 1


def test_a_wrong_clock_is_corrected_by_the_least_offset(frontend: Frontend) -> None:
    hour = 3_600_000_000
    slow = now() - 5 * hour
    frontend.send(event(sequence=0, timestamp=slow), sent_at=slow - 60_000_000)
    frontend.send(event(sequence=1, timestamp=slow + 10), sent_at=slow + 10)
    session = frontend.sessions()[0]
    assert abs(session["start_time"] - now()) < 20_000_000
    assert abs(session["clock_offset"] - 5 * hour) < 20_000_000
    first = frontend.get("/sessions/session-1/events")["items"][0]
    assert first["client_timestamp"] == slow
    assert first["timestamp"] == slow + session["clock_offset"]


def test_a_browser_may_send_from_any_origin(frontend: Frontend) -> None:
    preflight = frontend.server.http.options("/v1/events", headers={"Origin": "https://shop.example"})
    assert preflight.status_code == 204
    assert preflight.headers["access-control-allow-origin"] == "*"
    sent = frontend.server.http.post(f"/v1/events?key={frontend.key}", content=batch(event()))
    assert sent.status_code == 200
    assert sent.headers["access-control-allow-origin"] == "*"
