"""How many random histories: SOJOURN_HISTORIES sets it, for the nights. Time is no criterion on a busy machine."""

import os

from hypothesis import HealthCheck, settings

settings.register_profile(
    "rules",
    max_examples=int(os.environ.get("SOJOURN_HISTORIES", "100")),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("rules")
