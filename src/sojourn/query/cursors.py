"""Cursors of keyset pages: the last row's place in the order, opaque to the client and checked when it comes back."""

import base64
import binascii

import msgspec


class BadCursorError(ValueError):
    """A cursor that this server did not make."""


def write_cursor(*place: int | str) -> str:
    """A place in an order as text for a URL."""
    return base64.urlsafe_b64encode(msgspec.json.encode(place)).decode().rstrip("=")


def read_cursor(text: str, *types: type) -> tuple[int | str, ...]:
    """The place in a cursor; `types` are what it must hold. Raises BadCursorError."""
    try:
        place = msgspec.json.decode(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (binascii.Error, msgspec.DecodeError, UnicodeError, ValueError) as error:
        raise BadCursorError("cursor: not one that this server gave out") from error
    if not isinstance(place, list) or [type(part) for part in place] != list(types):
        raise BadCursorError("cursor: belongs to another list")
    return tuple(place)


def read_session_place(text: str | None) -> tuple[int, str] | None:
    """The start and the id of the session after which a list goes on; None for its beginning. Raises BadCursorError."""
    if text is None:
        return None
    start_time, session_id = read_cursor(text, int, str)
    return int(start_time), str(session_id)
