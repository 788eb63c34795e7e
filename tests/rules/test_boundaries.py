"""Derived sessions: the law for boundaries, held against a brute-force reading of the rule."""

from collections.abc import Sequence
from itertools import chain
from types import SimpleNamespace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from sojourn.rules.boundaries import Boundaries, Source, derive
from sojourn.rules.derived import summarize_derived
from sojourn.rules.events import order_of
from sojourn.rules.sessions import SessionPolicy
from sojourn.rules.summaries import summarize

from .histories import ABSENCES, deliveries, histories
from .vectors import content, event, table

CLIENT = Source("shop", session_id="s1")
INSTANCE = Source("shop", instance_id="i")
SOURCES = st.sampled_from([CLIENT, INSTANCE])
POLICY = SessionPolicy(10, 25)
HISTORY = histories(("s1",))
PLACES = st.frozensets(st.tuples(st.sampled_from(["a", "b", "c"]), st.integers(0, 10)), max_size=4)
CARRIES = ("timeout", "duration")


def brute_parts(source: Source, events: Sequence[Any], policy: SessionPolicy) -> list[tuple[list[Any], str]]:
    """Cut off the longest prefix that is one session, and go on with what is left."""
    if not events:
        return []
    for end in range(1, len(events)):
        part, following = events[:end], events[end]
        if following.kind == "session_end":
            continue
        active = [event for event in part if event.kind != "session_end"]
        ended = [event.end_reason for event in part if event.kind == "session_end"]
        idle_over = max([part[0].timestamp] + [e.timestamp + e.duration for e in active]) + policy.idle_timeout
        duration_over = part[0].timestamp + policy.max_duration
        if not source.session_id and ended:
            reason = ended[-1] or "end_session"
        elif following.timestamp >= min(idle_over, duration_over):
            reason = (ended and ended[-1]) or ("timeout" if idle_over <= duration_over else "duration")
        else:
            continue
        return [(part, reason), *brute_parts(source, events[end:], policy)]
    ended = [event.end_reason for event in events if event.kind == "session_end"]
    return [(list(events), (ended[-1] or ("" if source.session_id else "end_session")) if ended else "")]


def brute_users(parts: list[tuple[list[Any], str]]) -> list[str]:
    """For each untagged event, look back for who was last known, and whether a boundary carried it here."""
    users: list[str] = []
    known: list[str] = [""]
    for index, (part, _) in enumerate(parts):
        if index and parts[index - 1][1] not in CARRIES:
            known.append("")
        inherited = known[-1]
        spoken = False
        for one in part:
            spoken = spoken or bool(one.user_identifier) or one.kind == "identify"
            if one.user_identifier or one.kind == "identify":
                known.append(one.user_identifier)
            users.append(one.user_identifier if spoken else inherited)
    return users


def gaps(boundaries: Boundaries) -> list[tuple[int, int]]:
    return [(session.missing_events, session.absent_events) for session in boundaries.sessions]


def brute_gaps(parts: list[tuple[list[Any], str]], absent: frozenset[tuple[str, int]]) -> list[tuple[int, int]]:
    """Go through every number of every stream and ask whose it is."""
    owner = {(e.stream_id, e.sequence): i for i, (part, _) in enumerate(parts) for e in part if e.sequence >= 0}
    counts = [[0, 0] for _ in parts]
    for stream in {stream for stream, _ in owner} | {stream for stream, _ in absent}:
        numbers = sorted(number for name, number in owner if name == stream)
        for number in range(max(n for s, n in [*owner, *absent] if s == stream)):
            if (stream, number) not in owner:
                later = [n for n in numbers if n > number] or numbers[-1:]
                index = owner[stream, later[0]] if later else len(parts) - 1
                counts[index][(stream, number) in absent] += 1
        last = max(n for s, n in [*owner, *absent] if s == stream)
        if (stream, last) not in owner:
            counts[owner[stream, numbers[-1]] if numbers else len(parts) - 1][1] += 1
    return [(missing, gone) for missing, gone in counts]


@given(SOURCES, HISTORY, PLACES)
def test_agrees_with_brute_force(
    source: Source, events: list[SimpleNamespace], absent: frozenset[tuple[str, int]]
) -> None:
    ordered = sorted(events, key=order_of)
    parts = brute_parts(source, ordered, POLICY)
    boundaries = derive(source, events, POLICY, absent)
    assert [session.first_event for session in boundaries.sessions] == [order_of(part[0]) for part, _ in parts]
    assert [session.end_reason for session in boundaries.sessions] == [reason for _, reason in parts]
    found = [boundaries.placements[order_of(event)] for event in ordered]
    ids = [session.session_id for session, (part, _) in zip(boundaries.sessions, parts, strict=True) for _ in part]
    assert [placement.session_id for placement in found] == ids
    assert [placement.user_identifier for placement in found] == brute_users(parts)
    assert gaps(boundaries) == (brute_gaps(parts, absent) if parts else [])


@given(st.data(), SOURCES, HISTORY, PLACES)
def test_order_copies_and_batches_make_no_difference(
    data: st.DataObject, source: Source, events: list[SimpleNamespace], absent: frozenset[tuple[str, int]]
) -> None:
    arrived = chain.from_iterable(data.draw(deliveries(events)))
    assert derive(source, arrived, POLICY, absent) == derive(source, events, POLICY, absent)


@given(st.data(), SOURCES, HISTORY)
def test_copies_that_differ_make_no_difference_either(
    data: st.DataObject, source: Source, events: list[SimpleNamespace]
) -> None:
    copies = [SimpleNamespace(**vars(one) | {"user_identifier": "w", "duration": 3, "kind": "view"}) for one in events]
    shuffled = data.draw(st.permutations(events + copies))
    assert derive(source, shuffled, POLICY) == derive(source, events + copies, POLICY)


