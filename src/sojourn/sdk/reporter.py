"""What stands between an agent's calls and its recorder: privacy, modifiers, the check of properties, open actions."""

import traceback
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sojourn.rules.events import EventKind
from sojourn.rules.limits import MAX_ATTRIBUTE_VALUE, MAX_NAME
from sojourn.rules.names import PropertyKind
from sojourn.sdk.channel import Channel
from sojourn.sdk.data import ExceptionEventData, as_event, microseconds
from sojourn.sdk.modifiers import EventModifier, modified
from sojourn.sdk.notices import Notices
from sojourn.sdk.privacy import DataCollectionLevel, UserPrivacyOptions, allows
from sojourn.sdk.recorder import EMPTY, Recorder

if TYPE_CHECKING:
    from sojourn.sdk.actions import Action


class Reporter:
    """Turns what is reported into recorded events. Agents and their actions share one."""

    __slots__ = ("channel", "modifiers", "notices", "open_actions", "privacy", "recorder")

    def __init__(
        self, channel: Channel, recorder: Recorder, privacy: UserPrivacyOptions, modifiers: list[EventModifier]
    ) -> None:
        self.channel = channel
        self.notices: Notices = channel.notices
        self.recorder = recorder
        self.privacy = privacy
        self.modifiers = modifiers
        self.open_actions: list[Action] = []

    def allows(self, kind: EventKind) -> bool:
        """Whether an event of this kind may be recorded now."""
        return not self.channel.closed and allows(self.privacy, kind)

    def now(self) -> int:
        """The steady time, in microseconds."""
        return self.channel.clock.steady()

    def event(self, data: Any, parent_action_id: str = "") -> None:
        """A custom event. Raises DataError for something that is none."""
        event = as_event(data)
        self.report(
            EventKind.EVENT,
            str(event.name),
            duration=microseconds(event.duration),
            event_properties=event.event_properties,
            parent_action_id=parent_action_id,
        )

    def error(
        self,
        found: ExceptionEventData,
        parent_action_id: str = "",
        *,
        kind: EventKind = EventKind.ERROR,
        handled: bool = True,
    ) -> None:
        """An error or a crash, under the names that OpenTelemetry gives its facts."""
        error = found.exception
        facts = {
            "exception.type": found.type or (type(error).__qualname__ if error is not None else ""),
            "exception.message": found.message or (str(error) if error is not None else ""),
            # The innermost frames are at the end of a trace, and the end is what is kept of a long one.
            "exception.stacktrace": found.stacktrace
            or ("".join(traceback.format_exception(error)) if error is not None else ""),
        }
        attributes: dict[str, Any] = {key: str(value)[-MAX_ATTRIBUTE_VALUE:] for key, value in facts.items() if value}
        if not handled:
            attributes["exception.handled"] = False
        self.report(
            kind,
            attributes.get("exception.type", "error"),
            event_properties=found.event_properties,
            attributes=attributes,
            parent_action_id=parent_action_id,
        )

    def report(
        self,
        kind: EventKind,
        name: str,
        *,
        duration: int = 0,
        event_properties: Mapping[str, Any] = EMPTY,
        session_properties: Mapping[str, Any] = EMPTY,
        attributes: Mapping[str, Any] = EMPTY,
        parent_action_id: str = "",
    ) -> None:
        """Record an event that ends now, if privacy and modifiers let it through, with its valid properties."""
        if not self.allows(kind):
            return
        if self.privacy.data_collection_level is not DataCollectionLevel.USER_BEHAVIOR:
            event_properties = session_properties = EMPTY
        if self.modifiers:
            fields = modified(
                self.modifiers,
                {
                    "kind": kind.value,
                    "name": name,
                    "duration": duration,
                    "event_properties": dict(event_properties),
                    "session_properties": dict(session_properties),
                    "attributes": dict(attributes),
                },
                self.notices,
            )
            if fields is None:
                return
            name, duration = str(fields["name"]), microseconds(fields["duration"])
            event_properties, session_properties = fields["event_properties"], fields["session_properties"]
            attributes = fields["attributes"]
        check = self.channel.check
        if event_properties:
            event_properties = check.clean(PropertyKind.EVENT, event_properties)
        if session_properties:
            session_properties = check.clean(PropertyKind.SESSION, session_properties)
        if kind is EventKind.SESSION_PROPERTIES and not session_properties:
            return
        self.recorder.record(
            kind.value, name[:MAX_NAME], duration, event_properties, session_properties, attributes, parent_action_id
        )
