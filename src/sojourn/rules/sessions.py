"""When a session ends: the one rule that the SDK asks with its clock and the server with the times of events."""

from bisect import bisect_right
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol

from sojourn.rules.limits import IDLE_TIMEOUT_OTHER, IDLE_TIMEOUT_WEB, MAX_DURATION


class FrontendType(StrEnum):
    """What kind of application a frontend is."""

    WEB = "web"
    MOBILE = "mobile"
    DESKTOP = "desktop"
    OTHER = "other"


class EndReason(StrEnum):
    """Why a session ended."""

    TIMEOUT = "timeout"
    DURATION = "duration"
    END_SESSION = "end_session"
    PRIVACY_CHANGE = "privacy_change"
    CRASH = "crash"
    APP_CLOSED = "app_closed"


class StartReason(StrEnum):
    """Why a session started: at start-up, or because the one before it ended."""

    START_UP = "start_up"
    TIMEOUT = "timeout"
    DURATION = "duration"
    END_SESSION = "end_session"
    PRIVACY_CHANGE = "privacy_change"
    CRASH = "crash"


RETAGGED_AFTER: Final = frozenset({EndReason.TIMEOUT, EndReason.DURATION})
"""The ends after which the next session carries the same user identifier without being asked."""


@dataclass(frozen=True, slots=True)
class SessionPolicy:
    """The two timeouts of a frontend, in microseconds. A session splits at exactly the limit."""

    idle_timeout: int
    max_duration: int

    @classmethod
    def default(cls, frontend_type: FrontendType) -> "SessionPolicy":
        """What a new frontend of this type gets."""
        idle = IDLE_TIMEOUT_WEB if frontend_type is FrontendType.WEB else IDLE_TIMEOUT_OTHER
        return cls(idle, MAX_DURATION)

    def during(self, start: int, end: int) -> "SessionPolicy":  # noqa: ARG002
        """These timeouts, as they never change."""
        return self


class Policies(Protocol):
    """The timeouts of a frontend over the time: a policy that never changes, or a history."""

    def during(self, start: int, end: int) -> SessionPolicy:
        """What a session that began at `start` and is looked at from `end` has to keep."""
        ...


@dataclass(frozen=True, slots=True)
class PolicyHistory:
    """Policies with the times since when they are in force, in ascending order; the first one holds before, too.

    A client follows the timeouts that it last heard of. So a session has to keep the most generous ones that were
    in force at some time of it, and a change of the timeouts never splits a session that kept them.
    """

    entries: tuple[tuple[int, SessionPolicy], ...]

    def during(self, start: int, end: int) -> SessionPolicy:
        """The most generous timeouts between two times."""
        if len(self.entries) == 1:
            return self.entries[0][1]
        held = self._between(start, end)
        return SessionPolicy(max(one.idle_timeout for one in held), max(one.max_duration for one in held))

    def strictest_since(self, start: int) -> SessionPolicy:
        """The strictest timeouts from a time on: who keeps them keeps any of the others."""
        held = self._between(start, self.entries[-1][0])
        return SessionPolicy(min(one.idle_timeout for one in held), min(one.max_duration for one in held))

    def _between(self, start: int, end: int) -> list[SessionPolicy]:
        times = [since for since, _ in self.entries]
        first = max(bisect_right(times, start) - 1, 0)
        return [policy for _, policy in self.entries[first : max(bisect_right(times, end), first + 1)]]


class SessionLife:
    """The age of one session and its time without activity, fed with times in microseconds.

    A time before the last one (a clock that was set back) adds nothing to the age and starts the idle time
    anew, so a session never ends because of it and never lives for ever.
    """

    __slots__ = ("_age", "_last")

    def __init__(self, start: int) -> None:
        self._age = 0
        self._last = start

    def touch(self, now: int) -> None:
        """There was activity at `now`."""
        if now > self._last:
            self._age += now - self._last
        self._last = now

    def split_due(self, now: int, policy: SessionPolicy) -> EndReason | None:
        """Why an activity at `now` belongs to a new session; None when it belongs to this one.

        Where both limits were passed, the one that was reached first is the reason.
        """
        silent = now - self._last
        left = policy.max_duration - self._age
        if silent < policy.idle_timeout and silent < left:
            return None
        return EndReason.TIMEOUT if policy.idle_timeout <= left else EndReason.DURATION

    def next_deadline(self, policy: SessionPolicy) -> int:
        """The time at which, without more activity, the session is over."""
        return self._last + min(policy.idle_timeout, policy.max_duration - self._age)
