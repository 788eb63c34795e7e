"""Whether an event can be taken at all: its kind, ids, times and numbers, each with its limit."""

import re

from sojourn.rules.events import EventKind, RejectReason
from sojourn.rules.ids import ID_RULE, is_id
from sojourn.rules.limits import MAX_EVENT_DURATION, MAX_SEQUENCE
from sojourn.wire.messages import Batch, Event

LATEST_TIMESTAMP = 4_102_444_800_000_000
"""The year 2100, in microseconds: no clock is that wrong, and no time in the store is later."""

MAX_SENT_PROPERTIES = 1_000
"""Properties of one event, kept or not: many more than a mistake sends."""

_KINDS = frozenset(kind.value for kind in EventKind)
_LATER_KIND = re.compile(r"[a-z][a-z_]{0,39}")
"""What a client of a later version may send: it is an event like any other."""
_UUID = re.compile(r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}")


def batch_problem(batch: Batch) -> tuple[str, str] | None:
    """What makes a whole batch unusable, as field and sentence; None when nothing does."""
    if not is_id(batch.instance_id):
        return "instance_id", f"instance_id: {ID_RULE}"
    if not 0 <= batch.sent_at < LATEST_TIMESTAMP:
        return "sent_at", "sent_at: microseconds since 1970, before 2100"
    return None


def event_problem(event: Event) -> tuple[RejectReason, str] | None:
    """Why an event cannot be taken, naming the field and the limit; None when it can."""
    message = _problem(event)
    return None if message is None else (RejectReason.INVALID, message)


def _problem(event: Event) -> str | None:
    if event.kind not in _KINDS and not _LATER_KIND.fullmatch(event.kind):
        return f"kind: one of {', '.join(sorted(_KINDS))}, or another word of lowercase letters"
    if not _UUID.fullmatch(event.event_id):
        return "event_id: a UUID"
    if not 0 <= event.timestamp < LATEST_TIMESTAMP:
        return "timestamp: microseconds since 1970, before 2100"
    if not 0 <= event.duration <= MAX_EVENT_DURATION:
        return f"duration: 0 to {MAX_EVENT_DURATION} microseconds"
    if not -1 <= event.sequence <= MAX_SEQUENCE:
        return f"sequence: 0 to {MAX_SEQUENCE}, or -1 for none"
    for field in ("session_id", "stream_id", "previous_session_id", "action_id", "parent_action_id"):
        value = getattr(event, field)
        if value and not is_id(value):
            return f"{field}: {ID_RULE}"
    if len(event.start_reason) > 40 or len(event.end_reason) > 40:
        return "start_reason, end_reason: at most 40 characters"
    if len(event.event_properties) + len(event.session_properties) > MAX_SENT_PROPERTIES:
        return f"event_properties, session_properties: at most {MAX_SENT_PROPERTIES} are looked at"
    if event.sequence >= 0 and not event.stream_id:
        return "stream_id: needed beside a sequence"
    return None
