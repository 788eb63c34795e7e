"""The one law on the reference: any order, any copies, any batches, and summaries that can be joined piecewise."""

from collections.abc import Callable
from itertools import chain
from types import SimpleNamespace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from sojourn.rules.events import is_substance, order_of
from sojourn.rules.summaries import PropertyValues, SessionSummary, skew_of, summarize

from .histories import ABSENCES, deliveries, histories


@given(st.data(), histories(), ABSENCES)
def test_order_copies_and_batches_make_no_difference(
    data: st.DataObject, events: list[SimpleNamespace], absences: dict[str, frozenset[tuple[str, int]]]
) -> None:
    batches = data.draw(deliveries(events))
    assert summarize(chain.from_iterable(batches), absences) == summarize(events, absences)


@given(st.data(), histories(("s1",)))
def test_copies_that_differ_make_no_difference_either(data: st.DataObject, events: list[SimpleNamespace]) -> None:
    """As when a definition changed between the two, or the transit took longer."""
    copies = [SimpleNamespace(**vars(event) | {"session_properties": {}, "clock_offset": 7}) for event in events]
    shuffled = data.draw(st.permutations(events + copies))
    assert summarize(shuffled) == summarize(events + copies)


Aggregate = tuple[Any, Callable[[Any, Any], Any]]


def aggregates(event: SimpleNamespace) -> dict[str, Aggregate]:
    """The state of one event and how two states of a kind are joined: all that a store needs to keep."""
    order = order_of(event)
    numbered = event.sequence >= 0
    place = {(event.stream_id, event.sequence) if numbered else event.event_id}
    state: dict[str, Aggregate] = {
        "start": (event.timestamp, min),
        "end": (event.timestamp + event.duration, max),
        "offset": (event.clock_offset, min),
        "instance": ((order, event.instance_id), max),
        "all": (place, set.union),
        "substance": (is_substance(event), max),
    }
    if event.kind == "action":
        state["actions"] = (place, set.union)
    if event.kind in ("error", "crash"):
        state["errors"] = (place, set.union)
    if event.kind == "session_start":
        state["began"] = ((order, event.previous_session_id, event.start_reason), min)
    if event.kind == "session_end":
        state["ended"] = ((order, event.end_reason), max)
    if event.user_identifier:
        state["user"] = ((order, event.user_identifier), max)
        state["users"] = ({event.user_identifier}, set.union)
    for name, value in event.session_properties.items():
        state[f"first {name}"] = ((order, type(value).__name__, value), min)
        state[f"last {name}"] = ((order, type(value).__name__, value), max)
    return state


def rendered(state: dict[str, Any], session_id: str) -> SessionSummary:
    places = {place for place in state["all"] if isinstance(place, tuple)}
    highest = {stream: max(n for s, n in places if s == stream) for stream, _ in places}
    skew = skew_of(state["offset"])
    names = sorted(key.removeprefix("first ") for key in state if key.startswith("first "))
    return SessionSummary(
        session_id=session_id,
        instance_id=state["instance"][1],
        previous_session_id=state.get("began", ("", "", ""))[1],
        start_time=state["start"] + skew,
        end_time=state["end"] + skew,
        start_reason=state.get("began", ("", "", ""))[2],
        end_reason=state.get("ended", ("", ""))[1],
        user_identifier=state.get("user", ("", ""))[1],
        user_identifiers=tuple(sorted(state.get("users", ()))),
        event_count=len(state["all"]),
        action_count=len(state.get("actions", ())),
        error_count=len(state.get("errors", ())),
        missing_events=sum(n + 1 for n in highest.values()) - len(places),
        absent_events=0,
        empty=not state["substance"],
        clock_offset=state["offset"],
        properties={name: PropertyValues(state[f"first {name}"][2], state[f"last {name}"][2]) for name in names},
    )


@given(st.data(), histories())
def test_a_summary_is_joined_from_single_events_by_min_max_and_union(
    data: st.DataObject, events: list[SimpleNamespace]
) -> None:
    """The aggregates are commutative, associative and idempotent, so a store may join them whenever it likes."""
    states: dict[str, dict[str, Any]] = {}
    for event in chain.from_iterable(data.draw(deliveries(events))):
        state = states.setdefault(event.session_id, {})
        for name, (value, join) in aggregates(event).items():
            state[name] = join(state[name], value) if name in state else value
    assert [rendered(states[session], session) for session in sorted(states)] == summarize(events)


@given(histories(("s1",)), ABSENCES)
def test_gaps_are_the_numbers_that_nobody_accounts_for(
    events: list[SimpleNamespace], absences: dict[str, frozenset[tuple[str, int]]]
) -> None:
    arrived = {(event.stream_id, event.sequence) for event in events if event.sequence >= 0}
    absent = absences.get("s1", frozenset()) - arrived
    missing = {
        (stream, number)
        for stream, last in arrived | absent
        for number in range(last)
        if (stream, number) not in arrived | absent
    }
    for summary in summarize(events, absences):
        assert summary.missing_events == len(missing)
        assert summary.absent_events == len(absent)
