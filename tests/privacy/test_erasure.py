"""An erased user is in no file under the data folder; everybody else is there as before. Through a started server."""

import json
import os
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from sojourn.rules.limits import SECOND
from tests.server import Frontend, Server, event, now


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose data folder is this module's to search."""
    server = Server(tmp_path_factory.mktemp("privacy") / "data")
    yield server
    server.close()


def traces(data: Path, *texts: str) -> list[str]:
    """The files that hold a text in any of the ways in which it may be written."""
    needles = {
        form
        for text in texts
        for form in (
            text.encode(),
            text.encode("utf-16-le"),
            text.encode("utf-16-be"),
            json.dumps(text)[1:-1].encode(),
        )
    }
    found = []
    # What is removed while we look is not there: os.walk, unlike rglob, goes on where a folder has just gone.
    for folder, _, names in os.walk(data):
        for name in names:
            try:
                content = Path(folder, name).read_bytes()
            except FileNotFoundError:
                continue
            if any(needle in content for needle in needles):
                found.append(str(Path(folder, name).relative_to(data)))
    return found


def erase(frontend: Frontend, identifier: str) -> dict[str, Any]:
    answer = frontend.server.http.post(f"{frontend.path}/privacy/erase", json={"identifier": identifier}, timeout=120)
    answer.raise_for_status()
    found: dict[str, Any] = answer.json()
    return found


def name_of(person: str) -> str:
    return f"{person}-{uuid.uuid4().hex}@exämple.org"


def test_an_erased_user_is_in_no_file(own: Server) -> None:
    frontend = own.frontend()
    frontend.define("session", "mail")
    ann, other, bob = name_of("ann"), name_of("anna"), name_of("bob")
    for part in range(3):
        frontend.send(
            event("identify", session="ann-1", sequence=2 * part, user_identifier=ann),
            event(
                session="ann-1",
                sequence=2 * part + 1,
                name=f"mail to {ann}",
                user_identifier=ann,
                attributes={"url.full": f"https://shop.example/{ann}"},
                session_properties={"session_properties.mail": ann, "session_properties.undefined": ann},
                event_properties={"event_properties.undefined": ann},
            ),
            instance_id="phone",
        )
        frontend.send(event(session="bob-1", sequence=part, user_identifier=bob), instance_id="laptop")
    frontend.send(event(session="before-login"), instance_id="phone")
    frontend.send(event(session="ann-2", user_identifier=other), instance_id="tablet")
    own.http.post(f"{frontend.path}/merges", json={"identifier": other, "canonical": ann}).raise_for_status()
    untouched = frontend.get("/sessions/bob-1")
    assert traces(own.data, ann)
    assert traces(own.data, other)

    answer = erase(frontend, ann)

    assert traces(own.data, ann, other) == []
    assert {line["table"] for line in answer["proof"]} >= {"events", "discards", "session_states", "session_index"}
    for line in answer["proof"]:
        assert (line["after"], line["mentions"]) == (0, 0)
    assert {line["table"] for line in answer["proof"] if line["before"]} >= {"events", "discards", "session_index"}
    assert [s["session_id"] for s in frontend.sessions(empty="true")] == ["bob-1"]
    assert [u["identifier"] for u in frontend.get("/users")["items"]] == [bob]
    assert frontend.get("/sessions/bob-1") == untouched
    assert frontend.get("/discards")["items"] == []
    assert frontend.get("/merges")["items"] == []
    entries = [h for h in frontend.get("/history")["items"] if h["subject"] == "user"]
    assert {h["name"].partition(":")[2] for h in entries} == set(answer["audit"])
    assert len(answer["audit"]) == 2

    own.stop()
    own.start()
    assert traces(own.data, ann, other) == []
    assert frontend.get("/sessions/bob-1")["event_count"] == 3
    assert erase(frontend, ann)["erased_rows"] == 0


