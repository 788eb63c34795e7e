"""Figures of the server for Prometheus, at `/metrics`."""

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest

from sojourn.wire.messages import Receipt


class Metrics:
    """Counters since the start of this process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._accepted = Counter(
            "sojourn_events_accepted", "Events made durable, copies included", ["frontend"], registry=self.registry
        )
        self._rejected = Counter(
            "sojourn_events_rejected", "Events not taken", ["frontend", "reason"], registry=self.registry
        )
        self._discarded = Counter(
            "sojourn_properties_discarded",
            "Property values left out of events, copies included; alert when it grows",
            ["frontend", "reason"],
            registry=self.registry,
        )
        self.waiting_rows = Gauge("sojourn_rows_waiting", "Rows that wait for the disk", registry=self.registry)

    def count(self, frontend: str, receipt: Receipt) -> None:
        """Add what one request brought."""
        self._accepted.labels(frontend).inc(receipt.accepted)
        for refusal in receipt.rejected:
            self._rejected.labels(frontend, refusal.reason).inc()
        for discard in receipt.discards:
            self._discarded.labels(frontend, discard.reason).inc(discard.count)

    def text(self) -> bytes:
        """The figures in the text format of Prometheus."""
        return generate_latest(self.registry)
