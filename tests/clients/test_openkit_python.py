"""The OpenKit port for Python from PyPI: child actions and integers, which openkit-js has not."""

import subprocess
import sys
from pathlib import Path

from .reading import events_of, named, sessions_of

APPLICATION = Path(__file__).parent / "openkit_application.py"


def test_what_the_application_reported_is_found(frontend):
    endpoint = f"{frontend.server.url}/mbeacon"
    subprocess.run([sys.executable, APPLICATION, endpoint, frontend.key], check=True, timeout=60, capture_output=True)
    (session,) = sessions_of(frontend, 1)
    assert (session["instance_id"], session["user_identifier"]) == ("openkit:77", "alice+x@example.com")
    assert (session["end_reason"], session["missing_events"]) == ("end_session", 0)
    events = events_of(frontend, session)
    checkout, pay = named(events, "check out"), named(events, "pay")
    assert pay["parent_action_id"] == checkout["action_id"]
    assert named(events, "long")["attributes"] == {"value": 9007199254740993}
    assert named(events, "double")["attributes"] == {"value": 1e21}
    assert named(events, "Declined")["attributes"] == {"error.code": 402, "exception.message": "no money"}
    assert named(events, "api.example.com/v1")["attributes"]["http.response.status_code"] == 200
