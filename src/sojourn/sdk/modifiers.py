"""Event modifiers: functions of the application that see, change or drop each event before it is queued."""

from collections.abc import Callable, Iterable
from typing import Any

from sojourn.sdk.notices import Notices

EventModifier = Callable[[dict[str, Any]], dict[str, Any] | None]
"""Takes the event as a dict of `kind`, `name`, `duration` (microseconds), `event_properties`, `session_properties` and
`attributes`, and gives it back, changed or not; None drops the event. `kind` cannot be changed."""


def modified(modifiers: Iterable[EventModifier], event: dict[str, Any], notices: Notices) -> dict[str, Any] | None:
    """The event after all modifiers, in the order of their adding; None when one dropped it.

    A modifier that raises drops the event: it may have been about to remove something that must not leave.
    """
    for modifier in list(modifiers):
        try:
            result = modifier(event)
        except Exception as error:
            name = getattr(modifier, "__qualname__", repr(modifier))
            notices.tell(f"modifier:{name}", "the event modifier %s raised %r; its events are dropped", name, error)
            return None
        if result is None:
            return None
        event = {**event, **result, "kind": event["kind"]}
    return event
