"""The rules' check of properties, which tells the developer what it leaves out. The rules decide."""

from collections.abc import Mapping
from typing import Any

from sojourn.rules.limits import MAX_EVENT_PROPERTIES
from sojourn.rules.names import PropertyKind, name_problem
from sojourn.rules.properties import Discard, DiscardReason, clean_properties
from sojourn.sdk.notices import Notices


class PropertyCheck:
    """Checks the properties of events and tells the developer once per key what was discarded and why."""

    __slots__ = ("_notices",)

    def __init__(self, notices: Notices) -> None:
        self._notices = notices

    def clean(self, kind: PropertyKind, properties: Mapping[str, Any]) -> dict[str, Any]:
        """The valid properties, in the order in which they came where all are; each discarded key is told once."""
        kept, discards = clean_properties(kind, properties)
        for discard in discards:
            self._tell(kind, discard)
        # In their own order they are a shape by which the next event with these names is known (`express.py`).
        return kept if discards else {str.__str__(key): kept[key] for key in properties}

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
