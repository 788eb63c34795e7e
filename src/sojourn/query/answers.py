"""What a question answers, as it goes out in JSON: field names are those of DESIGN section 5. Times in microseconds."""

from typing import Generic, TypeVar

import msgspec

T = TypeVar("T")


class Device(msgspec.Struct, kw_only=True):
    """What an instance runs on; "" is unknown."""

    type: str = ""
    manufacturer: str = ""
    model: str = ""


class Software(msgspec.Struct, kw_only=True):
    """A piece of software and its version; "" is unknown."""

    name: str = ""
    version: str = ""


class Session(msgspec.Struct, kw_only=True):
    """One session summary. `end_reason` is null while the session is live.

    `anonymous` marks a session without a user that is shown with the only user that its instance ever had.
    """

    session_id: str
    frontend: str
    instance_id: str
    previous_session_id: str | None
    start_time: int
    end_time: int
    duration: int
    live: bool
    start_reason: str | None
    end_reason: str | None
    user_identifier: str | None
    user_identifiers: list[str]
    session_properties: dict[str, msgspec.Raw]
    event_count: int
    action_count: int
    error_count: int
    missing_events: int
    absent_events: int
    empty: bool
    clock_offset: int
    device: Device
    os: Software
    browser: Software
    app_version: str
    anonymous: bool = False


class SessionEvent(msgspec.Struct, kw_only=True):
    """One event of a session. `session_properties` are the session's values, which hold for each of its events."""

    event_id: str
    session_id: str
    kind: str
    name: str
    timestamp: int
    client_timestamp: int
    received_at: int
    duration: int
    stream_id: str
    sequence: int | None
    user_identifier: str | None
    retag: bool
    start_reason: str | None
    end_reason: str | None
    action_id: str | None
    parent_action_id: str | None
    attributes: dict[str, msgspec.Raw]
    event_properties: dict[str, msgspec.Raw]
    reported_session_properties: dict[str, msgspec.Raw]
    session_properties: dict[str, msgspec.Raw]


class Instance(msgspec.Struct, kw_only=True):
    """One installation that a user was seen on."""

    instance_id: str
    device: Device
    os: Software
    browser: Software
    app_version: str
    first_seen: int
    last_seen: int
    session_count: int


class User(msgspec.Struct, kw_only=True):
    """One user identifier in the list of users."""

    identifier: str
    first_seen: int
    last_seen: int
    session_count: int
    instance_count: int


class UserDetail(User, kw_only=True):
    """One user with devices and newest sessions, of which `anonymous_session_count` are without an identifier.

    `identifiers` are all that are shown as this user. `properties` has the newest value of each session property.
    `days_active` counts days in UTC.
    """

    identifiers: list[str]
    anonymous_session_count: int
    days_active: int
    properties: dict[str, msgspec.Raw]
    instances: list[Instance]
    sessions: "Page[Session]"


class Stretch(msgspec.Struct, kw_only=True, rename={"start": "from", "end": "to"}):
    """A part of a session with one user, null for nobody. Times in microseconds."""

    identifier: str | None
    start: int
    end: int


class DiscardEntry(msgspec.Struct, kw_only=True):
    """One line of the ledger. `sample` is one value as JSON, cut to 100 characters; null where none is kept."""

    key: str
    reason: str
    sdk_version: str
    count: int
    first_seen: int
    last_seen: int
    sample: str | None


class Page(msgspec.Struct, Generic[T], kw_only=True):
    """A page of a list; `next` goes into the parameter `cursor`, null on the last page."""

    items: list[T]
    next: str | None
