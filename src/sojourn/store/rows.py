"""The rows of the store as structs, and their JSON: the only place that knows how a fact lies in a table."""

import msgspec

from sojourn.rules.definitions import PropertyDefinition


class EventRow(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One row of `events`; what is left out takes the table's default. Times in microseconds."""

    frontend: str
    source_id: str
    stream_id: str
    sequence: int
    event_id: str
    kind: str
    client_timestamp: int
    received_at: int
    clock_offset: int = 0
    name: str = ""
    duration: int = 0
    instance_id: str = ""
    user_identifier: str = ""
    retag: bool = False
    previous_session_id: str = ""
    start_reason: str = ""
    end_reason: str = ""
    action_id: str = ""
    parent_action_id: str = ""
    attributes: dict[str, str] = {}
    event_properties: dict[str, str] = {}
    session_properties: dict[str, str] = {}
    context: str = ""
    client_ip: str = ""
    kept: int = 0


class Context(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What many events share, kept as JSON in the column `context` of `events`."""

    app_version: str = ""
    device_type: str = ""
    device_manufacturer: str = ""
    device_model: str = ""
    os_name: str = ""
    os_version: str = ""
    browser_name: str = ""
    browser_version: str = ""
    sdk_name: str = ""
    sdk_version: str = ""

    def json(self) -> str:
        """The column's value."""
        return _encoder.encode(self).decode()


class AbsenceRow(msgspec.Struct, kw_only=True):
    """One row of `absences`: a place in a stream whose event will never arrive."""

    frontend: str
    source_id: str
    stream_id: str
    sequence: int
    reason: str
    received_at: int


class DiscardRow(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One row of `discards`: a value that was left out of an event. `value` is JSON, "" where it may not be kept.

    `settled` is when the row left the ledger again, 0 for not: its value is in its event now, or under another reason.
    """

    frontend: str
    key: str
    reason: str
    source_id: str
    event_id: str
    client_timestamp: int
    received_at: int
    sdk_name: str = ""
    sdk_version: str = ""
    value: str = ""
    settled: int = 0


class Rows(msgspec.Struct):
    """What one request adds to the store."""

    events: list[EventRow]
    absences: list[AbsenceRow]
    discards: list[DiscardRow]

    @classmethod
    def joined(cls, parts: "list[Rows]") -> "Rows":
        """All rows of several parts as one."""
        return cls(
            events=[row for part in parts for row in part.events],
            absences=[row for part in parts for row in part.absences],
            discards=[row for part in parts for row in part.discards],
        )

    def __len__(self) -> int:
        return len(self.events) + len(self.absences) + len(self.discards)


_encoder = msgspec.json.Encoder()


def json_lines(rows: list[EventRow] | list[AbsenceRow] | list[DiscardRow]) -> bytes:
    """Rows as the engine takes them: one JSON object a line."""
    return _encoder.encode_lines(rows)


def source_of(session_id: str, instance_id: str) -> str:
    """Where an event's session comes from: the client's session id, or its instance where it manages no sessions."""
    return session_id or f"~{instance_id}"


def said(fact: str) -> str:
    """What a fact says: in the tables its place in the total order stands before it (schema/0002); "" is no fact."""
    # Behind the end of the stream: ten digits of the sequence and the event's id.
    return fact[fact.index("\t") + 47 :] if fact else ""


def value_name(definition: PropertyDefinition) -> str:
    """What the values of a session property stand under in `first_values` and `last_values`, its type included.

    Values that came before the type was corrected stand under the old type, and are not shown.
    """
    return f"{definition.name}:{definition.data_type}"
