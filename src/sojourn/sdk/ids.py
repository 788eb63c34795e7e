"""Ids: UUIDv7 for sessions (random) and for events (made of what is known of the event)."""

import os


def new_id(wall: int) -> str:
    """A random UUIDv7. `wall` is the time in microseconds."""
    random = int.from_bytes(os.urandom(10), "big")
    digits = f"{(wall // 1000) << 80 | random:032x}"
    return f"{digits[:8]}-{digits[8:12]}-7{digits[13:16]}-{8 + (random >> 62 & 3):x}{digits[17:20]}-{digits[20:]}"


def random_hex(count: int) -> str:
    """`count` random bytes as lower-case digits."""
    return os.urandom(count).hex()


def event_id(wall: int, count: int, node: str) -> str:
    """The UUIDv7 of an event at `wall` microseconds: its time, 22 bits of its count, and its node.

    `node` is ten random digits, drawn for one session in one stream. `count` goes on from session to session. The same
    event has the same id whenever it is asked for, and ids are in the order of time, those of one moment of the count.
    """
    millisecond, rest = divmod(wall, 1000)
    return "%08x-%04x-7%03x-%04x-%02x%s" % (  # noqa: UP031 - each event needs one, and this is the fastest
        millisecond >> 16,
        millisecond & 0xFFFF,
        rest * 4096 // 1000,
        count >> 8 & 0x3FFF | 0x8000,
        count & 0xFF,
        node,
    )
