"""Broken bodies at each adapter's endpoint: a 4xx or a partial success, never a 5xx, and no neighbour is lost."""

import gzip
import json
import random
import time

import pytest

from sojourn.wire.otlp.records import MAX_BYTES
from tests.wire.bodies import recorded

from .reading import sessions_of

PATHS = {"openkit": "/mbeacon", "otlp_json": "/v1/logs", "otlp_protobuf": "/v1/logs", "segment": "/v1/batch"}
TYPES = {"openkit": "text/plain", "otlp_protobuf": "application/x-protobuf"}
BODIES = {one.codec: one.body for one in recorded()}
"""One recorded body of each codec."""


def post(frontend, codec, body, **headers):
    return frontend.server.http.post(
        PATHS[codec],
        params={"app": frontend.key, "type": "m", "resp": "json"} if codec == "openkit" else {},
        content=body,
        headers={
            "Content-Type": TYPES.get(codec, "application/json"),
            "X-Sojourn-Key": frontend.key,
            **headers,
        },
    )


def good_openkit():
    now = int(time.time() * 1000)
    return f"ap=shop&vi=5&sn=1&tv={now}&tx={now}&et=18&s0=1&et=10&na=good&s0=2".encode()


@pytest.mark.parametrize("codec", PATHS)
def test_cut_and_mutated_bodies(frontend, codec):
    body, chance = BODIES[codec], random.Random(7)
    bodies = [body[:cut] for cut in range(0, len(body), max(len(body) // 60, 1))]
    for _ in range(60):
        mutated = bytearray(body)
        for _ in range(chance.randint(1, 5)):
            mutated[chance.randrange(len(mutated))] = chance.randrange(256)
        bodies.append(bytes(mutated))
    statuses = {post(frontend, codec, broken).status_code for broken in bodies}
    assert statuses <= {200, 400}
    assert 400 in statuses
    frontend.server.http.get("/health").raise_for_status()


@pytest.mark.parametrize("codec", PATHS)
def test_bodies_that_are_too_large_or_unpack_to_too_much(frontend, codec):
    assert post(frontend, codec, b"0" * (10 << 20)).status_code == 413
    bomb = gzip.compress(b"0" * (64 << 20))
    assert post(frontend, codec, bomb, **{"Content-Encoding": "gzip"}).status_code == 413
    assert post(frontend, codec, b"\x1f\x8bnot gzip", **{"Content-Encoding": "gzip"}).status_code == 400


@pytest.mark.parametrize("codec", ["otlp_json", "otlp_protobuf"])
def test_logs_beyond_what_is_read_at_once_are_refused(frontend, codec):
    assert post(frontend, codec, b"\n\x00" * (MAX_BYTES // 2 + 1)).status_code == 400


def test_a_beacon_as_large_as_the_clients_are_told_is_taken(frontend):
    names = b"".join(b"&et=10&s0=%d&na=%s" % (number, b"x" * 8000) for number in range(3, 300))
    assert len(names) > 2 << 20
    assert post(frontend, "openkit", good_openkit() + names).status_code == 200
    sessions_of(frontend, 1, events=299)


def test_a_beacon_of_more_events_than_one_request_may_hold_is_taken(frontend):
    records = b"".join(b"&et=1&ca=1&s0=%d&s1=%d" % (number, number + 1) for number in range(3, 24_003, 2))
    assert post(frontend, "openkit", good_openkit() + records).status_code == 200
    (session,) = sessions_of(frontend, 1, events=12_002)
    assert (session["action_count"], session["missing_events"]) == (12_000, 0)


@pytest.mark.parametrize("codec", PATHS)
def test_a_wrong_key_is_401(frontend, codec):
    answer = frontend.server.http.post(
        PATHS[codec],
        params={"app": "wrong"},
        content=BODIES[codec],
        headers={"Content-Type": TYPES.get(codec, "application/json"), "X-Sojourn-Key": "wrong"},
    )
    assert answer.status_code == 401


def test_good_records_beside_bad_ones_are_kept(frontend):
    now_ns, now = str(time.time_ns()), time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    good = {"timeUnixNano": now_ns, "eventName": "good", "attributes": []}
    answer = post(
        frontend,
        "otlp_json",
        json.dumps({"resourceLogs": [{"scopeLogs": [{"logRecords": [{"eventName": 7}, good]}]}]}).encode(),
    )
    assert answer.status_code == 200
    assert answer.json()["partialSuccess"]["rejectedLogRecords"] == "1"
    assert "record 0" in answer.json()["partialSuccess"]["errorMessage"]

    call = {"type": "track", "anonymousId": "a", "event": "good", "timestamp": now}
    answer = post(frontend, "segment", json.dumps({"batch": [{"type": "no"}, call]}).encode())
    assert (answer.json()["accepted"], answer.json()["rejected"][0]["index"]) == (1, 0)

    assert post(frontend, "openkit", good_openkit() + b"&et=77&s0=3").status_code == 200
    sessions = sessions_of(frontend, 3)
    assert sorted(session["event_count"] for session in sessions) == [1, 1, 2]


def test_other_content_types_of_logs_are_415(frontend):
    assert post(frontend, "otlp_json", b"{}", **{"Content-Type": "text/plain"}).status_code == 415


@pytest.mark.parametrize("path", sorted(set(PATHS.values())))
def test_a_browser_may_send_from_any_origin(frontend, path):
    answer = frontend.server.http.options(path, headers={"Origin": "https://shop.example"})
    assert answer.status_code == 204
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "user-agent" in answer.headers["access-control-allow-headers"]


def test_the_old_form_of_the_status_is_answered_when_json_is_not_asked_for(frontend):
    answer = frontend.server.http.get("/mbeacon", params={"type": "m", "app": frontend.key})
    assert answer.text.startswith("type=m&cp=1&")
