"""What both encodings of OTLP logs are read into: records with plain Python values, by resource."""

from typing import Any, Final

import msgspec

from sojourn.wire.native import WireError

MAX_DEPTH: Final = 10
"""Levels of nested values that are read; deeper ones are left empty."""

MAX_BYTES: Final = 4 << 20
"""Bytes of a request, unpacked: what gRPC takes by default, so what collectors are made for. Empty records take a
hundred times their bytes in memory."""
MAX_RECORDS: Final = 50_000
"""Log records of one request, and resources; collectors send some thousands."""


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


def check_size(body: bytes) -> None:
    """Raises WireError for a body that is too large to be read."""
    if len(body) > MAX_BYTES:
        raise WireError(f"the request has {len(body)} bytes; at most {MAX_BYTES} are read")


def check_counts(resources: int, records: int) -> None:
    """Raises WireError for too many of either."""
    if max(resources, records) > MAX_RECORDS:
        raise WireError(f"the request has more than {MAX_RECORDS} resources or log records")