def test_a_session_of_several_users_goes_whole_and_says_so(own: Server) -> None:
    frontend = own.frontend()
    frontend.send(
        event(session="shared", sequence=0, user_identifier="ann"),
        event(session="shared", sequence=1, user_identifier="bob"),
    )
    frontend.send(event(session="bob's".replace("'", "-"), user_identifier="bob"))
    frontend.send(event(session="untagged"))
    assert erase(frontend, "ann")["erased_rows"] > 0
    # The instance was not hers alone, so what nobody was tagged in stays.
    assert sorted(s["session_id"] for s in frontend.sessions()) == ["bob-s", "untagged"]


def test_of_an_instance_without_session_ids_only_the_users_sessions_go(own: Server) -> None:
    frontend = own.frontend(idle_timeout="1m")
    ann = name_of("ann")
    start = now() - 3 * 3600 * SECOND

    def at(minutes: float, **fields: Any) -> dict[str, Any]:
        return event(session="", stream="", timestamp=start + int(minutes * 60 * SECOND), **fields)

    frontend.send(
        at(0, user_identifier="bob"), at(10, user_identifier=ann), at(30, user_identifier="bob"), sent_at=0,
        instance_id="kiosk",
    )  # fmt: skip
    own.until(lambda: len(frontend.sessions()) == 3)
    kept = [s for s in frontend.sessions() if s["user_identifiers"] == ["bob"]]
    assert len(kept) == 2

    erase(frontend, ann)

    assert traces(own.data, ann) == []
    ids = [s["session_id"] for s in kept]
    own.until(lambda: [s["session_id"] for s in frontend.sessions()] == ids)
    # A late event is derived from what is left.
    frontend.send(at(30.5, user_identifier="bob"), sent_at=0, instance_id="kiosk")
    own.until(lambda: [s["event_count"] for s in frontend.sessions()] == [2, 1])


def test_what_others_wrote_about_a_user_is_told(own: Server) -> None:
    frontend = own.frontend()
    frontend.define("event", "recipient")
    frontend.send(event(session="ann-1", user_identifier="ann@x.org"), instance_id="phone")
    frontend.send(
        event(session="bob-1", user_identifier="bob", event_properties={"event_properties.recipient": "ann@x.org"}),
        instance_id="laptop",
    )
    proof = {line["table"]: line for line in erase(frontend, "ann@x.org")["proof"]}
    assert (proof["events"]["after"], proof["events"]["mentions"]) == (0, 1)
    assert [s["session_id"] for s in frontend.sessions()] == ["bob-1"]


def test_what_comes_late_without_a_session_id_is_known_by_its_device_or_its_event(own: Server) -> None:
    frontend = own.frontend(idle_timeout="5m")
    ann, bob = name_of("ann"), name_of("bob")

    def bare(minutes: int, who: str = "") -> dict[str, Any]:
        at = now() - 3_600 * SECOND + minutes * 60 * SECOND
        return event(session="", stream="", timestamp=at, user_identifier=who)

    shared = [bare(0, bob), bare(20, ann), bare(21)]
    frontend.send(bare(0, ann), instance_id="phone", sent_at=0)
    frontend.send(*shared, instance_id="kiosk", sent_at=0)
    own.until(lambda: len(frontend.sessions()) == 3)
    erase(frontend, ann)

    def refused(*events: dict[str, Any], instance: str) -> list[int]:
        receipt = frontend.send(*events, instance_id=instance, sent_at=0)
        assert {one["reason"] for one in receipt["rejected"]} <= {"erased"}
        return [one["index"] for one in receipt["rejected"]]

    # Of her own device all that has no name, until then; what another says who he is of is his.
    assert refused(bare(1), bare(2, ann), bare(3, bob), bare(90), instance="phone") == [0, 1]
    # Of a shared one what was in her visit, sent again, and what has her name.
    assert refused(*shared, bare(22), bare(23, ann), instance="kiosk") == [1, 2, 4]


