"""Ids: UUIDv7 for sessions (random) and for events (counted, so that one costs no system call)."""

import os


def new_id(wall: int) -> str:
    """A random UUIDv7. `wall` is the time in microseconds."""
    random = int.from_bytes(os.urandom(10), "big")
    digits = f"{(wall // 1000) << 80 | random:032x}"
    return f"{digits[:8]}-{digits[8:12]}-7{digits[13:16]}-{8 + (random >> 62 & 3):x}{digits[17:20]}-{digits[20:]}"


def random_hex(count: int) -> str:
    """`count` random bytes as lower-case digits."""
    return os.urandom(count).hex()


class EventIds:
    """UUIDv7s for the events of one process: time, a counter of 26 bits, and 48 random bits of its own.

    Not thread-safe: the caller holds the channel's lock.
    """

    __slots__ = ("_counter", "_head", "_node", "_page", "_since", "_until")

    def __init__(self) -> None:
        self._node = "-" + random_hex(6)
        self._page = int.from_bytes(os.urandom(1), "big")
        self._counter = 0x3FFF
        self._since = self._until = 0
        self._head = ""

    def next(self, wall: int) -> str:
        """The id of an event at `wall` microseconds."""
        counter = self._counter + 1
        if counter > 0x3FFF or not self._since <= wall < self._until:
            if counter > 0x3FFF:
                counter = 0
                self._page = (self._page + 1) & 0xFFF
            millisecond = wall // 1000
            self._since = millisecond * 1000
            self._until = self._since + 1000
            digits = f"{millisecond:012x}"
            self._head = f"{digits[:8]}-{digits[8:]}-7{self._page:03x}-"
        self._counter = counter
        return f"{self._head}{counter | 0x8000:x}{self._node}"
