"""Events to those who watch, as they become durable: a bounded queue for each watcher, and no waiting for any."""

import asyncio
import threading
from collections import deque
from collections.abc import AsyncIterator

import msgspec

from sojourn.store.rows import EventRow, Rows

MAX_WATCHERS = 200
"""Open streams of one server; each is a connection that stays."""
MAX_WAITING = 500
"""Events that wait for one watcher; of more, the oldest are left out and counted."""
HEARTBEAT_SECONDS = 15.0


class LiveEvent(msgspec.Struct, kw_only=True, omit_defaults=True):
    """An event as a watcher gets it. Times in microseconds; values are JSON scalars."""

    event_id: str
    kind: str
    name: str
    timestamp: int
    session_id: str
    instance_id: str
    user_identifier: str = ""
    duration: int = 0
    event_properties: dict[str, msgspec.Raw] = {}
    session_properties: dict[str, msgspec.Raw] = {}


class TooManyWatchersError(RuntimeError):
    """As many streams are open as the server serves."""


class Watcher:
    """One open stream. `kinds` empty is all; `text` narrows to events that contain it in a name, user or session."""

    def __init__(self, frontend: str, kinds: frozenset[str], text: str) -> None:
        self.frontend = frontend
        self._kinds = kinds
        self._text = text.casefold()
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[LiveEvent] = deque()
        self._left_out = 0
        self._lock = threading.Lock()
        self._changed = asyncio.Event()
        self._closed = False

    def wants(self, event: LiveEvent) -> bool:
        """Whether an event is shown to this watcher."""
        if self._kinds and event.kind not in self._kinds:
            return False
        if not self._text:
            return True
        said = (event.name, event.user_identifier, event.session_id, event.instance_id)
        return any(self._text in part.casefold() for part in said)

    def put(self, events: list[LiveEvent], left_out: int = 0) -> None:
        """Hand events over, and tell of how many more there were; it never keeps the calling thread waiting."""
        with self._lock:
            self._left_out += left_out
            self._waiting.extend(events)
            while len(self._waiting) > MAX_WAITING:
                self._waiting.popleft()
                self._left_out += 1
        self._wake()

    def close(self) -> None:
        """End the stream."""
        self._closed = True
        self._wake()

    def _wake(self) -> None:
        try:
            self._loop.call_soon_threadsafe(self._changed.set)
        except RuntimeError:  # the loop is gone, and the watcher with it
            return

    async def events(self) -> AsyncIterator[tuple[list[LiveEvent], int]]:
        """Events as they come, with how many were left out since; nothing at all after a quiet while."""
        while not self._closed:
            try:
                await asyncio.wait_for(self._changed.wait(), HEARTBEAT_SECONDS)
            except TimeoutError:
                yield [], 0
                continue
            self._changed.clear()
            with self._lock:
                taken, left_out = list(self._waiting), self._left_out
                self._waiting.clear()
                self._left_out = 0
            if taken or left_out:
                yield taken, left_out


class Broadcaster:
    """Knows who watches. Who has a store to himself lets it call `publish` after each commit."""

    def __init__(self) -> None:
        self._watchers: frozenset[Watcher] = frozenset()
        self._lock = threading.Lock()
        self._closed = False

    def watch(self, frontend: str, kinds: frozenset[str] = frozenset(), text: str = "") -> Watcher:
        """Open a stream; give it back with `leave`. Raises TooManyWatchersError."""
        watcher = Watcher(frontend, kinds, text)
        with self._lock:
            if self._closed or len(self._watchers) >= MAX_WATCHERS:
                raise TooManyWatchersError
            self._watchers |= {watcher}
        return watcher

    def leave(self, watcher: Watcher) -> None:
        """Forget a stream."""
        with self._lock:
            self._watchers -= {watcher}

    def publish(self, group: list[Rows]) -> None:
        """Tell the watchers what has become durable. Without any it costs nothing."""
        for frontend in self.frontends():
            events = [event for rows in group for event in rows.events if event.frontend == frontend]
            self.show(frontend, [_shown(event) for event in events])

    def frontends(self) -> frozenset[str]:
        """The frontends whose events someone watches."""
        return frozenset(watcher.frontend for watcher in self._watchers)

    def show(self, frontend: str, events: list[LiveEvent], left_out: int = 0) -> None:
        """Tell the watchers of a frontend what has become durable; `left_out` is how many more events there were."""
        for watcher in self._watchers:
            if watcher.frontend == frontend:
                found = [event for event in events if watcher.wants(event)]
                if found or left_out:
                    watcher.put(found, left_out)

    def close(self) -> None:
        """End all streams, so that the server can stop."""
        self._closed = True
        for watcher in self._watchers:
            watcher.close()


def _shown(event: EventRow) -> LiveEvent:
    return LiveEvent(
        event_id=event.event_id,
        kind=event.kind,
        name=event.name,
        timestamp=event.client_timestamp + (event.clock_offset if abs(event.clock_offset) > 2_000_000 else 0),
        session_id=event.source_id,
        instance_id=event.instance_id,
        user_identifier=event.user_identifier,
        duration=event.duration,
        event_properties=raw(event.event_properties),
        session_properties=raw(event.session_properties),
    )


def raw(values: dict[str, str]) -> dict[str, msgspec.Raw]:
    """Values that are JSON texts, ready to be put into a message as they are."""
    return {name: msgspec.Raw(value.encode()) for name, value in values.items()}
