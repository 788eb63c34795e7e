"""The rules' check of properties, with a fast path for names that passed it before. The rules decide."""

from collections.abc import Mapping
from typing import Any, Final

from sojourn.rules.limits import MAX_EVENT_PROPERTIES, MAX_STRING_VALUE
from sojourn.rules.names import PropertyKind, name_problem
from sojourn.rules.properties import Discard, DiscardReason, clean_properties
from sojourn.sdk.notices import Notices

PLAIN: Final = frozenset({str, int, float, bool})
"""Types whose values need no look before they are encoded.

What can still be wrong (NaN, infinity, too long) shows in the encoded line, see `is_suspicious`.
"""
MAX_KNOWN: Final = 1_000


class PropertyCheck:
    """Checks the properties of events and tells the developer once per key what was discarded and why."""

    __slots__ = ("_notices", "known_event", "known_session")

    def __init__(self, notices: Notices) -> None:
        self._notices = notices
        self.known_event: set[str] = set()
        self.known_session: set[str] = set()

    def clean(self, kind: PropertyKind, properties: Mapping[str, Any]) -> dict[str, Any]:
        """The valid properties. Names that pass are remembered; each discarded key is told once."""
        kept, discards = clean_properties(kind, properties)
        for discard in discards:
            self._tell(kind, discard)
        known = self.known_event if kind is PropertyKind.EVENT else self.known_session
        if len(known) < MAX_KNOWN:
            known.update(kept)
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


def is_suspicious(line: bytes, start: int = 0) -> bool:
    """Whether an encoded event may hold a value that the rules would cut or discard; looked for from `start` on.

    NaN and infinity are encoded as null, and a string of more than 5,000 code points makes a line of at least
    as many bytes. A false alarm costs one closer look.
    """
    return len(line) > MAX_STRING_VALUE or line.find(b"null", start) >= 0
