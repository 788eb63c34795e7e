"""One record of a beacon to one event, by its type."""

from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from sojourn.wire.derived_ids import derived_id
from sojourn.wire.messages import Event
from sojourn.wire.openkit.fields import FieldError, Fields, double, integer, milliseconds
from sojourn.wire.openkit.payload import read_payload

STREAM: Final = "openkit"
"""A session lives in one process, so it has one stream."""
RETAG_WITHIN: Final = 50_000
"""How long after its start, in microseconds, a split session is tagged anew: at once, give or take a busy machine."""


@dataclass(frozen=True, slots=True)
class Session:
    """What the prefix of a beacon says about its session. Times in microseconds."""

    session_id: str
    previous_session_id: str
    start: int
    sent_at: int
    numbered: bool
    retags: bool
    facts: dict[str, Any]


def read_record(session: Session, fields: Fields, copy: int) -> Event:
    """The event of one record. `copy` counts equal payloads before it in the beacon, as those have no number.

    Raises FieldError when a field that it needs is missing or wrong.
    """
    kind = fields["et"]
    if kind == "98":
        return _business_event(session, fields, copy)
    word = _KINDS.get(kind)
    if word is None:
        raise FieldError(f"et: no known type of record, {kind[:40]!r}")
    number = integer(fields, "s0")
    parent = integer(fields, "pa", 0)
    event = Event(
        event_id=derived_id(session.session_id, kind, str(number)),
        kind=word,
        timestamp=session.start + milliseconds(fields, "t0", 0),
        stream_id=STREAM,
        sequence=number - 1 if session.numbered and number > 0 else -1,
        session_id=session.session_id,
        name=fields.get("na", ""),
        parent_action_id=str(parent) if parent > 0 else "",
    )
    match kind:
        case "18":
            event.previous_session_id = session.previous_session_id
            event.attributes = session.facts
        case "19":
            event.end_reason = "end_session"
        case "60":
            event.user_identifier, event.name = event.name, ""
            event.retag = session.retags and number == 2 and event.timestamp - session.start <= RETAG_WITHIN
        case "1":
            event.action_id = str(integer(fields, "ca"))
            event.duration = milliseconds(fields, "t1", 0)
        case "30":
            _put_request(event, fields)
        case "11" if "vl" in fields:
            event.attributes = {"value": fields["vl"]}
        case "12":
            event.attributes = {"value": integer(fields, "vl")}
        case "13":
            event.attributes = {"value": double(fields, "vl")}
        case "40":
            event.attributes = {name: fields[key] for key, name in _CAUSE_FACTS if key in fields and key != "ev"}
            event.attributes["error.code"] = integer(fields, "ev")
        case "42":
            event.attributes = {name: fields[key] for key, name in _CAUSE_FACTS if key in fields}
        case "50":
            event.attributes = {name: fields[key] for key, name in _CAUSE_FACTS if key in fields}
            event.attributes["exception.type"] = event.name
    return event


_KINDS: Final = {
    "1": "action",
    "10": "event",
    "11": "value",
    "12": "value",
    "13": "value",
    "18": "session_start",
    "19": "session_end",
    "30": "http_request",
    "40": "error",
    "42": "error",
    "50": "crash",
    "60": "identify",
}
_REQUEST_FACTS: Final = (
    ("rc", "http.response.status_code"),
    ("bs", "http.request.body.size"),
    ("br", "http.response.body.size"),
)
_CAUSE_FACTS: Final = (("ev", "exception.type"), ("rs", "exception.message"), ("st", "exception.stacktrace"))


def _put_request(event: Event, fields: Fields) -> None:
    """A request is called by its address without query, as some clients keep the query and others cut it."""
    event.duration = milliseconds(fields, "t1", 0)
    event.attributes = {"url.full": event.name}
    for key, name in _REQUEST_FACTS:
        if key in fields:
            event.attributes[name] = integer(fields, key)
    try:
        url = urlsplit(event.name)
    except ValueError:
        return
    if url.netloc:
        event.name = f"{url.netloc}{url.path}"


def _business_event(session: Session, fields: Fields, copy: int) -> Event:
    text = fields.get("pl", "")
    name, timestamp, properties = read_payload(text)
    return Event(
        event_id=derived_id(session.session_id, "98", text, str(copy)),
        kind="event",
        timestamp=timestamp or session.sent_at or session.start,
        stream_id=STREAM,
        session_id=session.session_id,
        name=name,
        event_properties=properties,
    )
