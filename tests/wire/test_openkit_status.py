"""The answer that steers OpenKit clients: their timeouts are the frontend's."""

import json
from urllib.parse import parse_qsl

from sojourn.rules.limits import DAY, HOUR, MINUTE, SECOND
from sojourn.wire.messages import Policy
from sojourn.wire.openkit import write_status

NOW = 1_795_517_201_276_123


def test_the_json_answer_splits_by_the_policy():
    answer = json.loads(write_status(Policy(idle_timeout=10 * MINUTE, max_duration=6 * HOUR), NOW))
    mobile = answer["mobileAgentConfig"]
    assert (mobile["sessionTimeoutSec"], mobile["maxSessionDurationMins"]) == (600, 360)
    assert mobile["maxEventsPerSession"] == -1
    assert answer["dynamicConfig"] == {"multiplicity": 1, "serverId": 1, "status": "OK"}
    assert answer["timestamp"] == NOW // 1000


def test_every_number_is_an_integer_that_the_clients_can_hold():
    for policy in (Policy(idle_timeout=1, max_duration=1), Policy(idle_timeout=900 * DAY, max_duration=900 * DAY)):
        answer = json.loads(write_status(policy, NOW))
        for part in ("mobileAgentConfig", "appConfig"):
            assert {type(value) for value in answer[part].values()} == {int}
        assert 1 <= answer["mobileAgentConfig"]["sessionTimeoutSec"] <= 2_147_483
        assert 1 <= answer["mobileAgentConfig"]["maxSessionDurationMins"] <= 35_791


def test_the_old_form_switches_capture_on():
    answer = dict(
        parse_qsl(write_status(Policy(idle_timeout=SECOND, max_duration=SECOND), NOW, as_json=False).decode())
    )
    assert (answer["type"], answer["cp"], answer["mp"], answer["bl"]) == ("m", "1", "1", "2048")
