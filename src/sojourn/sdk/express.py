"""The short way of a plain custom event, the one call that programs make in their inner loops.

It does no more than has to be done before the call may return, and it is one function, as calls are what costs here.
Whatever is not plain takes the long way through the reporter and the recorder, which do the same and more.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from sojourn.rules.limits import MAX_STRING_VALUE
from sojourn.sdk.channel import Channel
from sojourn.sdk.data import DataError, EventData
from sojourn.sdk.modifiers import EventModifier
from sojourn.sdk.recorder import Recorder
from sojourn.sdk.reporter import Reporter
from sojourn.sdk.segments import COMMITTED

_encode_into = msgspec.json.Encoder().encode_into
_hold_against = msgspec.convert


class Express:
    """What `send_event` needs of an agent."""

    channel: Channel
    _recorder: Recorder
    _reporter: Reporter
    _modifiers: list[EventModifier]
    _events_allowed: bool

    def send_event(self, data: EventData | Mapping[str, Any] | str) -> None:
        """Report a custom event."""
        try:
            if not self._events_allowed:
                return
            if (
                self._modifiers
                or type(data) is not EventData
                or data.duration
                or type(name := data.name) is not str
                or type(properties := data.event_properties) is not dict
            ):
                self._reporter.event(data)
                return
            channel = self.channel
            lock = channel.lock
            steady_ns = channel.steady_ns
            try:
                # `with` costs twice as much. A signal handler that raises can do so while this waits and after it.
                lock.acquire()
                if not channel.busy and not channel.deferred:
                    channel.busy = True
                    try:
                        session = self._recorder.session
                        queue = channel.queue
                        segment = queue.current
                        now = steady_ns()
                        if (
                            session is not None
                            and session.segment is segment
                            and segment is not None
                            and now < session.until
                        ):
                            shape, count, values_of, types = segment.usual[name]
                            if len(properties) != count:
                                shape, _, values_of, types = segment.latest[tuple(properties)]
                            values = values_of(properties)
                            # A ValidationError where a value is of no type that the rules allow, or of another one.
                            # It lets a Decimal through for a number; that shows when the line is read (`shapes.py`).
                            _hold_against(values, types)
                            line = queue.line
                            sequence = session.sequence
                            _encode_into((session.number, shape, sequence, now, name, values), line)
                            length = len(line)
                            start = segment.end
                            end = start + length
                            # Only a line of more bytes than a text may have characters can hold one that is too long.
                            if length <= MAX_STRING_VALUE and end < segment.size:
                                # From here on nothing is called, so that no signal handler can come between.
                                segment.mapped[start:end] = line
                                segment.words[COMMITTED] = segment.end = end + 1
                                session.sequence = sequence + 1
                                session.latest = now
                                queue.appended = appended = queue.appended + 1
                                if appended >= queue.wake_at:
                                    queue.wake_sender()
                                return
                    except (KeyError, TypeError, ValueError, RecursionError):
                        pass  # these names have to be checked first, or JSON cannot hold it as it is
                    finally:
                        channel.busy = False
                        if channel.deferred:
                            channel.drain()
            finally:
                try:  # noqa: SIM105 - `suppress` is a call
                    lock.release()
                except RuntimeError:
                    pass  # the wait was interrupted
            self._reporter.event(data)
        except DataError as error:
            self._reporter.notices.tell(f"data:{error}", "%s; the call is ignored", error)
        except Exception:
            self._reporter.notices.failed("sending an event")
