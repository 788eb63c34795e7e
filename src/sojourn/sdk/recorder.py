"""Writes the events of one agent: the current session, its splits and re-tags, and the numbering of its events.

Every method that reports runs under the channel's lock, so two threads at the moment of a split make one session.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from sojourn.rules.events import EventKind
from sojourn.rules.limits import MAX_ATTRIBUTE_VALUE, MAX_NAME, MAX_STRING_VALUE
from sojourn.rules.names import PropertyKind
from sojourn.rules.sessions import EndReason, SessionLife, StartReason
from sojourn.rules.users import identifier_after
from sojourn.rules.values import clean_text, clean_value
from sojourn.sdk.channel import Channel
from sojourn.sdk.clock import anchor
from sojourn.sdk.contexts import Context
from sojourn.sdk.ids import new_id, random_hex
from sojourn.sdk.lines import KIND, Heading, write_line
from sojourn.sdk.shapes import NO_SHAPE, shape_of

EMPTY: Final[Mapping[str, Any]] = {}
NOWHERE: Final = object()
_IDENTIFY: Final = EventKind.IDENTIFY.value


class Session:
    """The session that an agent is in. Times in microseconds; `offset` turns the steady ones into wall times.

    `number` is that of its heading in `segment`, where its latest event stands (before the first one: nowhere).
    `latest` and `until` are what an activity sets and looks at, in nanoseconds as the clock gives them: when it was,
    and from when on a split may be due.
    """

    __slots__ = (
        "_end",
        "_last",
        "heading",
        "latest",
        "life",
        "number",
        "offset",
        "owned",
        "segment",
        "sequence",
        "start",
        "until",
    )

    def __init__(self, session_id: str, start: int, context: Context, stream_id: str, base: int) -> None:
        self.heading = Heading(
            context=context, session_id=session_id, stream_id=stream_id, node=random_hex(5), base=base
        )
        self.start = self._end = self._last = start
        self.latest = self.until = 0
        self.offset = context.clock_offset
        self.sequence = 0
        self.life = SessionLife(start)
        self.owned = True
        self.segment: object = NOWHERE
        self.number = 0

    @property
    def last(self) -> int:
        """The latest activity."""
        return max(self._last, self.latest // 1000)

    @last.setter
    def last(self, time: int) -> None:
        self._last = time

    @property
    def end(self) -> int:
        """The end of what ended last."""
        return max(self._end, self.latest // 1000)

    @end.setter
    def end(self, time: int) -> None:
        self._end = time

    @property
    def session_id(self) -> str:
        """The session's id."""
        return self.heading.session_id

    @property
    def stream_id(self) -> str:
        """The stream in which this process numbers its events."""
        return self.heading.stream_id

    @property
    def identifier(self) -> str:
        """Who the session is tagged with; "" is nobody."""
        return self.heading.user_identifier

    def tag(self, identifier: str) -> None:
        """The events from now on carry this user."""
        if identifier != self.identifier:
            self.heading = msgspec.structs.replace(self.heading, user_identifier=identifier)
            self.segment = NOWHERE

    def branch(self, stream_id: str) -> None:
        """In a forked child: the events from now on are numbered in a stream of their own."""
        self.heading = msgspec.structs.replace(self.heading, stream_id=stream_id, node=random_hex(5))
        self.segment = NOWHERE
        self.sequence = 0
        self.owned = False


