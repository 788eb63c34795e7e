"""What a data collection level lets through; what the user agreed to is the SDK's to know."""

from enum import StrEnum
from typing import Final

from sojourn.rules.events import EventKind


class DataCollectionLevel(StrEnum):
    """How much may leave the process."""

    OFF = "off"
    PERFORMANCE = "performance"
    USER_BEHAVIOR = "user_behavior"


PERSONAL_KINDS: Final = frozenset({EventKind.IDENTIFY, EventKind.SESSION_PROPERTIES, EventKind.EVENT})
"""Kinds that need the level `user_behavior`: identifiers, session properties and custom events."""


def lets_through(level: DataCollectionLevel, crash_reporting: bool, kind: str) -> bool:
    """Whether an event of this kind may be recorded. Crashes are opted in to apart, and need a level above `off`."""
    if level is DataCollectionLevel.OFF or (kind == EventKind.CRASH and not crash_reporting):
        return False
    return level is DataCollectionLevel.USER_BEHAVIOR or kind not in PERSONAL_KINDS


def keeps_personal_data(level: DataCollectionLevel) -> bool:
    """Whether events may carry an identifier and properties, and the instance id outlives the process."""
    return level is DataCollectionLevel.USER_BEHAVIOR
