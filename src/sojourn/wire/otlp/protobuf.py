"""The protobuf encoding of OTLP logs."""

from collections.abc import Iterable
from typing import Any

from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from sojourn.wire.native import WireError
from sojourn.wire.otlp.records import MAX_DEPTH, Group, Record, check_counts, check_size


def read_protobuf(body: bytes) -> list[Group]:
    """The records of a body, by resource. Raises WireError when it is not the message that it should be."""
    check_size(body)
    try:
        request = ExportLogsServiceRequest.FromString(body)
    except DecodeError as error:
        raise WireError(f"the body is not an ExportLogsServiceRequest: {error}") from error
    check_counts(
        len(request.resource_logs),
        sum(len(scope.log_records) for sent in request.resource_logs for scope in sent.scope_logs),
    )
    groups: list[Group] = []
    position = 0
    for of_resource in request.resource_logs:
        group = Group(resource=_fields(of_resource.resource.attributes, 1), records=[], positions=[])
        groups.append(group)
        for of_scope in of_resource.scope_logs:
            for sent in of_scope.log_records:
                group.positions.append(position)
                position += 1
                group.records.append(
                    Record(
                        time=sent.time_unix_nano or sent.observed_time_unix_nano,
                        severity=sent.severity_number,
                        event_name=sent.event_name,
                        body=_value(sent.body, 1),
                        attributes=_fields(sent.attributes, 1),
                        trace_id=sent.trace_id.hex(),
                        span_id=sent.span_id.hex(),
                    )
                )
    return groups


def _fields(pairs: Iterable[KeyValue], depth: int) -> dict[str, Any]:
    return {pair.key: _value(pair.value, depth) for pair in pairs}


def _value(sent: AnyValue, depth: int) -> Any:
    match sent.WhichOneof("value"):
        case "string_value":
            return sent.string_value
        case "bool_value":
            return sent.bool_value
        case "int_value":
            return sent.int_value
        case "double_value":
            return sent.double_value
        case "array_value":
            return [_value(item, depth + 1) for item in sent.array_value.values] if depth < MAX_DEPTH else []
        case "kvlist_value":
            return _fields(sent.kvlist_value.values, depth + 1) if depth < MAX_DEPTH else {}
        case "bytes_value":
            return sent.bytes_value.hex()
    return None