class Recorder:
    """One agent's sessions. `on_split` is told of a lazy split, before the session is closed."""

    def __init__(self, channel: Channel, context: Context) -> None:
        self.channel = channel
        self.context = context
        self.session: Session | None = None
        self.identifier = ""
        self.on_split: Callable[[Session], None] = _nothing
        self._queue = channel.queue
        self._steady = channel.clock.steady
        self._start_reason = StartReason.START_UP
        self.previous_session_id = ""
        with channel.lock:
            channel.policy_listeners.add(self)

    def record(
        self,
        kind: str,
        name: str,
        duration: int = 0,
        event_properties: Mapping[str, Any] = EMPTY,
        session_properties: Mapping[str, Any] = EMPTY,
        attributes: Mapping[str, Any] = EMPTY,
        parent_action_id: str = "",
    ) -> None:
        """Report something that ends now, in the current session or in a new one. Properties have been checked."""
        channel = self.channel
        with channel.lock:
            if channel.busy or channel.deferred:
                channel.deferred.append(
                    lambda: self._record(
                        kind, name, duration, event_properties, session_properties, attributes, parent_action_id
                    )
                )
                return
            channel.busy = True
            try:
                self._record(kind, name, duration, event_properties, session_properties, attributes, parent_action_id)
            finally:
                channel.busy = False
                if channel.deferred:
                    channel.drain()

    def _record(
        self,
        kind: str,
        name: str,
        duration: int,
        event_properties: Mapping[str, Any],
        session_properties: Mapping[str, Any],
        attributes: Mapping[str, Any],
        parent_action_id: str,
    ) -> None:
        session = self._active()
        now = session.latest // 1000
        self.write(
            session,
            kind,
            max(now - duration, session.start) if duration else now,
            name=name,
            duration=duration,
            parent_action_id=parent_action_id,
            attributes=attributes,
            event_properties=event_properties,
            session_properties=session_properties,
        )

    def record_in(self, session: Session, kind: str, start: int, **fields: Any) -> None:
        """Report something that started at `start` (steady time) in `session`, even if that is over. Hold the lock."""
        now = self._steady()
        if session is self.session:
            # Its end is activity like any other, but it never starts a new session.
            session.life.touch(session.last)
            session.life.touch(now)
            session.last = session.end = now
            session.until = 1000 * session.life.next_deadline(self.channel.policy)
        self.write(session, kind, start, duration=max(0, now - start), **fields)

    def identify(self, identifier: str) -> None:
        """Tag the current session, or the one that this starts; "" removes the tag."""

        def work() -> None:
            if not identifier and not self.identifier and self.session is None:
                return
            session = self._active()
            self.identifier = identifier
            session.tag(identifier)
            self.write(session, _IDENTIFY, session.latest // 1000)

        self.channel.run(work)

    def _active(self) -> Session:
        """The session of an activity that is reported now."""
        now = self.channel.steady_ns()
        session = self.session
        if session is None or now >= session.until:
            session = self.session_at(now // 1000)
        session.latest = now
        return session

    def session_at(self, now: int) -> Session:
        """The session that an activity at `now` (steady time) belongs to, after a split where one is due."""
        session = self.session
        if session is not None:
            reason = self.split_due(now)
            if reason is None:
                session.life.touch(now)
                session.last = now
                session.until = 1000 * session.life.next_deadline(self.channel.policy)
                return session
            self.on_split(session)
            self.close(reason, session.end)
        return self._start(now)

    def close(self, reason: EndReason, at: int) -> None:
        """End the current session, with its end at `at` (steady time); the next one starts with the next activity."""
        session = self.session
        if session is None:
            return
        self.session = None
        if session.owned:
            # A session that a forked child shares with its parent is the parent's to end.
            self.write(session, EventKind.SESSION_END.value, at, end_reason=reason.value)
        self.previous_session_id = session.session_id
        self.follow(reason)

    def follow(self, reason: EndReason) -> None:
        """The next session follows an end for this reason."""
        self.identifier = identifier_after(reason, self.identifier)
        self._start_reason = StartReason.START_UP if reason is EndReason.APP_CLOSED else StartReason(reason.value)

    def split_due(self, now: int) -> EndReason | None:
        """Why the current session is over at `now` (steady time), without ending it."""
        session = self.session
        if session is None:
            return None
        session.life.touch(session.last)
        return session.life.split_due(now, self.channel.policy)

    def change_context(self, context: Context, *, unlink: bool) -> None:
        """What the next session runs under. With `unlink` nothing in it points at the one before."""
        self.context = context
        if unlink:
            self.previous_session_id = ""

    def resume(self, session_id: str, start: int, last: int) -> None:
        """Go on with a session whose first and latest activity, in wall times, were seen elsewhere."""
        offset = self.context.clock_offset
        session = self.session
        if session is None or session.session_id != session_id:
            # Another stream, as this process may have numbered events of that session before.
            session = Session(session_id, start - offset, self.context, random_hex(8), self._queue.appended)
            self.session = session
        if last - offset > session.last:
            session.life.touch(session.last)
            session.last = session.end = min(last - offset, self._steady())
        session.until = 0

    def policy_changed(self) -> None:
        """The server set other timeouts: ask the rule anew at the next activity."""
        if self.session is not None:
            self.session.until = 0

    def forked(self) -> None:
        """In a forked child: the session goes on in a stream of its own."""
        if self.session is not None:
            self.session.branch(self.channel.stream_id)

    def _start(self, now: int) -> Session:
        """A new session, tagged as the one before where the rules say so."""
        channel = self.channel
        offset = anchor(channel.clock, self.context.clock_offset)
        if offset != self.context.clock_offset:
            self.context = msgspec.structs.replace(self.context, clock_offset=offset)
        session = Session(new_id(now + offset), now, self.context, channel.stream_id, self._queue.appended)
        session.until = 1000 * session.life.next_deadline(channel.policy)
        self.session = session
        self.write(
            session,
            EventKind.SESSION_START.value,
            now,
            start_reason=self._start_reason.value,
            previous_session_id=self.previous_session_id,
        )
        if self.identifier:
            session.tag(self.identifier)
            self.write(session, _IDENTIFY, now, retag=True)
        return session

    def write(
        self,
        session: Session,
        kind: str,
        start: int,
        *,
        name: str = "",
        event_properties: Mapping[str, Any] = EMPTY,
        **fields: Any,
    ) -> None:
        """One event at `start` (steady time) of any session of this agent, with the fields of the wire's Event."""
        nanoseconds = start * 1000
        if session.latest < nanoseconds and session.end < start:
            session.end = start
        more = {field: value for field, value in fields.items() if value}
        if more or kind != KIND:
            more["kind"] = kind
        try:
            line = write_line(session.sequence, nanoseconds, name, tuple(event_properties.values()), more)
            # Only an event of more bytes than a text may have characters can hold one that is too long.
            if len(line) > MAX_STRING_VALUE:
                line, event_properties = self._careful(session.sequence, nanoseconds, name, event_properties, more)
        except (TypeError, ValueError, RecursionError):
            line, event_properties = self._careful(session.sequence, nanoseconds, name, event_properties, more)
        sequence = session.sequence
        session.sequence += 1
        shape = shape_of(event_properties)
        segment = self._queue.append(line, session.heading, shape)
        if segment is None:
            self._queue.lose(session.session_id, session.stream_id, sequence)
        else:
            session.segment, session.number = segment, segment.headings[session.heading]
            if not more:
                known = segment.shapes[shape]
                segment.latest[shape.names] = known
                if segment.usual.setdefault(name, known) is not known:
                    segment.usual[name] = NO_SHAPE

    def _careful(
        self, sequence: int, nanoseconds: int, name: str, event_properties: Mapping[str, Any], more: dict[str, Any]
    ) -> tuple[bytes, dict[str, Any]]:
        """The line and properties of an event that could not be encoded, or in which a value may break a rule."""
        check = self.channel.check
        if "session_properties" in more:
            more["session_properties"] = check.clean(PropertyKind.SESSION, more["session_properties"])
        if "attributes" in more:
            more["attributes"] = {
                clean_text(str(key), MAX_NAME): found
                for key, value in more["attributes"].items()
                if (found := clean_text(value, MAX_ATTRIBUTE_VALUE) if isinstance(value, str) else clean_value(value))
                is not None
            }
        cleaned = check.clean(PropertyKind.EVENT, event_properties)
        return write_line(sequence, nanoseconds, clean_text(name, MAX_NAME), tuple(cleaned.values()), more), cleaned


def _nothing(session: Session) -> None:
    """No one to tell."""
