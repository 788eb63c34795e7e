"""Every number that the rules know, in one place; what is counted or matched lives beside its rule."""

from typing import Final

SECOND: Final = 1_000_000
MINUTE: Final = 60 * SECOND
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR
"""Times are integers in microseconds, everywhere."""

MAX_PROPERTY_NAME: Final = 100
"""Characters of a full property name, its prefix included."""
MAX_STRING_VALUE: Final = 5_000
"""Code points of a string value; a longer one is cut."""
MAX_DEFINITIONS: Final = 50
"""Property definitions of one frontend, event and session properties together."""
MAX_EVENT_PROPERTIES: Final = 50
"""Properties of one kind that an event keeps: the first in key order."""
MAX_USER_IDENTIFIER: Final = 250
"""Code points of a user identifier; a longer one is cut."""
MAX_NAME: Final = 250
"""Code points of an event's, action's or view's name; a longer one is cut."""
MAX_ID: Final = 100
"""Characters of a session, stream, instance or action id."""
MAX_ATTRIBUTES: Final = 32
"""Built-in facts (attributes) of one event."""
MAX_ATTRIBUTE_VALUE: Final = 32_000
"""Code points of an attribute's value, such as a stack trace; a longer one is cut."""
MAX_SEQUENCE: Final = 2**31 - 1
"""The highest sequence number of a stream."""
MAX_ACTION_DEPTH: Final = 9
"""Levels of actions below the root action."""
MAX_EVENT_DURATION: Final = 7 * DAY

IDLE_TIMEOUT_WEB: Final = 30 * MINUTE
IDLE_TIMEOUT_OTHER: Final = 10 * MINUTE
MAX_DURATION: Final = 6 * HOUR
SHORTEST_IDLE_TIMEOUT: Final = SECOND
LONGEST_MAX_DURATION: Final = 7 * DAY

MAX_EVENT_AGE: Final = 30 * DAY
"""How old an event may be when it arrives (the SDK may have been offline)."""
MAX_EVENT_LEAD: Final = HOUR
"""How far in the future an event's corrected time may be."""
SKEW_TOLERANCE: Final = 2 * SECOND
"""A clock offset up to this cannot be told from transit delay and is not corrected."""
