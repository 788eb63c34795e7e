"""Random histories of events for the properties that summaries and boundaries must have."""

import itertools
import random
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, TypeVar

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

T = TypeVar("T")

KINDS = [
    "session_start",
    "session_end",
    "identify",
    "session_properties",
    "event",
    "action",
    "error",
    "crash",
    "hologram",
]
REASONS = ["", "timeout", "duration", "end_session", "privacy_change", "crash", "app_closed", "unheard_of"]

VALUES = st.one_of(st.sampled_from(["", "a", "b"]), st.booleans(), st.integers(-2, 2), st.sampled_from([0.5, 1.5]))
PROPERTIES = st.dictionaries(st.sampled_from(["session_properties.a", "session_properties.b"]), VALUES, max_size=2)


@st.composite
def histories(
    draw: st.DrawFn,
    sessions: tuple[str, ...] = ("s1", "s2"),
    instances: tuple[str, ...] = ("i",),
    latest: int = 60,
    longest: int = 12,
    most: int = 12,
) -> list[SimpleNamespace]:
    """Events with unique ids; places in the streams are unique where they are numbered, and may have gaps."""
    drawn = draw(
        st.lists(
            st.fixed_dictionaries(
                {
                    "kind": st.sampled_from(KINDS),
                    "timestamp": st.integers(0, latest),
                    "duration": st.one_of(st.just(0), st.integers(0, longest)),
                    "stream_id": st.sampled_from(["a", "b"]),
                    "sequence": st.integers(-1, 8),
                    "session_id": st.sampled_from(sessions),
                    "instance_id": st.sampled_from(instances),
                    "user_identifier": st.sampled_from(["", "", "u", "v"]),
                    "retag": st.booleans(),
                    "previous_session_id": st.sampled_from(["", "s0"]),
                    "start_reason": st.sampled_from(REASONS),
                    "end_reason": st.sampled_from(REASONS),
                    "clock_offset": st.sampled_from([0, 1, 5_000_000, -5_000_000]),
                    "session_properties": PROPERTIES,
                }
            ),
            max_size=most,
        )
    )
    events, taken = [], set()
    for number, fields in enumerate(drawn):
        place = (fields["session_id"], fields["stream_id"], fields["sequence"])
        if fields["sequence"] >= 0 and place in taken:
            continue
        taken.add(place)
        events.append(SimpleNamespace(event_id=f"e{number:02}", **fields))
    return events


ABSENCES = st.dictionaries(
    st.sampled_from(["s1", "s2"]),
    st.frozensets(st.tuples(st.sampled_from(["a", "b", "c"]), st.integers(0, 10)), max_size=4),
)


@st.composite
def deliveries(draw: st.DrawFn, events: list[Any]) -> list[list[Any]]:
    """The same events in some order, some of them twice, in batches."""
    copies = draw(st.lists(st.sampled_from(events), max_size=5)) if events else []
    queue = draw(st.permutations(events + copies))
    cuts = sorted(draw(st.lists(st.integers(0, len(queue)), max_size=3)))
    return [queue[a:b] for a, b in zip([0, *cuts], [*cuts, len(queue)], strict=True)]


def assert_all_hold(
    histories: st.SearchStrategy[T], count: int, at_once: int, problems: Callable[[list[T]], list[str]]
) -> None:
    """Random histories, many of them checked at once where each has something to wait for.

    `problems` plays histories beside each other and says of each what is wrong with it, or "". One that broke is drawn
    again and checked alone, and made as small as it goes.
    """
    chosen = random.getrandbits(64)
    every = settings(max_examples=count, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    drawn: list[T] = []

    @seed(chosen)
    @settings(every, phases=[Phase.generate])
    @given(histories)
    def draw(history: T) -> None:
        drawn.append(history)

    draw()
    assert len(drawn) >= count
    broken: dict[int, str] = {}
    for first in range(0, len(drawn), at_once):
        found = problems(drawn[first : first + at_once])
        broken |= {number: problem for number, problem in enumerate(found, first) if problem}
    if not broken:
        return
    numbers = itertools.count()
    is_smaller = False

    @seed(chosen)
    @settings(every, phases=[Phase.generate, Phase.shrink])
    @given(histories)
    def holds_alone(history: T) -> None:
        nonlocal is_smaller
        # The same ones come in the same order, until one fails: from then on they are smaller ones of that.
        if is_smaller or next(numbers) in broken:
            (problem,) = problems([history])
            is_smaller = is_smaller or bool(problem)
            assert not problem, problem

    holds_alone()
    number, problem = min(broken.items())
    raise AssertionError(
        f"{len(broken)} histories broke beside others and not alone; one of them:\n{problem}\n{drawn[number]}"
    )
