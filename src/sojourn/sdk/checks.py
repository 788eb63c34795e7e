"""The rules' check of properties, with a fast path for names that passed it before. The rules decide."""

from collections.abc import Callable, Mapping
from math import isfinite
from operator import itemgetter
from typing import Any, Final

from sojourn.rules.limits import MAX_EVENT_PROPERTIES
from sojourn.rules.names import PropertyKind, name_problem
from sojourn.rules.properties import Discard, DiscardReason, clean_properties
from sojourn.sdk.notices import Notices

PLAIN: Final = frozenset({str, int, float, bool})
"""Types that the rules allow as they are; a subclass of one of them is looked at by the rules."""
MOST_REMEMBERED: Final = 1_000


class PropertyCheck:
    """Checks the properties of events and tells the developer once per key what was discarded and why."""

    __slots__ = ("_known", "_notices", "_numbers_of")

    def __init__(self, notices: Notices) -> None:
        self._notices = notices
        self._known: set[str] = set()
        self._numbers_of: dict[tuple[type, ...], Callable[[tuple[Any, ...]], tuple[Any, ...]]] = {}

    def is_plain(self, properties: Mapping[str, Any]) -> bool:
        """Whether event properties need no look by the rules: known names, plain types, finite numbers.

        A text may still be too long; that shows in the length of the encoded event. This runs in the caller's
        inner loop, so the work over all properties is done by built-in functions.
        """
        if (
            type(properties) is not dict
            or len(properties) > MAX_EVENT_PROPERTIES
            or not self._known.issuperset(properties)
        ):
            return False
        values = tuple(properties.values())
        numbers_of = self._numbers_of.get(tuple(map(type, values)))
        try:
            return numbers_of is not None and isfinite(sum(numbers_of(values)))
        except OverflowError:
            return False

    def clean(self, kind: PropertyKind, properties: Mapping[str, Any]) -> dict[str, Any]:
        """The valid properties. What passed is remembered for `is_plain`; each discarded key is told once."""
        kept, discards = clean_properties(kind, properties)
        for discard in discards:
            self._tell(kind, discard)
        if kind is PropertyKind.EVENT and not discards and len(self._known) < MOST_REMEMBERED:
            self._known.update(kept)
            types = tuple(map(type, properties.values()))
            if PLAIN.issuperset(types) and len(self._numbers_of) < MOST_REMEMBERED:
                self._numbers_of[types] = _numbers_at([at for at, of in enumerate(types) if of in (int, float)])
        return kept

    def _tell(self, kind: PropertyKind, discard: Discard) -> None:
        match discard.reason:
            case DiscardReason.INVALID_NAME:
                problem = name_problem(discard.key, kind)
            case DiscardReason.TOO_MANY:
                problem = f"an event has at most {MAX_EVENT_PROPERTIES} properties"
            case _:
                problem = f"a value is a str, bool, int or finite float, not {discard.value!r:.60}"
        self._notices.tell(
            f"discard:{discard.key:.200}:{discard.reason}", "%.200s: %s; discarded", discard.key, problem
        )


def _numbers_at(places: list[int]) -> Callable[[tuple[Any, ...]], tuple[Any, ...]]:
    """A function that picks the values at these places."""
    if len(places) > 1:
        return itemgetter(*places)
    return lambda values: tuple(values[place] for place in places)
