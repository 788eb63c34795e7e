"""What the application hands over: the `…Data` objects and the plain dicts that are taken in their place."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final, Self

import msgspec

EVENT_PREFIX: Final = "event_properties."
SESSION_PREFIX: Final = "session_properties."


class DataError(ValueError):
    """The application handed over something that cannot be read; the message says what and why."""


class _Named(msgspec.Struct, gc=False):
    """The one field that is also taken by its place."""

    name: str = ""


class EventData(_Named, kw_only=True, gc=False):
    """A custom event. `duration` is in microseconds (or a timedelta), counted back from the moment it is sent."""

    duration: int | timedelta = 0
    event_properties: Mapping[str, Any] = msgspec.field(default_factory=dict)

    def add_event_property(self, name: str, value: Any) -> Self:
        """Set one property, by its full name (`event_properties.…`)."""
        # A new dict, as the one at hand may be the application's own.
        self.event_properties = {**self.event_properties, name: value}
        return self


class SessionPropertyEventData:
    """Properties of the whole session, by their full names (`session_properties.…`)."""

    __slots__ = ("session_properties",)

    def __init__(self, session_properties: Mapping[str, Any] | None = None) -> None:
        self.session_properties: dict[str, Any] = {} if session_properties is None else dict(session_properties)

    def add_session_property(self, name: str, value: Any) -> Self:
        """Set one property, by its full name."""
        self.session_properties[name] = value
        return self


class ExceptionEventData:
    """An error: an exception, or its type, message and stack trace as text."""

    __slots__ = ("event_properties", "exception", "message", "stacktrace", "type")

    def __init__(
        self,
        exception: BaseException | None = None,
        *,
        type: str = "",  # noqa: A002 - the word of OpenTelemetry (`exception.type`)
        message: str = "",
        stacktrace: str = "",
        event_properties: Mapping[str, Any] | None = None,
    ) -> None:
        self.exception = exception
        self.type = type
        self.message = message
        self.stacktrace = stacktrace
        self.event_properties: dict[str, Any] = {} if event_properties is None else dict(event_properties)

    def add_event_property(self, name: str, value: Any) -> Self:
        """Set one property, by its full name."""
        self.event_properties[name] = value
        return self


class HttpRequestEventData:
    """An HTTP request of the application. `duration` in microseconds or a timedelta; sizes in bytes, -1 unknown."""

    __slots__ = (
        "duration",
        "error",
        "event_properties",
        "method",
        "request_size",
        "response_size",
        "status_code",
        "url",
    )

    def __init__(
        self,
        url: str = "",
        method: str = "GET",
        *,
        status_code: int = 0,
        duration: int | timedelta = 0,
        request_size: int = -1,
        response_size: int = -1,
        error: str = "",
        event_properties: Mapping[str, Any] | None = None,
    ) -> None:
        self.url = url
        self.method = method
        self.status_code = status_code
        self.duration = duration
        self.request_size = request_size
        self.response_size = response_size
        self.error = error
        self.event_properties: dict[str, Any] = {} if event_properties is None else dict(event_properties)

    def add_event_property(self, name: str, value: Any) -> Self:
        """Set one property, by its full name."""
        self.event_properties[name] = value
        return self

    def attributes(self) -> dict[str, Any]:
        """The facts under the names that OpenTelemetry gives them; what is unknown is left out."""
        facts: dict[str, Any] = {"http.request.method": str(self.method).upper(), "url.full": str(self.url)}
        if self.status_code:
            facts["http.response.status_code"] = int(self.status_code)
        if self.request_size >= 0:
            facts["http.request.body.size"] = int(self.request_size)
        if self.response_size >= 0:
            facts["http.response.body.size"] = int(self.response_size)
        if self.error:
            facts["error.type"] = str(self.error)
        return facts


def as_event(data: object) -> EventData:
    """An EventData, a name, or a dict of `name`, `duration`, `event_properties` and full property names."""
    if isinstance(data, EventData):
        return data
    if isinstance(data, str):
        return EventData(data)
    fields, properties = _read(data, EVENT_PREFIX, ("name", "duration"))
    return EventData(str(fields.get("name", "")), duration=fields.get("duration", 0), event_properties=properties)


def as_session_properties(data: object) -> SessionPropertyEventData:
    """A SessionPropertyEventData, or a dict of `session_properties` or of full property names."""
    if isinstance(data, SessionPropertyEventData):
        return data
    return SessionPropertyEventData(_read(data, SESSION_PREFIX, ())[1])


def as_exception(data: object) -> ExceptionEventData:
    """An ExceptionEventData, an exception, or a dict of its fields."""
    if isinstance(data, ExceptionEventData):
        return data
    if isinstance(data, BaseException):
        return ExceptionEventData(data)
    fields, properties = _read(data, EVENT_PREFIX, ("exception", "type", "message", "stacktrace"))
    return ExceptionEventData(**fields, event_properties=properties)


def as_http_request(data: object) -> HttpRequestEventData:
    """An HttpRequestEventData, or a dict of its fields."""
    if isinstance(data, HttpRequestEventData):
        return data
    names = ("url", "method", "status_code", "duration", "request_size", "response_size", "error")
    fields, properties = _read(data, EVENT_PREFIX, names)
    return HttpRequestEventData(**fields, event_properties=properties)


def microseconds(duration: object) -> int:
    """A duration in microseconds. Raises DataError for a negative one and for another type."""
    if isinstance(duration, timedelta):
        duration = duration // timedelta(microseconds=1)
    if isinstance(duration, bool) or not isinstance(duration, int | float) or not 0 <= duration < 2**62:
        raise DataError(f"a duration is a whole number of microseconds or a timedelta, not {duration!r:.80}")
    return int(duration)


def _read(data: object, prefix: str, names: tuple[str, ...]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The known fields of a plain dict, and its properties, wherever they stand.

    Any other key counts as a property, so that the check of names tells the developer about it and the rest is kept.
    """
    if not isinstance(data, Mapping):
        raise DataError(f"a dict or a data object is expected, not {type(data).__name__}")
    fields: dict[str, Any] = {}
    properties: dict[str, Any] = {}
    nested = prefix[:-1]
    for key, value in data.items():
        if key == nested and isinstance(value, Mapping):
            properties.update(value)
        elif key in names:
            fields[key] = value
        else:
            properties[key] = value
    return fields, properties
