"""The two pieces of the rule that a derivation in stretches, and one after a change of the timeouts, stand on."""

from types import SimpleNamespace

from hypothesis import given
from hypothesis import strategies as st

from sojourn.rules.boundaries import Source, derive
from sojourn.rules.events import order_of
from sojourn.rules.sessions import PolicyHistory, SessionPolicy
from tests.rules.histories import histories

POLICY = SessionPolicy(10, 25)
SOURCES = st.sampled_from([Source("shop", session_id="s1"), Source("shop", instance_id="i")])
TIMEOUTS = st.builds(SessionPolicy, st.integers(1, 20), st.integers(20, 40))


def without_gaps(session):
    return {
        name: getattr(session, name) for name in session.__slots__ if name not in ("missing_events", "absent_events")
    }


@given(SOURCES, histories(("s1",), most=16))
def test_from_any_session_on_the_answer_is_the_tail_of_the_whole_one(
    source: Source, events: list[SimpleNamespace]
) -> None:
    whole = derive(source, events, POLICY)
    for number, begin in enumerate(whole.sessions):
        later = [event for event in events if order_of(event) >= begin.first_event]
        tail = derive(source, later, POLICY, begin=begin)
        assert [without_gaps(one) for one in tail.sessions] == [without_gaps(one) for one in whole.sessions[number:]]
        assert tail.placements == {order_of(event): whole.placements[order_of(event)] for event in later}


@given(st.lists(TIMEOUTS, min_size=1, max_size=4), st.integers(0, 60), st.integers(0, 60))
def test_a_session_has_to_keep_the_most_generous_timeouts_of_its_time(
    policies: list[SessionPolicy], start: int, length: int
) -> None:
    entries = tuple((15 * number, policy) for number, policy in enumerate(policies))
    history = PolicyHistory(entries)
    held = [policies[min(moment // 15, len(policies) - 1)] for moment in range(start, start + length + 1)]
    assert history.during(start, start + length) == SessionPolicy(
        max(policy.idle_timeout for policy in held), max(policy.max_duration for policy in held)
    )
    later = [policies[min(moment // 15, len(policies) - 1)] for moment in range(start, 100)]
    assert history.strictest_since(start) == SessionPolicy(
        min(policy.idle_timeout for policy in later), min(policy.max_duration for policy in later)
    )


@given(histories(("s1",)), TIMEOUTS, st.integers(0, 70))
def test_stricter_timeouts_split_no_session_that_began_before_them(
    events: list[SimpleNamespace], stricter: SessionPolicy, changed_at: int
) -> None:
    source = Source("shop", session_id="s1")
    generous = SessionPolicy(1_000, 1_000)
    began = min((event.timestamp for event in events), default=0)
    history = PolicyHistory(((-1, generous), (began + 1 + changed_at, stricter)))
    assert len(derive(source, events, history).sessions) == min(len(events), 1)
