"""OTLP/HTTP logs, as protobuf and as JSON: records to batches, and partial success back. No decisions here."""

from sojourn.wire.otlp.answer import write_answer, write_failure
from sojourn.wire.otlp.mapping import read_json_logs, read_protobuf_logs

__all__ = ["read_json_logs", "read_protobuf_logs", "write_answer", "write_failure"]
