"""All that is kept of a user, as JSON and as Parquet; and what a frontend keeps of identifiers and addresses."""

import io
import json
from typing import Any
from urllib.parse import quote

import pyarrow.parquet as pq
import pytest

from sojourn.rules.limits import SECOND
from tests.server import Frontend, event, now


def export(frontend: Frontend, identifier: str, form: str = "json") -> bytes:
    answer = frontend.server.http.post(
        f"{frontend.path}/privacy/export", json={"identifier": identifier, "format": form}
    )
    answer.raise_for_status()
    return answer.content


@pytest.fixture
def ann(frontend: Frontend) -> Frontend:
    """A frontend that ann and bob used, with session ids and without."""
    frontend.change(idle_timeout="1m")
    frontend.define("event", "note")
    frontend.define("session", "cart", "number")
    frontend.send(
        event(session="a1", name="tagged", user_identifier="ann", event_properties={"event_properties.note": "é\"'"}),
        event(
            session="a1",
            name="after",
            event_properties={"event_properties.left_out": [1]},
            session_properties={"session_properties.cart": 2.5},
        ),
        instance_id="phone",
        device={"model": "P1"},
    )
    frontend.send(event(session="b1", name="other", user_identifier="bob"), instance_id="laptop")
    start = now() - 3600 * SECOND
    for minutes, identifier in ((0, "bob"), (10, "ann"), (20, "bob")):
        sent = event(session="", name=f"bare {identifier}", timestamp=start + minutes * 60 * SECOND)
        frontend.send({**sent, "user_identifier": identifier}, sent_at=0, instance_id="kiosk")
    frontend.server.until(lambda: len(frontend.sessions()) == 5)
    return frontend


def test_an_export_has_all_of_the_user_and_nothing_of_others(ann: Frontend) -> None:
    found = json.loads(export(ann, "ann"))
    assert (found["frontend"], found["identifiers"]) == (ann.name, ["ann"])
    by_kind: dict[str, list[dict[str, Any]]] = {"session": [], "event": [], "discard": []}
    for record in found["records"]:
        by_kind[record["record"]].append(record["data"])
    assert len(by_kind["session"]) == 2
    assert by_kind["session"][0]["session_properties"] == {"session_properties.cart": 2.5}
    assert sorted(e["name"] for e in by_kind["event"]) == ["after", "bare ann", "tagged"]
    (tagged,) = [e for e in by_kind["event"] if e["name"] == "tagged"]
    assert tagged["event_properties"] == {"event_properties.note": "é\"'"}
    assert (tagged["context"]["device_model"], tagged["client_ip"]) == ("P1", "127.0.0.0")
    assert [(d["key"], d["reason"]) for d in by_kind["discard"]] == [("event_properties.left_out", "invalid_value")]


def test_parquet_has_the_same_records(ann: Frontend) -> None:
    table = pq.read_table(io.BytesIO(export(ann, "ann", "parquet")))
    rows = [{**row, "data": json.loads(row["data"])} for row in table.to_pylist()]
    assert rows == json.loads(export(ann, "ann"))["records"]


def test_an_export_of_nobody_is_empty(frontend: Frontend) -> None:
    assert json.loads(export(frontend, "nobody"))["records"] == []
    assert pq.read_table(io.BytesIO(export(frontend, "nobody", "parquet"))).num_rows == 0


def test_hashed_identifiers_are_found_by_the_original_one(frontend: Frontend) -> None:
    frontend.change(hash_identifiers=True)
    frontend.send(event(session="s1", user_identifier="ann@example.com"))
    frontend.send(event(session="s2", user_identifier="ann@example.com"))
    stored = frontend.get("/sessions/s1")["user_identifier"]
    assert len(stored) == 32
    assert set(stored) <= set("0123456789abcdef")
    assert [u["identifier"] for u in frontend.get("/users")["items"]] == [stored]
    assert [u["identifier"] for u in frontend.get("/users", search="ann@example.com")["items"]] == [stored]
    assert frontend.get("/users", search="bob@example.com")["items"] == []
    for asked in ("ann@example.com", stored):
        user = frontend.get(f"/users/{quote(asked, safe='')}")
        assert (user["identifier"], user["session_count"]) == (stored, 2)
        assert {s["session_id"] for s in frontend.sessions(user=asked)} == {"s1", "s2"}
    assert len(json.loads(export(frontend, "ann@example.com"))["records"]) == 4
    body = {"identifier": "ann@example.com"}
    erased = frontend.server.http.post(f"{frontend.path}/privacy/erase", json=body, timeout=120)
    assert erased.json()["erased_rows"] > 0
    assert frontend.sessions() == []


def test_addresses_are_masked_unless_the_frontend_keeps_them(frontend: Frontend) -> None:
    frontend.send(event(session="masked", user_identifier="ann"))
    frontend.change(mask_ip=False)
    frontend.send(event(session="whole", user_identifier="ann"))
    kept = {
        r["session_id"]: r["data"]["client_ip"]
        for r in json.loads(export(frontend, "ann"))["records"]
        if r["record"] == "event"
    }
    assert kept == {"masked": "127.0.0.0", "whole": "127.0.0.1"}
