"""The SDK against a started server: what was reported is what the API shows, kills of both sides included."""

import random
import threading
import time

import sojourn
from sojourn.sdk.sender import Pace
from tests.sdk.test_kills import kill_again_and_again
from tests.server import Frontend, Server

LIVES = 20


def test_a_user_on_two_devices(frontend, tmp_path):
    frontend.define("session", "tier")
    for device in ("laptop", "phone"):
        agent = sojourn.start(
            frontend.server.url, frontend.name, frontend.key, state_dir=tmp_path / device, capture_crashes=False
        )
        agent.identify_user("ada@example.com")
        agent.send_session_property_event({"session_properties.tier": "gold", "session_properties.unknown": 1})
        with agent.enter_action("Checkout") as action:
            action.report_value("amount", 12.5)
        agent.end_session()
        assert agent.shutdown()
    sessions = frontend.sessions()
    assert {s["user_identifier"] for s in sessions} == {"ada@example.com"}
    assert len({s["instance_id"] for s in sessions}) == 2
    assert {s["end_reason"] for s in sessions} == {"end_session"}
    assert [s["missing_events"] for s in sessions] == [0, 0]
    assert [s["session_properties"] for s in sessions] == [{"session_properties.tier": "gold"}] * 2
    assert "session_properties.unknown" in str(frontend.get("/discards"))


def test_the_server_sets_the_timeouts(frontend, tmp_path):
    frontend.change(idle_timeout=1_000_000)
    agent = sojourn.start(frontend.server.url, frontend.name, frontend.key, state_dir=tmp_path, capture_crashes=False)
    agent.send_event("first")
    assert agent.flush()
    assert agent.channel.policy.idle_timeout == 1_000_000
    assert agent.shutdown()


def test_killed_programs_and_a_killed_server_lose_nothing(tmp_path):
    server = Server(tmp_path / "data")
    try:
        frontend = server.frontend()
        over = threading.Event()

        def kill_the_server() -> None:
            moments = random.Random(5)
            for _ in range(2):
                over.wait(moments.uniform(0.2, 0.6))
                server.kill()
                over.wait(0.1)
                server.start()

        killing = threading.Thread(target=kill_the_server)
        killing.start()
        state = tmp_path / "state"
        returned = kill_again_and_again(tmp_path, LIVES, server.url, frontend.name, frontend.key, str(state))
        over.set()
        killing.join()
        agent = sojourn.start(
            server.url,
            frontend.name,
            frontend.key,
            state_dir=state,
            capture_crashes=False,
            pace=Pace(first_back_off=0.05),
        )
        deadline = time.monotonic() + 15
        while list(state.rglob("*.seg")) and time.monotonic() < deadline:
            agent.flush(0.1)
            over.wait(0) and time.sleep(0.02)
        assert agent.shutdown()
        check(frontend, returned)
    finally:
        server.close()


def check(frontend: Frontend, returned: list[int]) -> None:
    sessions = frontend.sessions(limit=100)
    lives = {}
    for session in sessions:
        assert session["missing_events"] == 0, session
        events = frontend.get(f"/sessions/{session['session_id']}/events", limit=1000)["items"]
        names = [event["name"] for event in events if event["kind"] == "event"]
        assert len(set(names)) == len(names)
        if names:
            lives[int(names[0].partition(":")[0])] = len(names)
    for life, count in enumerate(returned):
        assert lives.get(life, 0) in (count, count + 1)
