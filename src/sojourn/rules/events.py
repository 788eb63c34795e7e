"""What an event is, as far as the rules care: its kinds and the fields that a session summary is made of."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final, Protocol

from sojourn.rules.limits import MAX_EVENT_AGE, MAX_EVENT_LEAD
from sojourn.rules.values import Value


class EventKind(StrEnum):
    """What kind of fact an event is."""

    SESSION_START = "session_start"
    SESSION_END = "session_end"
    IDENTIFY = "identify"
    SESSION_PROPERTIES = "session_properties"
    EVENT = "event"
    ACTION = "action"
    VALUE = "value"
    VIEW = "view"
    HTTP_REQUEST = "http_request"
    ERROR = "error"
    CRASH = "crash"


ERROR_KINDS: Final = frozenset({EventKind.ERROR, EventKind.CRASH})
ACTION_KINDS: Final = frozenset({EventKind.ACTION})


class RejectReason(StrEnum):
    """Why a whole event was not taken. The values are wire names and never change."""

    INVALID = "invalid"
    TOO_OLD = "too_old"
    IN_FUTURE = "in_future"
    ERASED = "erased"


def time_problem(timestamp: int, now: int) -> RejectReason | None:
    """Why an event comes too late or too early at `now`; both by the server's clock, in microseconds."""
    if now - timestamp > MAX_EVENT_AGE:
        return RejectReason.TOO_OLD
    return RejectReason.IN_FUTURE if timestamp - now > MAX_EVENT_LEAD else None


class Event(Protocol):
    """The part of an event that rules read. Times in microseconds; "" is none.

    `sequence` is -1 where the client does not number its events: such an event is told apart by `event_id` alone.
    `clock_offset` is server time minus client time as measured by the request that brought the event.
    """

    event_id: str
    kind: str
    timestamp: int
    duration: int
    stream_id: str
    sequence: int
    session_id: str
    instance_id: str
    user_identifier: str
    retag: bool
    previous_session_id: str
    start_reason: str
    end_reason: str
    clock_offset: int

    @property
    def session_properties(self) -> Mapping[str, Value]: ...


Order = tuple[int, str, int, str]
"""The total order of first and last: timestamp, stream, sequence, event id."""


def order_of(event: Event) -> Order:
    """The place of an event in the total order that breaks every tie."""
    return (event.timestamp, event.stream_id, event.sequence, event.event_id)


def is_substance(event: Event) -> bool:
    """Whether an event makes its session a visit: a session of start, end and re-tag alone is empty."""
    if event.kind in (EventKind.SESSION_START, EventKind.SESSION_END):
        return False
    return not (event.kind == EventKind.IDENTIFY and event.retag)
