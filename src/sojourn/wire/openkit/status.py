"""What every OpenKit request is answered with: the configuration, as JSON or in the older key-value form.

All clients take only 200 with a full answer for success. An error silences Java and .NET for hours and ends a session
of JavaScript, so overload and bad records are answered with this too.
"""

from typing import Final

import msgspec

from sojourn.rules.limits import MINUTE, SECOND
from sojourn.wire.messages import Policy

MAX_BEACON_KB: Final = 2048
"""Large on purpose: the JavaScript client loops for ever over a record that does not fit."""
SEND_INTERVAL_S: Final = 10
_LONGEST_MINUTES: Final = 35_791
_LONGEST_SECONDS: Final = 2_147_483
"""The clients count milliseconds in 32 bits."""


def write_status(policy: Policy, server_time: int, *, as_json: bool = True) -> bytes:
    """The answer to a status request, a new session or a beacon. `server_time` in microseconds.

    `as_json` is what the request asked for with `resp=json`. Splits by the number of actions are off: Sojourn has no
    such rule. The key-value form has no timeouts, so the server alone splits the sessions of such a client.
    """
    if not as_json:
        return f"type=m&cp=1&id=1&bl={MAX_BEACON_KB}&er=1&cr=1&mp=1&tc=100&si={SEND_INTERVAL_S}".encode()
    answer = {
        "mobileAgentConfig": {
            "maxBeaconSizeKb": MAX_BEACON_KB,
            "sendIntervalSec": SEND_INTERVAL_S,
            "sessionTimeoutSec": min(max(policy.idle_timeout // SECOND, 1), _LONGEST_SECONDS),
            "maxSessionDurationMins": min(max(policy.max_duration // MINUTE, 1), _LONGEST_MINUTES),
            "maxEventsPerSession": -1,
            "visitStoreVersion": 2,
        },
        "appConfig": {"capture": 1, "reportCrashes": 1, "reportErrors": 1, "trafficControlPercentage": 100},
        "dynamicConfig": {"multiplicity": 1, "serverId": 1, "status": "OK"},
        "timestamp": server_time // 1000,
    }
    return msgspec.json.encode(answer)
