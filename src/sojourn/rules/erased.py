"""What was erased stays erased: events of before an erasure that arrive late are known again, by keyed hashes alone."""

import hashlib
import hmac
from collections.abc import Mapping
from functools import lru_cache

_REMEMBERED = 10_000
"""Hashes of identifiers and sessions that are not worked out again."""


class Erased:
    """The erased users and sessions of one frontend, each with the time of its erasure in microseconds."""

    def __init__(self, key: bytes, times: Mapping[str, int]) -> None:
        """`times` are by `user_digest` and `session_digest`."""
        self._time_of_user = lru_cache(_REMEMBERED)(lambda text: times.get(user_digest(key, text), -1))
        self._time_of_session = lru_cache(_REMEMBERED)(lambda text: times.get(session_digest(key, text), -1))

    def covers(self, identifier: str, session_id: str, time: int) -> bool:
        """Whether an event of this user ("" is none) and session, of this time, was erased or would have been."""
        return bool(
            (session_id and time <= self._time_of_session(session_id))
            or (identifier and time <= self._time_of_user(identifier))
        )


def user_digest(key: bytes, identifier: str) -> str:
    """What an erased user is known by."""
    return _digest(key, "user", identifier)


def session_digest(key: bytes, session_id: str) -> str:
    """What an erased session is known by."""
    return _digest(key, "session", session_id)


def _digest(key: bytes, kind: str, text: str) -> str:
    return hmac.new(key, f"erased {kind} {text}".encode(errors="replace"), hashlib.sha256).hexdigest()[:32]
