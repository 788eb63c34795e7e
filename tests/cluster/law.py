"""The law of tests/store/test_law.py, with as many histories as suit the store at hand."""

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.server import Frontend
from tests.store import test_law
from tests.store.test_law import EVENT, PLACE, holds, unique_places

HISTORIES = test_law.HISTORIES // 20
"""A question to a cluster takes several times as long as one to the embedded engine."""


def assert_law(shop: Frontend, histories: int) -> None:
    """Random histories through a frontend of `law_frontend`, against the reference."""

    @settings(max_examples=histories, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.data(), st.lists(EVENT, min_size=1, max_size=12).map(unique_places), st.sets(PLACE, max_size=3))
    def of_each(data: st.DataObject, drawn: Any, lost: Any) -> None:
        holds(shop, data, drawn, lost)

    of_each()


def define_law_properties(frontend: Frontend) -> None:
    """What the histories need to be defined."""
    frontend.change(idle_timeout="1h")
    frontend.define("session", "first", "string", aggregation="first")
    frontend.define("session", "last", "number")
