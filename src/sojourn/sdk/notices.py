"""What the SDK has to say to the developer: each thing once, through the `sojourn` logger, and never more than that."""

import contextlib
import logging
from collections import deque
from typing import Final

logger: Final = logging.getLogger("sojourn")

MAX_KEYS: Final = 1_000
"""Different things that are told; a program that makes up names without end must not fill the memory."""


class Notices:
    """Tells each thing once. Never raises, whatever the application's log handlers do."""

    __slots__ = ("_kept", "_told")

    def __init__(self) -> None:
        self._told: set[str] = set()
        self._kept: deque[tuple[str, tuple[object, ...]]] = deque()

    def tell(self, key: str, message: str, *arguments: object, level: int = logging.WARNING) -> None:
        """Log a message, unless something was told under this key before."""
        if key in self._told or len(self._told) >= MAX_KEYS:
            return
        self._told.add(key)
        self._log(level, message, *arguments)

    def keep(self, key: str, message: str, *arguments: object) -> None:
        """`tell`, but later: for whoever holds the channel's lock.

        A log handler may wait for anything, also for a thread that waits for that lock.
        """
        if key not in self._told and len(self._told) < MAX_KEYS:
            self._told.add(key)
            self._kept.append((message, arguments))

    def tell_kept(self) -> None:
        """Log what was kept for later. For the sender's thread, without any lock."""
        while self._kept:
            message, arguments = self._kept.popleft()
            self._log(logging.WARNING, message, *arguments)

    def forget(self, key: str) -> None:
        """The matter is settled; should it come back, it is worth telling again."""
        self._told.discard(key)

    def failed(self, doing: str) -> None:
        """An error of the SDK itself, with its trace. Call it in an `except` block."""
        key = f"failed:{doing}"
        if key not in self._told:
            self._told.add(key)
            # A log handler of the application that raises is its own affair.
            with contextlib.suppress(Exception):
                logger.exception("error inside the SDK while %s; the application is not affected", doing)

    def _log(self, level: int, message: str, *arguments: object) -> None:
        with contextlib.suppress(Exception):
            logger.log(level, message, *arguments)
