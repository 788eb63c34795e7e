"""When a session splits: the class against the plain formula, and what must hold when clocks misbehave."""

from itertools import accumulate, pairwise

from hypothesis import given
from hypothesis import strategies as st

from sojourn.rules.sessions import EndReason, SessionLife, SessionPolicy

POLICIES = st.builds(SessionPolicy, st.integers(1, 30), st.integers(1, 60))
STEPS = st.lists(st.integers(0, 25), max_size=20)
TIMES = st.lists(st.integers(-50, 50), min_size=1, max_size=20)


@given(POLICIES, st.integers(-10, 10), STEPS)
def test_with_a_clock_that_only_goes_on_it_is_the_plain_formula(
    policy: SessionPolicy, start: int, steps: list[int]
) -> None:
    life, began, last = SessionLife(start), start, start
    for now in list(accumulate(steps, initial=start))[1:]:
        idle_over, duration_over = last + policy.idle_timeout, began + policy.max_duration
        wanted = None
        if now >= min(idle_over, duration_over):
            wanted = EndReason.TIMEOUT if idle_over <= duration_over else EndReason.DURATION
        assert life.split_due(now, policy) is wanted
        if wanted:
            life, began = SessionLife(now), now
        life.touch(now)
        last = now


@given(POLICIES, TIMES)
def test_whatever_the_clock_does_a_session_never_ends_early_nor_lives_too_long(
    policy: SessionPolicy, times: list[int]
) -> None:
    life, lived = SessionLife(times[0]), 0
    for last, now in pairwise(times):
        gone = max(now - last, 0)
        split = life.split_due(now, policy)
        assert (split is not None) is (gone >= policy.idle_timeout or lived + gone >= policy.max_duration)
        if split:
            life, lived = SessionLife(now), 0
        else:
            life.touch(now)
            lived += gone
        assert lived < policy.max_duration


@given(POLICIES, TIMES)
def test_a_clock_set_back_ends_nothing(policy: SessionPolicy, times: list[int]) -> None:
    life = SessionLife(times[0])
    for last, now in pairwise(times):
        if now < last:
            assert life.split_due(now, policy) is None
        if life.split_due(now, policy):
            life = SessionLife(now)
        life.touch(now)


@given(POLICIES, TIMES, st.integers(-60, 120))
def test_the_deadline_is_the_first_time_at_which_a_split_is_due(
    policy: SessionPolicy, times: list[int], asked: int
) -> None:
    life = SessionLife(times[0])
    for now in times:
        if life.split_due(now, policy):
            life = SessionLife(now)
        life.touch(now)
    assert (life.split_due(asked, policy) is not None) is (asked >= life.next_deadline(policy))
