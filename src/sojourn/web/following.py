"""Live events where several servers share a store: what any of them wrote is read back, as long as someone watches."""

import threading
from collections.abc import Callable

import structlog

from sojourn.query.live import RecentEvent, count_received, events_received
from sojourn.query.scope import Scope
from sojourn.rules.limits import SECOND
from sojourn.web.live import Broadcaster, LiveEvent, raw

LOOK_SECONDS = 0.5
RETRY_SECONDS = 5.0
WINDOW = 10 * SECOND
"""How long after an event was received it is still looked for: longer than its server takes to write it."""
FIRST_WINDOW = 2 * SECOND
"""How far the first look goes back: longer than a page takes from its question to the opening of its stream."""
MOST = 1_000
"""Events that one look reads; of more, the oldest are left out and counted."""

log = structlog.get_logger()


class Follower:
    """Looks for new events of the frontends that are watched, on a thread of its own."""

    def __init__(self, live: Broadcaster, scope: Callable[[str], Scope]) -> None:
        self._live = live
        self._scope = scope
        # By frontend: when it was first looked at, and when each event that was shown lately was received.
        self._shown: dict[str, tuple[int, dict[str, int]]] = {}
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sojourn-live", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop looking."""
        self._closed.set()
        self._thread.join()

    def _run(self) -> None:
        pause = LOOK_SECONDS
        while not self._closed.wait(pause):
            pause = LOOK_SECONDS
            watched = self._live.frontends()
            self._shown = {frontend: shown for frontend, shown in self._shown.items() if frontend in watched}
            for frontend in watched:
                try:
                    self._look(frontend)
                except Exception:
                    # The engine may be away; or the frontend is, and its watchers soon.
                    log.warning("live_unknown", frontend=frontend, exc_info=True)
                    pause = RETRY_SECONDS

    def _look(self, frontend: str) -> None:
        scope = self._scope(frontend)
        began, shown = self._shown.get(frontend, (scope.now - FIRST_WINDOW, {}))
        since = max(began, scope.now - WINDOW)
        found = events_received(scope, since=since, limit=MOST)
        new = {event.event_id: event for event in reversed(found) if event.event_id not in shown}
        left_out = 0
        if len(new) == MOST:
            received = count_received(scope, after=max(shown.values(), default=since - 1))
            left_out = max(0, received - MOST)
        if new:
            self._live.show(frontend, [_live(event) for event in new.values()], left_out)
        shown |= {event.event_id: event.received_at for event in found}
        self._shown[frontend] = began, {event: at for event, at in shown.items() if at >= since}


def _live(event: RecentEvent) -> LiveEvent:
    return LiveEvent(
        event_id=event.event_id,
        kind=event.kind,
        name=event.name,
        timestamp=event.timestamp,
        session_id=event.session_id,
        instance_id=event.instance_id,
        user_identifier=event.user_identifier,
        duration=event.duration,
        event_properties=raw(event.event_properties),
        session_properties=raw(event.session_properties),
    )
