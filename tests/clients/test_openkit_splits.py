"""Clients that split by themselves (OpenKit Java and .NET), replayed from what they were seen to send.

Those libraries cannot be installed where the tests run, so the beacons are written here as theirs are.
"""

import gzip
import time
from urllib.parse import quote

import pytest

from .reading import events_of, of_kind, sessions_of


class Java:
    """One OpenKit Java instance: the beacons of its sessions."""

    def __init__(self, frontend):
        self.frontend = frontend
        self.clock = int(time.time() * 1000) - 600_000

    def beacon(self, number, sequence, start, *records):
        prefix = {"vv": 3, "va": "8.297.30300", "ap": self.frontend.key, "vn": "1.2.3", "pt": 1, "tt": "okjava"}
        prefix |= {"vi": 4242424242, "sn": number, "os": "Linux 6.1", "mf": "M", "md": "X", "dl": 2, "cl": 2, "vs": 2}
        prefix |= {"ss": sequence, "tx": int(time.time() * 1000), "tv": self.clock + start, "mp": 1}
        pairs = [f"{key}={quote(str(value), safe='')}" for key, value in prefix.items()]
        body = gzip.compress("&".join([*pairs, *records]).encode())
        query = {"type": "m", "srvid": "1", "app": self.frontend.key, "resp": "json", "cts": "0"}
        headers = {
            "Content-Encoding": "gzip",
            "Content-Type": "text/plain; charset=utf-8",
            "X-Client-IP": "203.0.113.9",
        }
        answer = self.frontend.server.http.post("/mbeacon", params=query, content=body, headers=headers)
        assert answer.status_code == 200
        assert answer.json()["dynamicConfig"]["status"] == "OK"

    def new_session(self):
        query = {"type": "m", "srvid": "1", "app": self.frontend.key, "resp": "json", "ns": "1", "cts": "0"}
        answer = self.frontend.server.http.get("/mbeacon", params=query)
        assert answer.status_code == 200
        return answer.json()["mobileAgentConfig"]


START = "et=18&it=1&pa=0&s0=1&t0=0"
RETAG = "et=60&it=1&na=alice&pa=0&s0=2&t0=0"
END = "et=19&it=1&pa=0&s0={}&t0={}"


def action(name, number, s0, s1, t0=10, t1=20):
    return f"et=1&it=1&na={name}&ca={number}&pa=0&s0={s0}&t0={t0}&s1={s1}&t1={t1}"


@pytest.fixture
def java(frontend):
    return Java(frontend)


def test_the_timeouts_of_the_frontend_are_the_client_s(frontend, java):
    frontend.change(idle_timeout="2m", max_duration="1h")
    told = java.new_session()
    assert (told["sessionTimeoutSec"], told["maxSessionDurationMins"], told["visitStoreVersion"]) == (120, 60, 2)


def test_idle_splits_of_a_forgotten_application_are_no_visits(frontend, java):
    java.beacon(617, 0, 0, START, "et=60&it=1&na=alice&pa=0&s0=2&t0=79", action("work", 1, 3, 4))
    for split in range(1, 4):
        java.beacon(617 + split, 0, split * 60_000, START, RETAG)
    (visit,) = sessions_of(frontend, 1)
    assert [event["name"] for event in of_kind(events_of(frontend, visit), "action")] == ["work"]
    empty = [session for session in sessions_of(frontend, 4, empty="true") if session["empty"]]
    assert len(empty) == 3
    assert {session["user_identifier"] for session in empty} == {"alice"}
    assert all(of_kind(events_of(frontend, session), "identify")[0]["retag"] for session in empty)


def test_the_successor_of_an_event_split_is_linked_whatever_comes_first(frontend, java):
    java.beacon(700, 1, 30_000, START, RETAG, action("later", 1, 3, 4), END.format(5, 40))
    java.beacon(700, 0, 0, START, action("sooner", 1, 2, 3))
    first, second = sessions_of(frontend, 2)
    assert second["previous_session_id"] == first["session_id"]
    assert (second["user_identifier"], first["user_identifier"]) == ("alice", None)
    assert [first["missing_events"], second["missing_events"]] == [0, 0]


def test_a_beacon_that_is_sent_three_times_counts_once(frontend, java):
    for _ in range(3):
        java.beacon(800, 0, 0, START, action("once", 1, 2, 3))
    (session,) = sessions_of(frontend, 1)
    assert (session["event_count"], session["action_count"]) == (2, 1)


def test_an_action_that_was_lost_on_the_way_is_missing(frontend, java):
    java.beacon(900, 0, 0, START, action("one", 1, 2, 3))
    java.beacon(900, 0, 0, action("three", 3, 6, 7), END.format(8, 40))
    (session,) = sessions_of(frontend, 1)
    assert session["missing_events"] == 2, "the numbers of its start and its end"


def test_a_log_off_ends_the_tag(frontend, java):
    java.beacon(950, 0, 0, START, "et=60&it=1&na=alice&pa=0&s0=2&t0=900", "et=60&it=1&na=&pa=0&s0=3&t0=2000")
    (session,) = sessions_of(frontend, 1)
    tags = [event["user_identifier"] for event in of_kind(events_of(frontend, session), "identify")]
    assert tags == ["alice", None]
    assert session["user_identifier"] == "alice"