@given(SOURCES, HISTORY)
def test_sessions_are_chained_and_keep_the_limits(source: Source, events: list[SimpleNamespace]) -> None:
    boundaries = derive(source, events, POLICY)
    ids = [session.session_id for session in boundaries.sessions]
    assert len(set(ids)) == len(ids)
    assert [session.previous_session_id for session in boundaries.sessions[1:]] == ids[:-1]
    for session in boundaries.sessions:
        times = [
            one.timestamp
            for one in events
            if one.kind != "session_end" and boundaries.placements[order_of(one)].session_id == session.session_id
        ]
        assert not times or max(times) - session.first_event[0] < POLICY.max_duration
    if source is CLIENT and ids:
        assert ids[0] == "s1"


@given(SOURCES, HISTORY, st.data())
def test_a_late_event_changes_the_id_of_no_session_that_still_begins_with_the_same_event(
    source: Source, events: list[SimpleNamespace], data: st.DataObject
) -> None:
    if not events:
        return
    late = data.draw(st.sampled_from(events))
    before = derive(source, [one for one in events if one is not late], POLICY)
    after = derive(source, events, POLICY)
    # The first session of a client's id has that id, whatever it begins with; the others that of their first event.
    named = {session.first_event: session.session_id for session in after.sessions[source is CLIENT :]}
    for session in before.sessions[source is CLIENT :]:
        assert named.get(session.first_event, session.session_id) == session.session_id


@given(histories(latest=20, longest=0), ABSENCES)
def test_within_the_timeouts_nothing_is_derived(
    events: list[SimpleNamespace], absences: dict[str, frozenset[tuple[str, int]]]
) -> None:
    generous = SessionPolicy(1000, 1000)
    assert summarize_derived("shop", events, generous, absences) == summarize(events, absences)


@given(st.data(), histories(("", "s1", "s2"), ("i", "j")), ABSENCES)
def test_the_law_holds_for_everything_together(
    data: st.DataObject, events: list[SimpleNamespace], absences: dict[str, frozenset[tuple[str, int]]]
) -> None:
    arrived = list(chain.from_iterable(data.draw(deliveries(events))))
    summaries = summarize_derived("shop", events, POLICY, absences)
    assert summarize_derived("shop", arrived, POLICY, absences) == summaries
    numbered = {
        (e.session_id, e.instance_id * (not e.session_id), e.stream_id, e.sequence) for e in events if e.sequence >= 0
    }
    assert sum(one.event_count for one in summaries) == len(numbered) + sum(e.sequence < 0 for e in events)


@given(SOURCES, HISTORY)
def test_a_derived_summary_has_the_users_of_its_events_own_or_carried(
    source: Source, events: list[SimpleNamespace]
) -> None:
    events = [SimpleNamespace(**vars(one) | {"session_id": source.session_id}) for one in events]
    placements = derive(source, events, POLICY).placements
    for summary in summarize_derived("shop", events, POLICY):
        users = [
            placements[order_of(one)].user_identifier
            for one in sorted(events, key=order_of)
            if placements[order_of(one)].session_id == summary.session_id
        ]
        assert summary.user_identifiers == tuple(sorted(set(users) - {""}))
        assert summary.user_identifier == next((user for user in reversed(users) if user), "")


def test_a_gap_of_two_thousand_million_is_counted_at_once() -> None:
    far = event({"event_id": "e", "kind": "event", "timestamp": 1, "stream_id": "a", "sequence": 2**31 - 1})
    assert gaps(derive(INSTANCE, [far], POLICY, frozenset({("a", 5)}))) == [(2**31 - 2, 1)]


@table("boundaries")
def test_vectors(case: dict[str, Any]) -> None:
    source = Source("shop", instance_id="i", session_id=case["session_id"])
    policy = SessionPolicy(case["idle_timeout"], case["max_duration"])
    events = [event(fields) for fields in case["events"]]
    absent = frozenset((stream, sequence) for stream, sequence in case.get("absent", []))
    for arrived in (events, events[::-1] + events):
        boundaries = derive(source, arrived, policy, absent)
        assert len(boundaries.sessions) == len(case["sessions"])
        previous = case["sessions"][0].get("previous_session_id", "") if case["sessions"] else ""
        for session, wanted in zip(boundaries.sessions, case["sessions"], strict=True):
            users = {
                one.event_id: boundaries.placements[order_of(one)].user_identifier
                for one in events
                if boundaries.placements[order_of(one)].session_id == session.session_id
            }
            assert users == wanted["events"]
            assert (session.session_id == case["session_id"]) is wanted.get("keeps_id", False)
            assert session.previous_session_id == previous
            assert session.start_reason == wanted.get("start_reason", "")
            assert session.end_reason == wanted.get("end_reason", "")
            assert session.carried_identifier == wanted.get("carried_identifier", "")
            assert session.missing_events == wanted.get("missing_events", 0)
            assert session.absent_events == wanted.get("absent_events", 0)
            previous = session.session_id


@table("boundaries", "ids")
def test_ids_never_change(case: dict[str, Any]) -> None:
    source = Source(case["frontend"], case["instance_id"], case["session_id"])
    first = event({"kind": "event", "instance_id": "i", **case["first_event"]})
    earlier = event(
        {"kind": "event", "instance_id": "i", "event_id": "x", "stream_id": "", "sequence": -1, "timestamp": -100}
    )
    boundaries = derive(source, [earlier, first], SessionPolicy(10, 25))
    assert boundaries.sessions[1].session_id == case["id"]


def test_the_vectors_pin_ids_of_both_kinds_of_source() -> None:
    assert {bool(case["session_id"]) for case in content("boundaries", "ids")} == {True, False}
