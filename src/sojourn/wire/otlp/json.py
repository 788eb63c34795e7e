"""The JSON encoding of OTLP logs: protobuf's mapping, with trace and span ids in hexadecimal. Unknown keys are ignored.

Only the records are read one by one: a bad one costs no neighbour.
"""

import math
from typing import Any

import msgspec

from sojourn.wire.messages import Refusal
from sojourn.wire.native import WireError
from sojourn.wire.otlp.records import MAX_DEPTH, Group, Record, check_counts, check_size


class _Values(msgspec.Struct):
    values: "list[_AnyValue] | None" = None


class _Pairs(msgspec.Struct):
    values: "list[_KeyValue] | None" = None


class _AnyValue(msgspec.Struct, rename="camel"):
    """A value: one of these is set, or none. Integers of 64 bits may come as text."""

    string_value: str | None = None
    bool_value: bool | None = None
    int_value: int | str | None = None
    double_value: float | str | None = None
    array_value: _Values | None = None
    kvlist_value: _Pairs | None = None
    bytes_value: str | None = None


class _KeyValue(msgspec.Struct):
    key: str = ""
    value: _AnyValue | None = None


class _LogRecord(msgspec.Struct, rename="camel"):
    time_unix_nano: int | str | None = None
    observed_time_unix_nano: int | str | None = None
    severity_number: int | str | None = None
    event_name: str | None = None
    body: _AnyValue | None = None
    attributes: list[_KeyValue] | None = None
    trace_id: str | None = None
    span_id: str | None = None


class _ScopeLogs(msgspec.Struct, rename="camel"):
    log_records: list[msgspec.Raw] | None = None


class _Resource(msgspec.Struct):
    attributes: list[_KeyValue] | None = None


class _ResourceLogs(msgspec.Struct, rename="camel"):
    resource: _Resource | None = None
    scope_logs: list[_ScopeLogs] | None = None


class _Body(msgspec.Struct, rename="camel"):
    resource_logs: list[_ResourceLogs] | None = None


_body = msgspec.json.Decoder(_Body)
_record = msgspec.json.Decoder(_LogRecord)


def read_json(body: bytes) -> tuple[list[Group], list[Refusal]]:
    """The records of a body, by resource, and those that could not be read. Raises WireError for a bad envelope."""
    check_size(body)
    try:
        request = _body.decode(body)
        sent_logs = request.resource_logs or []
        scopes = [scope for sent in sent_logs for scope in sent.scope_logs or ()]
        check_counts(len(sent_logs), sum(len(scope.log_records or ()) for scope in scopes))
        resources = [_fields(sent.resource.attributes if sent.resource else None, 1) for sent in sent_logs]
    except msgspec.ValidationError as error:
        raise WireError(f"the request is not valid: {error}") from error
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise WireError(f"the body is not valid JSON: {error}") from error
    except WireError:
        raise
    except ValueError as error:
        raise WireError(f"an attribute of a resource is not valid: {error}") from error
    groups: list[Group] = []
    refusals: list[Refusal] = []
    position = 0
    for sent, resource in zip(sent_logs, resources, strict=True):
        group = Group(resource=resource, records=[], positions=[])
        groups.append(group)
        for of_scope in sent.scope_logs or ():
            for raw in of_scope.log_records or ():
                try:
                    group.records.append(_read_record(_record.decode(raw)))
                except (ValueError, RecursionError) as error:
                    refusals.append(Refusal(index=position, reason="invalid", message=str(error)))
                else:
                    group.positions.append(position)
                position += 1
    return groups, refusals


def _read_record(sent: _LogRecord) -> Record:
    return Record(
        time=_integer(sent.time_unix_nano) or _integer(sent.observed_time_unix_nano),
        severity=sent.severity_number if isinstance(sent.severity_number, int) else 0,
        event_name=sent.event_name or "",
        body=_value(sent.body, 1),
        attributes=_fields(sent.attributes, 1),
        trace_id=sent.trace_id or "",
        span_id=sent.span_id or "",
    )


def _fields(pairs: list[_KeyValue] | None, depth: int) -> dict[str, Any]:
    return {pair.key: _value(pair.value, depth) for pair in pairs or ()}


def _value(sent: _AnyValue | None, depth: int) -> Any:
    if sent is None:
        return None
    if sent.string_value is not None:
        return sent.string_value
    if sent.bool_value is not None:
        return sent.bool_value
    if sent.int_value is not None:
        return _integer(sent.int_value)
    if sent.double_value is not None:
        return _double(sent.double_value)
    if sent.array_value is not None:
        return [_value(item, depth + 1) for item in sent.array_value.values or ()] if depth < MAX_DEPTH else []
    if sent.kvlist_value is not None:
        return _fields(sent.kvlist_value.values, depth + 1) if depth < MAX_DEPTH else {}
    return sent.bytes_value


def _integer(sent: int | str | None) -> int:
    if sent is None:
        return 0
    if isinstance(sent, str) and (len(sent) > 20 or not sent.removeprefix("-").isascii()):
        raise ValueError(f"an integer of 64 bits, not {sent[:40]!r}")
    number = int(sent)
    if not -(2**63) <= number < 2**64:
        raise ValueError(f"an integer of 64 bits, not {str(sent)[:40]!r}")
    return number


def _double(sent: float | str) -> float:
    if isinstance(sent, str) and len(sent) > 400:
        raise ValueError("a number has too many digits")
    return float(sent) if sent != "-Infinity" else -math.inf
