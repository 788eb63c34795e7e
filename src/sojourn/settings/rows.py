"""What the settings hand out: frozen rows, free of any database object. Times in microseconds since 1970, UTC."""

from enum import StrEnum
from typing import Any

import msgspec

from sojourn.rules.sessions import FrontendType, SessionPolicy


class Role(StrEnum):
    """What an account or a token may do: everything; change what a frontend collects; read."""

    ADMIN = "admin"
    EDITOR = "editor"
    VIEWER = "viewer"


class Frontend(msgspec.Struct, frozen=True, kw_only=True):
    """One monitored application. `retention_days` None keeps events for ever; an archived one takes no events."""

    id: int
    name: str
    type: FrontendType
    created: int
    policy: SessionPolicy
    hash_identifiers: bool
    mask_ip: bool
    retention_days: int | None
    discard_retention_days: int
    archived: bool


class IngestKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key that events of a frontend are sent with. `revoked` is 0 while it is good."""

    key: str
    frontend: str
    created: int
    revoked: int


class HistoryEntry(msgspec.Struct, frozen=True, kw_only=True):
    """Who changed what, and when.

    `subject` is the kind of thing (`frontend`, `key`, `definition`, `merge`, `view`, `account`, `token`, `secret`,
    `user`) and `name` which one; `action` is `add`, `change` or `remove`; `before` and `after` hold what differs.
    `frontend` is "" where none is concerned.
    """

    id: int
    time: int
    actor: str
    frontend: str
    subject: str
    name: str
    action: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who can log in. `changed` is when the password or role was last set: older logins are void."""

    name: str
    role: Role
    created: int
    changed: int


class ApiToken(msgspec.Struct, frozen=True, kw_only=True):
    """A token of a program; the secret itself is not kept. `last_used` and `expires` are 0 for never."""

    name: str
    role: Role
    created: int
    last_used: int
    expires: int


class Merge(msgspec.Struct, frozen=True, kw_only=True):
    """Two user identifiers of a frontend that are one person: `identifier` is shown as `canonical`."""

    identifier: str
    canonical: str
    created: int
    actor: str


class SavedView(msgspec.Struct, frozen=True, kw_only=True):
    """A named page state: the query string of a frontend's page."""

    name: str
    query: str
    created: int
    actor: str
