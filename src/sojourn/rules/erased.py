"""What was erased stays erased: events of before an erasure that arrive late are known again, by keyed hashes alone."""

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from functools import lru_cache

_REMEMBERED = 10_000
"""Hashes of identifiers and sources that are not worked out again."""


class Erased:
    """What was erased of one frontend: users, sources of events, single events, each with the time in microseconds."""

    def __init__(self, key: bytes, times: Mapping[str, int]) -> None:
        """`times` are by `user_digest`, `source_digest` and `event_digest`."""
        self.newest = max(times.values(), default=-1)
        self._time_of_user = lru_cache(_REMEMBERED)(lambda text: times.get(user_digest(key, text), -1))
        self._time_of_source = lru_cache(_REMEMBERED)(lambda text: times.get(source_digest(key, text), -1))
        self._key = key
        self._times = times

    def covers(self, identifier: str, source_id: str, event_id: str, time: int) -> bool:
        """Whether an event of this user ("" is none), source, id and time was erased, or would have been.

        Of a client's session all is, and so is what came without a name from a device that none but the user had used.
        What others did on a device that they share with the user is not, unless it was within a session of the user.
        """
        if time > self.newest:
            return False
        if identifier and time <= self._time_of_user(identifier):
            return True
        if not source_id.startswith("~"):
            return time <= self._time_of_source(source_id)
        return (not identifier and time <= self._time_of_source(source_id)) or time <= self._times.get(
            event_digest(self._key, event_id), -1
        )

    def users(self, identifiers: Iterable[str]) -> list[str]:
        """Those of some users that were erased at any time."""
        return [identifier for identifier in identifiers if identifier and self._time_of_user(identifier) >= 0]

    def sources(self, source_ids: Iterable[str]) -> list[str]:
        """Those of some sources that were erased at any time."""
        return [source_id for source_id in source_ids if self._time_of_source(source_id) >= 0]


def user_digest(key: bytes, identifier: str) -> str:
    """What an erased user is known by."""
    return _digest(key, "user", identifier)


def source_digest(key: bytes, source_id: str) -> str:
    """What an erased session of a client is known by, or an instance without session ids of which all was erased."""
    return _digest(key, "session", source_id)


def event_digest(key: bytes, event_id: str) -> str:
    """What an erased event is known by, of a source of which others stayed."""
    return _digest(key, "event", event_id)


def _digest(key: bytes, kind: str, text: str) -> str:
    return hmac.new(key, f"erased {kind} {text}".encode(errors="replace"), hashlib.sha256).hexdigest()[:32]
