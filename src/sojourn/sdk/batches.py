"""Reads committed lines of a segment into parts of requests, one for each context. Sends nothing and drops nothing."""

from collections.abc import Iterator
from typing import Final

import msgspec

from sojourn.sdk.checks import PropertyCheck
from sojourn.sdk.clock import Clock
from sojourn.sdk.contexts import Context
from sojourn.sdk.lines import DAMAGED, Found, Heading, read_line, whole_event
from sojourn.sdk.packing import Packed
from sojourn.sdk.segments import ABSENCE, CONTEXT, HEADER, HEADING, SEPARATOR, SHAPE, Segment
from sojourn.sdk.shapes import Shape
from sojourn.wire.messages import Absence, Event

_context = msgspec.json.Decoder(Context).decode
_heading = msgspec.json.Decoder(tuple[int, str, str, str, int, str]).decode
_absence = msgspec.json.Decoder(Absence).decode
_shape = msgspec.json.Decoder(Shape).decode
_encode = msgspec.json.Encoder().encode

EVENT: Final = b"["


class Part:
    """The events and absences of one context within a region."""

    __slots__ = ("absences", "context", "lines")

    def __init__(self, context: Context) -> None:
        self.context = context
        self.lines: list[Found] = []
        self.absences: list[Absence] = []

    @property
    def count(self) -> int:
        """How many events there are."""
        return len(self.lines)

    def events(self, check: PropertyCheck) -> Iterator[Event]:
        """The events as they are sent, without those that a power failure damaged."""
        for found in self.lines:
            try:
                event = whole_event(found, check)
            except DAMAGED:
                continue
            yield event

    def body(self, clock: Clock, check: PropertyCheck) -> bytes:
        """The JSON of the batch."""
        # One after the other, so that one at a time is there as many objects: that spares the program's caches.
        events = [msgspec.Raw(_encode(event)) for event in self.events(check)]
        body = {**self.context.head(clock), "events": events}
        if self.absences:
            body["absences"] = self.absences
        return _encode(body)


class Region:
    """A stretch of a segment that is sent together: its end, its parts, and how many event lines it holds."""

    __slots__ = ("end", "lines", "parts")

    def __init__(self, end: int) -> None:
        self.end = end
        self.parts: list[Part] = []
        self.lines = 0


class Reader:
    """Reads one segment from the place up to which it was delivered."""

    __slots__ = ("_contexts", "_headings", "_shapes", "segment")

    def __init__(self, segment: Segment | Packed) -> None:
        self.segment = segment
        self._contexts: dict[int, Context] = {}
        self._headings: dict[int, Heading] = {}
        self._shapes: dict[int, Shape] = {}
        # What comes next may refer to what was defined in what was delivered.
        for line in segment.read(HEADER, segment.delivered).split(SEPARATOR):
            self._define(line)

    def next_region(self, max_events: int, max_bytes: int) -> Region | None:
        """The next whole lines, at most so many (but one at least); None when all are delivered."""
        start, committed = self.segment.delivered, self.segment.committed
        if start >= committed:
            return None
        data = self.segment.read(start, min(start + max_bytes, committed))
        if start + len(data) < committed:
            cut = data.rfind(SEPARATOR) + 1
            if not cut:
                data = self.segment.read(start, committed)
                cut = data.find(SEPARATOR) + 1 or len(data)
            data = data[:cut]
        count = data.count(SEPARATOR)
        if count > max_events:
            data = _first_lines(data, count, max_events)
        return self._read(data, start + len(data))

    def pass_over(self, region: Region) -> None:
        """The region was delivered or accounted for."""
        self.segment.mark_delivered(region.end)

    def _read(self, data: bytes, end: int) -> Region:
        region = Region(end)
        parts: dict[Context, Part] = {}
        for line in data.split(SEPARATOR):
            kind = line[:1]
            if kind == EVENT:
                region.lines += 1
                if found := self._found(line):
                    _part(parts, found.heading.context).lines.append(found)
            elif kind == ABSENCE:
                self._take_absence(line, parts)
            else:
                self._define(line)
        region.parts = list(parts.values())
        return region

    def _found(self, line: bytes) -> Found | None:
        """An event; None when a power failure damaged its line, or what that refers to."""
        read = read_line(line)
        if read is None:
            return None
        heading, shape = self._headings.get(read.heading), self._shapes.get(read.shape)
        return None if heading is None or shape is None else Found(heading, shape, read)

    def _define(self, line: bytes) -> None:
        """Learn a context, heading or shape, unless the line is something else or a power failure damaged it."""
        kind = line[:1]
        if kind not in (CONTEXT, HEADING, SHAPE):
            return
        number, _, definition = line[1:].partition(b" ")
        try:
            if kind == CONTEXT:
                self._contexts[int(number)] = _context(definition)
                return
            if kind == SHAPE:
                self._shapes[int(number)] = _shape(definition)
                return
            context, session_id, stream_id, node, base, user = _heading(definition)
            self._headings[int(number)] = Heading(
                context=self._contexts[context],
                session_id=session_id,
                stream_id=stream_id,
                node=node,
                base=base,
                user_identifier=user,
            )
        except (ValueError, KeyError, msgspec.DecodeError):
            return

    def _take_absence(self, line: bytes, parts: dict[Context, Part]) -> None:
        number, _, report = line[1:].partition(b" ")
        try:
            _part(parts, self._contexts[int(number)]).absences.append(_absence(report))
        except (ValueError, KeyError, msgspec.DecodeError):
            return


def _part(parts: dict[Context, Part], context: Context) -> Part:
    part = parts.get(context)
    if part is None:
        part = parts[context] = Part(context)
    return part


def _first_lines(region: bytes, count: int, wanted: int) -> bytes:
    """About the first `wanted` of `count` lines, and never none."""
    cut = region.rfind(SEPARATOR, 0, max(1, len(region) * wanted // count)) + 1
    return region[: cut or region.find(SEPARATOR) + 1]
