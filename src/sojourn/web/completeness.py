"""The figures of completeness for Prometheus: asked when they are read, and at most once in ten seconds."""

import threading
from collections.abc import Callable, Iterable

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from sojourn.query.completeness import Completeness, completeness
from sojourn.rules.limits import SECOND
from sojourn.store.engine import Engine

KEPT = 10 * SECOND


class CompletenessFigures(Collector):
    """Sessions of each frontend in the last 24 hours, and those with gaps. `now` gives microseconds since 1970."""

    def __init__(self, engine: Engine, now: Callable[[], int]) -> None:
        self._engine = engine
        self._now = now
        self._lock = threading.Lock()
        self._read_at = 0
        self._figures: list[Completeness] = []

    def describe(self) -> Iterable[Metric]:
        """Nothing: the registry would ask the engine for it."""
        return []

    def collect(self) -> Iterable[Metric]:
        """The two gauges, at most ten seconds old."""
        with self._lock:
            now = self._now()
            if not 0 <= now - self._read_at < KEPT:
                self._figures = completeness(self._engine, now)
                self._read_at = now
            figures = self._figures
        sessions = GaugeMetricFamily(
            "sojourn_sessions", "Sessions with an event in the last 24 hours", labels=["frontend"]
        )
        incomplete = GaugeMetricFamily(
            "sojourn_sessions_missing_events",
            "Those of them that miss events, by the numbers of those that arrived; alert when it grows",
            labels=["frontend"],
        )
        for one in figures:
            sessions.add_metric([one.frontend], one.sessions)
            incomplete.add_metric([one.frontend], one.incomplete)
        return [sessions, incomplete]
