"""Sessions and events as they are stored, and their change into answers."""

import msgspec

from sojourn.query.answers import Device, Session, SessionEvent, Software
from sojourn.query.scope import Scope
from sojourn.rules.definitions import Aggregation, Catalog
from sojourn.rules.names import PropertyKind
from sojourn.rules.summaries import ended_by
from sojourn.rules.values import data_type_of
from sojourn.store.rows import Context, value_name

Place = tuple[int, str, int, str]
"""A place in the total order of events: timestamp, stream, sequence, event id."""


class Stretch(msgspec.Struct, kw_only=True):
    """Where the events of a derived session lie: those of a source from `first_place` on and before `next_place`.

    Those before `tagged_place` have the identifier that the session carries from the one before it.
    """

    source_id: str
    first_place: Place
    next_place: Place
    tagged_place: Place
    carried_identifier: str


class SessionRow(msgspec.Struct, kw_only=True):
    """One session as it is stored. `first_values` and `last_values` are JSON by name and type (`value_name`).

    `context` is JSON. `stretch` is None where its events are all those with its id.
    """

    session_id: str
    instance_id: str
    previous_session_id: str
    clock_offset: int
    start_time: int
    end_time: int
    start_reason: str
    end_reason: str
    user_identifier: str
    user_identifiers: list[str]
    event_count: int
    action_count: int
    error_count: int
    missing_events: int
    absent_events: int
    empty: bool
    context: str
    first_values: dict[str, str]
    last_values: dict[str, str]
    stretch: Stretch | None = None

    @property
    def source(self) -> str:
        """What its events lie under."""
        return self.stretch.source_id if self.stretch else self.session_id

    def properties(self, catalog: Catalog) -> dict[str, msgspec.Raw]:
        """The values of the defined session properties, by full name, as JSON."""
        found = {}
        for definition in catalog.definitions:
            if definition.kind is PropertyKind.SESSION:
                values = self.first_values if definition.aggregation is Aggregation.FIRST else self.last_values
                value = values.get(value_name(definition))
                if value is not None:
                    found[definition.name] = msgspec.Raw(value.encode())
        return found

    def answer(self, scope: Scope) -> Session:
        """The session as it is now, with the value of each defined property that its aggregation picks."""
        end_reason = ended_by(self.end_reason, self.end_time, scope.policy, scope.now)
        context = context_of(self.context)
        return Session(
            session_id=self.session_id,
            frontend=scope.frontend,
            instance_id=self.instance_id,
            previous_session_id=self.previous_session_id or None,
            start_time=self.start_time,
            end_time=self.end_time,
            duration=self.end_time - self.start_time,
            live=not end_reason,
            start_reason=self.start_reason or None,
            end_reason=end_reason or None,
            user_identifier=self.user_identifier or None,
            user_identifiers=self.user_identifiers,
            session_properties=self.properties(scope.catalog),
            event_count=self.event_count,
            action_count=self.action_count,
            error_count=self.error_count,
            missing_events=self.missing_events,
            absent_events=self.absent_events,
            empty=self.empty,
            clock_offset=self.clock_offset,
            device=device_of(context),
            os=os_of(context),
            browser=browser_of(context),
            app_version=context.app_version,
        )


_decode_context = msgspec.json.Decoder(Context).decode


def context_of(text: str) -> Context:
    """What a session's newest event said of its surroundings."""
    return _decode_context(text) if text else Context()


def device_of(context: Context) -> Device:
    """What the session ran on."""
    return Device(type=context.device_type, manufacturer=context.device_manufacturer, model=context.device_model)


def os_of(context: Context) -> Software:
    """The operating system."""
    return Software(name=context.os_name, version=context.os_version)


def browser_of(context: Context) -> Software:
    """The browser, unknown for other clients."""
    return Software(name=context.browser_name, version=context.browser_version)


class EventRow(msgspec.Struct, kw_only=True):
    """One row of `events`, as far as answers need it."""

    event_id: str
    kind: str
    name: str
    client_timestamp: int
    received_at: int
    duration: int
    stream_id: str
    sequence: int
    user_identifier: str
    retag: int
    start_reason: str
    end_reason: str
    action_id: str
    parent_action_id: str
    attributes: dict[str, str]
    event_properties: dict[str, str]
    session_properties: dict[str, str]

    def answer(self, session_id: str, skew: int, values: dict[str, msgspec.Raw], catalog: Catalog) -> SessionEvent:
        """The event with its session's values. Of its own, those that a definition has no place for are left out."""
        return SessionEvent(
            event_id=self.event_id,
            session_id=session_id,
            kind=self.kind,
            name=self.name,
            timestamp=self.client_timestamp + skew,
            client_timestamp=self.client_timestamp,
            received_at=self.received_at,
            duration=self.duration,
            stream_id=self.stream_id,
            sequence=self.sequence if self.sequence >= 0 else None,
            user_identifier=self.user_identifier or None,
            retag=bool(self.retag),
            start_reason=self.start_reason or None,
            end_reason=self.end_reason or None,
            action_id=self.action_id or None,
            parent_action_id=self.parent_action_id or None,
            attributes=raw_values(self.attributes),
            event_properties=raw_values(fitting(self.event_properties, catalog)),
            reported_session_properties=raw_values(fitting(self.session_properties, catalog)),
            session_properties=values,
        )


def fitting(values: dict[str, str], catalog: Catalog) -> dict[str, str]:
    """The values of an event that the definitions of now have a place for: one may be gone, or have another type."""
    return {
        name: text
        for name, text in values.items()
        if (definition := catalog.find(name)) is not None
        and definition.name == name
        and data_type_of(msgspec.json.decode(text)) is definition.data_type
    }


def raw_values(values: dict[str, str]) -> dict[str, msgspec.Raw]:
    """Stored JSON scalars, ready to go out as they are."""
    return {name: msgspec.Raw(value.encode()) for name, value in values.items()}
