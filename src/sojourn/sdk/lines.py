"""An event's line in a segment: as short as can be when it is written, whole again when it is sent.

A line is a JSON array: the numbers of its heading and its shape, sequence, steady time, name, the values of the event
properties and, unless it is a plain custom event, an object with the other fields of the wire's Event, its kind among
them. What the events of a stretch share stands once in the file, as their heading, and so do the names and types of
their properties, as their shape. From the three, anyone makes the same event at any time.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple, Required, TypedDict

import msgspec

from sojourn.rules.events import EventKind
from sojourn.rules.limits import MAX_NAME
from sojourn.sdk.checks import PropertyCheck
from sojourn.sdk.contexts import Context
from sojourn.sdk.ids import event_id
from sojourn.sdk.segments import ABSENCE, CONTEXT, HEADING, SEPARATOR, SHAPE, Segment
from sojourn.sdk.shapes import Shape, known_shape, properties_of
from sojourn.wire.messages import Absence, Event

KIND: Final = EventKind.EVENT.value
"""The kind of an event whose line names none."""


class Heading(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """What the events of one user in one session and stream have in common.

    `node` is random, and makes the ids of these events unlike those of any others. `base` is how many events the
    process had reported before, so that ids of one moment are in the order of sessions.
    """

    context: Context
    session_id: str
    stream_id: str
    node: str
    base: int = 0
    user_identifier: str = ""


class More(TypedDict, total=False):
    """The other fields of the wire's Event, those that are set; of a plain custom event, none."""

    kind: Required[str]
    duration: int
    retag: bool
    previous_session_id: str
    start_reason: str
    end_reason: str
    action_id: str
    parent_action_id: str
    attributes: dict[str, Any]
    session_properties: dict[str, Any]


class Line(msgspec.Struct, array_like=True, frozen=True):
    """An event's line as it is read. `time` is steady, in nanoseconds; the values are JSON still."""

    heading: int
    shape: int
    sequence: int
    time: int
    name: str
    values: msgspec.Raw
    more: More = msgspec.field(default_factory=dict)  # type: ignore[assignment]


class Found(NamedTuple):
    """A line with what its numbers stand for."""

    heading: Heading
    shape: Shape
    line: Line


DAMAGED: Final = (msgspec.DecodeError, ValueError, RecursionError)
"""What reading a line raises that a power failure damaged."""
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Line).decode


def write_line(
    sequence: int, time: int, name: str, values: Iterable[Any] | msgspec.Raw, more: Mapping[str, Any]
) -> bytes:
    """A line without its first two numbers, which `append_event` puts in front. `time` in nanoseconds.

    Raises what JSON cannot hold.
    """
    fields = (sequence, time, name, values, more) if more else (sequence, time, name, values)
    return _encode(fields)[1:] + SEPARATOR


def append_event(segment: Segment, line: bytes, heading: Heading, shape: Shape) -> bool:
    """Append what `write_line` gave, and heading and shape where they are new; False when there is no room."""
    number = segment.headings.get(heading)
    if number is None:
        context = _defined(segment, heading.context)
        number = len(segment.headings)
        fields = (context, heading.session_id, heading.stream_id, heading.node, heading.base, heading.user_identifier)
        if context is None or not segment.append(b"%b%d %b\0" % (HEADING, number, _encode(fields))):
            return False
        segment.headings[heading] = number
    known = segment.shapes.get(shape)
    if known is None:
        known = known_shape(len(segment.shapes), shape)
        if not segment.append(b"%b%d %b\0" % (SHAPE, known[0], _encode(shape))):
            return False
        segment.shapes[shape] = known
    return segment.append(b"[%d,%d,%b" % (number, known[0], line))


def append_absence(segment: Segment, absence: Absence, context: Context) -> bool:
    """Append a report of events that will never arrive; False when there is no room."""
    number = _defined(segment, context)
    return number is not None and segment.append(b"%b%d %b\0" % (ABSENCE, number, _encode(absence)))


def _defined(segment: Segment, context: Context) -> int | None:
    """The number of the context in this segment; None when there is no room to define it."""
    number = segment.contexts.get(context)
    if number is None:
        number = len(segment.contexts)
        if not segment.append(b"%b%d %b\0" % (CONTEXT, number, _encode(context))):
            return None
        segment.contexts[context] = number
    return number


def read_line(line: bytes) -> Line | None:
    """What a line says; None for one that a power failure damaged."""
    try:
        return _decode(line)
    except DAMAGED:
        return None


def whole_event(found: Found, check: PropertyCheck) -> Event:
    """The event as it is sent, with its valid properties; the same whenever and by whomever it is made.

    Raises one of DAMAGED where the properties cannot be read.
    """
    heading, shape, line = found
    wall = line.time // 1000 + heading.context.clock_offset
    event = Event(
        event_id=event_id(wall, heading.base + line.sequence, heading.node),
        kind=KIND,
        timestamp=wall,
        stream_id=heading.stream_id,
        sequence=line.sequence,
        session_id=heading.session_id,
        name=line.name[:MAX_NAME],
        user_identifier=heading.user_identifier,
        event_properties=properties_of(shape, line.values, check),
    )
    for field, value in line.more.items():
        setattr(event, field, value)
    return event
