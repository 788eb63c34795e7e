"""The answer to an export of logs: full success, partial success that names what was left out, or a failure."""

from collections.abc import Sequence
from typing import Final

import msgspec
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsPartialSuccess, ExportLogsServiceResponse

from sojourn.wire.messages import Receipt

MAX_NAMED: Final = 20
"""Records, and property keys, that a message names; it tells how many more there are."""
_INVALID_ARGUMENT: Final = 3


def write_answer(receipts: Sequence[Receipt], *, protobuf: bool) -> bytes:
    """The ExportLogsServiceResponse: empty when everything was taken whole.

    Discarded properties are told too, as the protocol allows, with no rejected records beside.
    """
    rejected = [refusal for receipt in receipts for refusal in receipt.rejected]
    discards = [discard for receipt in receipts for discard in receipt.discards]
    told = [f"record {r.index}: {r.message}" for r in rejected[:MAX_NAMED]]
    if len(rejected) > MAX_NAMED:
        told.append(f"{len(rejected) - MAX_NAMED} more records")
    told += [d.message or f"{d.key}: {d.reason}" for d in discards[:MAX_NAMED]]
    if len(discards) > MAX_NAMED:
        told.append(f"{len(discards) - MAX_NAMED} more properties")
    message = "; ".join(told)
    if protobuf:
        answer = ExportLogsServiceResponse()
        if message:
            answer.partial_success.rejected_log_records = len(rejected)
            answer.partial_success.error_message = message
        return bytes(answer.SerializeToString())
    if not message:
        return b"{}"
    # Integers of 64 bits are text in protobuf's JSON.
    return msgspec.json.encode({"partialSuccess": {"rejectedLogRecords": str(len(rejected)), "errorMessage": message}})


def write_failure(message: str, *, protobuf: bool) -> bytes:
    """The google.rpc.Status that goes with a 4xx or 5xx."""
    if not protobuf:
        return msgspec.json.encode({"code": _INVALID_ARGUMENT, "message": message})
    # A Status is an integer in field 1 and a string in field 2, and so is this message: the bytes are the same.
    status = ExportLogsPartialSuccess(rejected_log_records=_INVALID_ARGUMENT, error_message=message)
    return bytes(status.SerializeToString())
