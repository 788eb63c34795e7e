"""An event with what new definitions admit of its ledger, when a copy that they had admitted came before the replay."""

import uuid

import pytest

from sojourn.rules.definitions import Catalog, PropertyDefinition
from sojourn.rules.names import PropertyKind
from sojourn.rules.values import DataType
from sojourn.store.replay import readmit
from sojourn.store.rows import DiscardRow, EventRow

NOTE, OTHER = "event_properties.note", "event_properties.Note"
ID = str(uuid.uuid4())
EARLY, LATE = 1_000, 2_000
NUMBER = Catalog([PropertyDefinition(PropertyKind.EVENT, "note", DataType.NUMBER, case_insensitive=True)])


def event(received_at: int, **properties: str) -> EventRow:
    return EventRow(
        frontend="shop",
        source_id="s",
        stream_id="x",
        sequence=-1,
        event_id=ID,
        kind="event",
        client_timestamp=0,
        received_at=received_at,
        instance_id="i",
        event_properties={f"event_properties.{name}": text for name, text in properties.items()},
        kept=len(properties),
    )


def line(key: str, value: str, reason: str = "undefined") -> DiscardRow:
    return DiscardRow(
        frontend="shop",
        key=key,
        reason=reason,
        source_id="s",
        event_id=ID,
        client_timestamp=0,
        received_at=EARLY,
        value=value,
    )


def open_after(found: EventRow, *lines: DiscardRow) -> set[tuple[str, str]]:
    """Keys and reasons of the lines that are open once an event has been replayed; it has to have kept its value."""
    completed, changes = readmit(found, lines, NUMBER)
    assert completed.event_properties == {NOTE: "2.5"}
    rows = {(row.key, row.reason): row for row in (*lines, *changes)}
    return {place for place, row in rows.items() if not row.settled}


def test_a_value_that_a_copy_brought_under_another_spelling_is_not_one_too_many() -> None:
    assert open_after(event(LATE, note="2.5"), line(OTHER, "2.5")) == set()


def test_the_same_value_under_both_spellings_is_one_too_many() -> None:
    assert open_after(event(EARLY, note="2.5"), line(OTHER, "2.5")) == {(OTHER, "too_many")}


@pytest.mark.parametrize("reason", ["undefined", "type_mismatch"])
@pytest.mark.parametrize("received_at", [EARLY, LATE])
def test_what_does_not_fit_stays_discarded_where_another_spelling_fits(reason: str, received_at: int) -> None:
    mismatched = line(NOTE, '"b"', reason)
    assert open_after(event(received_at, note="2.5"), mismatched, line(OTHER, "2.5")) == {(NOTE, "type_mismatch")}
    assert open_after(event(received_at, note="2.5"), mismatched) == {(NOTE, "type_mismatch")}


def test_the_spelling_of_the_definition_goes_first() -> None:
    assert open_after(event(EARLY), line(NOTE, "2.5"), line(OTHER, "3")) == {(OTHER, "too_many")}
