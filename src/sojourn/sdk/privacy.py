"""Privacy options: what each data collection level lets through."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from sojourn.rules.events import EventKind


class DataCollectionLevel(StrEnum):
    """How much may leave the process. The values are wire names."""

    OFF = "off"
    PERFORMANCE = "performance"
    USER_BEHAVIOR = "user_behavior"


@dataclass(frozen=True, slots=True)
class UserPrivacyOptions:
    """What the user agreed to. Crash reporting is asked for apart from the level."""

    data_collection_level: DataCollectionLevel = DataCollectionLevel.OFF
    crash_reporting_opted_in: bool = False

    def __post_init__(self) -> None:
        # A plain word is taken too; anything else is refused here, where the developer sees it.
        object.__setattr__(self, "data_collection_level", DataCollectionLevel(self.data_collection_level))


OPTED_OUT: Final = UserPrivacyOptions()
"""What holds in opt-in mode until the application says otherwise."""
ALL: Final = UserPrivacyOptions(DataCollectionLevel.USER_BEHAVIOR, crash_reporting_opted_in=True)
"""What holds without opt-in mode."""

PERSONAL_KINDS: Final = frozenset({EventKind.IDENTIFY.value, EventKind.SESSION_PROPERTIES.value, EventKind.EVENT.value})
"""Kinds that need the level `user_behavior`."""


def allows(options: UserPrivacyOptions, kind: str) -> bool:
    """Whether an event of this kind may be recorded."""
    if options.data_collection_level is DataCollectionLevel.OFF:
        return False
    if kind == EventKind.CRASH and not options.crash_reporting_opted_in:
        return False
    return options.data_collection_level is DataCollectionLevel.USER_BEHAVIOR or kind not in PERSONAL_KINDS
