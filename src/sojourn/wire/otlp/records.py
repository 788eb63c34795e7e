"""What both encodings of OTLP logs are read into: records with plain Python values, by resource."""

from typing import Any, Final

import msgspec

MAX_DEPTH: Final = 10
"""Levels of nested values that are read; deeper ones are left empty."""

MAX_RECORDS: Final = 100_000
"""Log records of one request; collectors send some thousands."""


class Record(msgspec.Struct):
    """One log record. `time` in nanoseconds since 1970, 0 is unknown; ids of trace and span in hexadecimal."""

    time: int
    severity: int
    event_name: str
    body: Any
    attributes: dict[str, Any]
    trace_id: str
    span_id: str


class Group(msgspec.Struct):
    """The records of one resource, with the place of each in the whole body."""

    resource: dict[str, Any]
    records: list[Record]
    positions: list[int]
