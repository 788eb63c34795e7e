"""Reads committed lines of a segment into parts of requests, one for each context. Sends nothing and drops nothing."""

from collections.abc import Iterator
from typing import Final

import msgspec

from sojourn.sdk.clock import Clock
from sojourn.sdk.contexts import Context
from sojourn.sdk.packing import Packed
from sojourn.sdk.segments import ABSENCE, HEADER, MARKER, Segment
from sojourn.wire.messages import Absence

_context = msgspec.json.Decoder(Context)
_absence = msgspec.json.Decoder(Absence)
_encode = msgspec.json.Encoder().encode

EVENT: Final = ord("{")


class Part:
    """The events and absences of one context within a region."""

    __slots__ = ("absences", "context", "count", "runs")

    def __init__(self, context: Context) -> None:
        self.context = context
        self.runs: list[bytes] = []
        self.count = 0
        self.absences: list[Absence] = []

    def add(self, run: bytes, lines: int) -> None:
        """Add so many event lines, without those that a power failure damaged."""
        if b"\0" in run:
            whole = [line for line in run.splitlines(keepends=True) if b"\0" not in line]
            run, lines = b"".join(whole), len(whole)
        self.runs.append(run)
        self.count += lines

    def body(self, clock: Clock) -> bytes:
        """The JSON of the batch. The events go in as the bytes that they were queued as."""
        head = dict(self.context.head(clock))
        if self.absences:
            head["absences"] = self.absences
        events = b"".join(self.runs).rstrip(b",\n")
        return b'%b,"events":[%b]}' % (_encode(head)[:-1], events)

    def lines(self) -> Iterator[bytes]:
        """The events one by one, as JSON."""
        for run in self.runs:
            for line in run.splitlines():
                yield line.rstrip(b",")


class Region:
    """A stretch of a segment that is sent together: its end, its parts, and how many event lines it holds."""

    __slots__ = ("context", "end", "lines", "parts")

    def __init__(self, end: int, context: int) -> None:
        self.end = end
        self.context = context
        self.parts: list[Part] = []
        self.lines = 0


class Reader:
    """Reads one segment from the place up to which it was delivered."""

    __slots__ = ("_contexts", "_current", "segment")

    def __init__(self, segment: Segment | Packed) -> None:
        self.segment = segment
        self._contexts: dict[int, Context] = {}
        self._current = -1
        if segment.delivered > HEADER:
            # The contexts of what comes next were defined in what was delivered.
            self._current = self._read(segment.read(HEADER, segment.delivered), segment.delivered).context

    def next_region(self, max_events: int, max_bytes: int) -> Region | None:
        """The next whole lines, at most so many (but one at least); None when all are delivered."""
        start, committed = self.segment.delivered, self.segment.committed
        if start >= committed:
            return None
        data = self.segment.read(start, min(start + max_bytes, committed))
        if start + len(data) < committed:
            cut = data.rfind(b"\n") + 1
            if not cut:
                data = self.segment.read(start, committed)
                cut = data.find(b"\n") + 1 or len(data)
            data = data[:cut]
        count = data.count(b"\n")
        if count > max_events:
            data = _first_lines(data, count, max_events)
        return self._read(data, start + len(data))

    def pass_over(self, region: Region) -> None:
        """The region was delivered or accounted for."""
        self._current = region.context
        self.segment.mark_delivered(region.end)

    def _read(self, data: bytes, end: int) -> Region:
        region = Region(end, self._current)
        parts: dict[int, Part] = {}
        position = 0
        next_marker = next_absence = -1
        while position < len(data):
            kind = data[position]
            if kind == EVENT:
                # Events go in whole runs, so that their number costs nothing here.
                if next_marker < position:
                    next_marker = _find(data, MARKER, position)
                if next_absence < position:
                    next_absence = _find(data, ABSENCE, position)
                stop = min(next_marker, next_absence)
                run = data[position:stop]
                lines = run.count(b"\n")
                region.lines += lines
                if part := self._part(parts, region.context):
                    part.add(run, lines)
            else:
                stop = _find(data, b"\n", position) + 1  # the last line ends the data, so there is one
                line = data[position + 1 : stop]
                if kind == MARKER[0]:
                    region.context = self._learn(line)
                elif kind == ABSENCE[0] and b"\0" not in line and (part := self._part(parts, region.context)):
                    part.absences.append(_absence.decode(line))
            position = stop
        region.parts = list(parts.values())
        return region

    def _learn(self, line: bytes) -> int:
        """The number that a marker sets, with its definition remembered; -1 for one that a power failure damaged."""
        number, _, definition = line.partition(b" ")
        try:
            if definition:
                self._contexts[int(number)] = _context.decode(definition)
            return int(number)
        except (ValueError, msgspec.DecodeError):
            return -1

    def _part(self, parts: dict[int, Part], number: int) -> Part | None:
        """The part of a context; None where its definition is lost."""
        part = parts.get(number)
        if part is None and (context := self._contexts.get(number)):
            part = parts[number] = Part(context)
        return part


def _find(data: bytes, what: bytes, start: int) -> int:
    found = data.find(what, start)
    return found if found >= 0 else len(data)


def _first_lines(region: bytes, count: int, wanted: int) -> bytes:
    """About the first `wanted` of `count` lines, and never none."""
    cut = region.rfind(b"\n", 0, max(1, len(region) * wanted // count)) + 1
    return region[: cut or region.find(b"\n") + 1]
