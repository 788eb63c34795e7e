"""The picture of a session as data: nesting, rows, joined marks, and gaps with and without a reason."""

from typing import Any

import msgspec

from sojourn.query.answers import SessionEvent
from sojourn.query.timeline import MAX_MARKS, MAX_ROWS, Absence, find_gaps, property_histories, timeline


def an_event(number: int, kind: str = "event", **fields: Any) -> SessionEvent:
    """An event that happened so many microseconds after the start."""
    known: dict[str, Any] = dict.fromkeys(SessionEvent.__struct_fields__)
    known |= {
        "event_id": f"id-{number}",
        "kind": kind,
        "name": f"event {number}",
        "timestamp": number,
        "duration": 0,
        "stream_id": "tab",
        "sequence": number,
        "reported_session_properties": {},
    }
    return SessionEvent(**(known | fields))


def test_actions_nest_below_their_parents_and_beside_each_other() -> None:
    events = [
        an_event(0, "action", action_id="root", duration=1000),
        an_event(100, "action", action_id="child", parent_action_id="root", duration=300),
        an_event(200, "action", action_id="twin", parent_action_id="root", duration=300),
        an_event(600, "action", action_id="later", parent_action_id="root", duration=100),
        an_event(650, "action", action_id="leaf", parent_action_id="later", duration=20),
    ]
    (lane,) = timeline(events, [], 0, 1000).lanes
    assert {mark.name: mark.row for mark in lane.marks} == {
        "event 0": 0,
        "event 100": 1,
        "event 200": 2,
        "event 600": 1,
        "event 650": 2,
    }
    assert lane.rows == 3


def test_a_ring_of_parents_and_a_deep_chain_have_an_end() -> None:
    ring = [
        an_event(0, "action", action_id="a", parent_action_id="b"),
        an_event(500, "action", action_id="b", parent_action_id="a"),
    ]
    assert {mark.row for mark in timeline(ring, [], 0, 1000).lanes[0].marks} == {1}
    chain = [an_event(n, "action", action_id=f"a{n}", parent_action_id=f"a{n - 1}", duration=99) for n in range(40)]
    assert timeline(chain, [], 0, 1000).lanes[0].rows == MAX_ROWS


def test_many_marks_are_joined_and_all_counted() -> None:
    events = [an_event(number, "error" if number % 2 else "event") for number in range(5_000)]
    picture = timeline(events, [], 0, 5_000)
    assert sum(len(lane.marks) for lane in picture.lanes) <= MAX_MARKS
    assert {lane.key: sum(mark.count for mark in lane.marks) for lane in picture.lanes} == {
        "event": 2500,
        "error": 2500,
    }


def test_gaps_lie_between_their_neighbours_and_know_their_reason() -> None:
    events = [an_event(n) for n in (2, 3, 7, 12)]
    absences = [Absence("tab", 9, "dropped_queue_full"), Absence("tab", 13, "rejected_invalid")]
    found = [(g.sequence, g.count, g.after, g.before, g.reason) for g in find_gaps(events, absences)]
    assert found == [
        (0, 2, "", "id-2", ""),
        (4, 3, "id-3", "id-7", ""),
        (8, 1, "id-7", "id-12", ""),
        (9, 1, "id-7", "id-12", "dropped_queue_full"),
        (10, 2, "id-7", "id-12", ""),
        (13, 1, "id-12", "", "rejected_invalid"),
    ]
    assert [g.sequence for g in find_gaps(events, absences, whole=False)] == [4, 8, 9, 10]


def test_streams_have_gaps_of_their_own_and_events_without_a_number_none() -> None:
    events = [an_event(0), an_event(1, stream_id="other", sequence=0), an_event(5, sequence=None), an_event(1)]
    assert find_gaps(events, []) == []


def test_a_property_changes_where_its_value_does() -> None:
    def sent(number: int, **values: bytes) -> SessionEvent:
        return an_event(number, reported_session_properties={k: msgspec.Raw(v) for k, v in values.items()})

    found = property_histories([sent(1, tier=b'"free"'), sent(2, tier=b'"free"', cart=b"1"), sent(3, tier=b'"paid"')])
    assert [(one.name, [(time, bytes(raw)) for time, raw, _ in one.changes]) for one in found] == [
        ("cart", [(2, b"1")]),
        ("tier", [(1, b'"free"'), (3, b'"paid"')]),
    ]
