"""Rows of derived sessions: what a derivation says, with the summaries of its sessions, as the store keeps them."""

from collections.abc import Iterable, Iterator

import msgspec

from sojourn.rules.boundaries import Boundaries, DerivedSession
from sojourn.rules.events import EventKind, Order, order_of
from sojourn.rules.limits import HOUR
from sojourn.rules.summaries import skew_of, summary_of
from sojourn.summaries.found import FoundEvent

AFTER_ALL: Order = (2**63 - 1, "", 0, "")
"""A place behind every event."""


class DerivedRow(msgspec.Struct, kw_only=True):
    """One row of `derived_sessions`. Times in microseconds."""

    frontend: str
    session_id: str
    source_id: str
    version: int
    void: bool = False
    first_place: Order = AFTER_ALL
    next_place: Order = AFTER_ALL
    tagged_place: Order = AFTER_ALL
    inherited_identifier: str = ""
    carried_identifier: str = ""
    instance_id: str = ""
    context: str = ""
    previous_session_id: str = ""
    clock_offset: int = 0
    start_time: int = 0
    end_time: int = 0
    start_reason: str = ""
    end_reason: str = ""
    user_identifier: str = ""
    user_identifiers: tuple[str, ...] = ()
    event_count: int = 0
    action_count: int = 0
    error_count: int = 0
    missing_events: int = 0
    absent_events: int = 0
    empty: bool = False
    first_values: dict[str, str] = {}
    last_values: dict[str, str] = {}


class IndexRow(msgspec.Struct, kw_only=True):
    """One row of `session_index`: where a question finds a session."""

    frontend: str
    aspect: str
    value: str
    session_id: str
    instance_id: str
    first_event: int
    last_end: int


class MarkRow(msgspec.Struct, kw_only=True):
    """A row of `session_states` that says only that the sessions of a client's session id are derived ones."""

    frontend: str
    session_id: str
    derived: int = 1
    stream_id: str = ""
    first_event: int = 2**63 - 1
    last_end: int = -(2**63 - 1)
    least_offset: int = 2**63 - 1
    top_sequence: int = -1


def session_rows(
    frontend: str, source_id: str, version: int, boundaries: Boundaries, events: Iterable[FoundEvent]
) -> Iterator[tuple[DerivedRow, list[IndexRow]]]:
    """The rows of a source's sessions, first to last, and where each of them is found."""
    members: dict[str, list[FoundEvent]] = {}
    for event in events:
        members.setdefault(boundaries.placements[order_of(event)].session_id, []).append(event)
    following = [session.first_event for session in boundaries.sessions[1:]]
    for session, next_place in zip(boundaries.sessions, [*following, AFTER_ALL], strict=True):
        found = members[session.session_id]
        summary = summary_of(session.session_id, found)
        carried = session.carried_identifier
        row = DerivedRow(
            frontend=frontend,
            session_id=session.session_id,
            source_id=source_id,
            version=version,
            first_place=session.first_event,
            next_place=next_place,
            tagged_place=min((order_of(event) for event in found if _says_who(event)), default=AFTER_ALL),
            inherited_identifier=session.inherited_identifier,
            carried_identifier=carried,
            instance_id=summary.instance_id,
            context=max((order_of(event), event.context) for event in found)[1],
            previous_session_id=session.previous_session_id,
            clock_offset=summary.clock_offset,
            start_time=summary.start_time,
            end_time=summary.end_time,
            start_reason=session.start_reason,
            end_reason=session.end_reason,
            user_identifier=summary.user_identifier or carried,
            user_identifiers=tuple(sorted({carried, *summary.user_identifiers} - {""})),
            event_count=summary.event_count,
            action_count=summary.action_count,
            error_count=summary.error_count,
            missing_events=session.missing_events,
            absent_events=session.absent_events,
            empty=summary.empty,
            first_values={name: str(values.first) for name, values in summary.properties.items()},
            last_values={name: str(values.last) for name, values in summary.properties.items()},
        )
        yield row, _index_rows(row, boundaries, found)


def _says_who(event: FoundEvent) -> bool:
    return event.user_identifier != "" or event.kind == EventKind.IDENTIFY


def void_row(frontend: str, source_id: str, version: int, session: DerivedSession) -> DerivedRow:
    """The row that takes a session away which there is no longer."""
    return DerivedRow(frontend=frontend, session_id=session.session_id, source_id=source_id, version=version, void=True)


def _index_rows(row: DerivedRow, boundaries: Boundaries, events: list[FoundEvent]) -> list[IndexRow]:
    """A session is found by its source, the hour of its start, and its users, each with the times of their events."""
    skew = skew_of(row.clock_offset)
    extents: dict[tuple[str, str, str], tuple[int, int]] = {
        ("source", row.source_id, ""): (row.start_time, row.end_time),
        ("hour", f"{row.start_time // HOUR:010d}", ""): (row.start_time, row.end_time),
    }
    for event in events:
        identifier = boundaries.placements[order_of(event)].user_identifier
        if identifier:
            key = ("user", identifier, row.instance_id)
            begin, end = event.timestamp + skew, event.timestamp + event.duration + skew
            had = extents.get(key, (begin, end))
            extents[key] = (min(had[0], begin), max(had[1], end))
    return [
        IndexRow(
            frontend=row.frontend,
            aspect=aspect,
            value=value,
            session_id=row.session_id,
            instance_id=instance_id,
            first_event=begin,
            last_end=end,
        )
        for (aspect, value, instance_id), (begin, end) in extents.items()
    ]