def test_an_erasure_cut_off_by_a_crash_is_finished_at_the_start(tmp_path: Path) -> None:
    server = Server(tmp_path / "data")
    try:
        frontend = server.frontend()
        ann = name_of("ann")
        frontend.send(event(session="ann-1", user_identifier=ann), instance_id="phone")
        frontend.send(event(session="bob-1", user_identifier="bob"), instance_id="laptop")
        server.stop()
        doom(tmp_path / "data", frontend.name, ann)
        server.start()
        assert [s["session_id"] for s in frontend.sessions()] == ["bob-1"]
        server.until(lambda: traces(tmp_path / "data", ann) == [])
    finally:
        server.close()


def doom(data: Path, frontend: str, identifier: str) -> None:
    """As a crash between naming what goes and deleting it leaves it; in a process of its own, as the engine wants."""
    import subprocess
    import sys

    script = (
        "import sys, pathlib; from sojourn.store.engine import Engine, embedded_url\n"
        "from sojourn.store.dooming import Doomed\n"
        "engine = Engine(embedded_url(pathlib.Path(sys.argv[1]) / 'events'))\n"
        "Doomed(engine).user(sys.argv[2], [sys.argv[3]], [])\n"
        "engine.close()\n"
    )
    subprocess.run([sys.executable, "-c", script, str(data), frontend, identifier], check=True)


@pytest.mark.parametrize("request_", ["export", "erase"])
@pytest.mark.parametrize("identifier", ["", "x" * 251])
def test_an_identifier_that_nobody_can_have_is_refused(own: Server, request_: str, identifier: str) -> None:
    frontend = own.frontend()
    answer = own.http.post(f"{frontend.path}/privacy/{request_}", json={"identifier": identifier})
    assert (answer.status_code, answer.json()["error"]["field"]) == (422, "identifier")


def test_events_of_before_an_erasure_stay_out_and_those_of_after_are_taken(own: Server) -> None:
    frontend = own.frontend()
    ann = name_of("ann")
    queued = [
        event(session="ann-1", sequence=1, user_identifier=ann),
        event(session="ann-1", sequence=2),
        event(session="offline", sequence=0, user_identifier=ann),
    ]
    frontend.send(event(session="ann-1", sequence=0, user_identifier=ann), instance_id="phone")
    erase(frontend, ann)
    for restart in (False, True):
        if restart:
            own.stop()
            own.start()
        receipt = frontend.send(*queued, event(session="bob-1", user_identifier="bob"), instance_id="phone")
        assert [r["reason"] for r in receipt["rejected"]] == ["erased"] * 3
        assert receipt["accepted"] == 1
    assert traces(own.data, ann) == []
    assert [s["session_id"] for s in frontend.sessions()] == ["bob-1"]
    assert frontend.send(event(session="ann-9", user_identifier=ann), instance_id="phone")["accepted"] == 1
    assert {s["session_id"] for s in frontend.sessions()} == {"ann-9", "bob-1"}


def test_nothing_of_a_user_survives_who_keeps_sending_while_being_erased(own: Server) -> None:
    frontend = own.frontend()
    ann = name_of("ann")
    stop = threading.Event()

    def send() -> None:
        number = 0
        with httpx.Client(base_url=own.url, timeout=60) as http:
            while not stop.is_set():
                sent = event(session=f"ann-{number % 5}", user_identifier=ann, timestamp=now() - 3600 * SECOND)
                body = {"instance_id": "phone", "events": [sent]}
                http.post("/v1/events", json=body, headers={"Authorization": f"Bearer {frontend.key}"})
                number += 1

    senders = [threading.Thread(target=send) for _ in range(2)]
    for sender in senders:
        sender.start()
    try:
        own.until(lambda: len(frontend.sessions()) == 5)
        erase(frontend, ann)
    finally:
        stop.set()
        for sender in senders:
            sender.join()
    assert frontend.sessions() == []
    assert erase(frontend, ann)["erased_rows"] == 0
    assert traces(own.data, ann) == []
