"""The checks of settings that are no property rules: texts, numbers and names, each with its limit."""

import re
from typing import Final

from sojourn.settings.errors import SettingsError

_FRONTEND_NAME: Final = re.compile(r"[a-z0-9-]{1,50}")
_UNSTORABLE: Final = re.compile("[\0\ud800-\udfff]")
"""What PostgreSQL or UTF-8 cannot hold."""


def is_storable(text: str) -> bool:
    """Whether a database can hold the text; what it cannot hold, it can neither be asked for."""
    return _UNSTORABLE.search(text) is None


def check_text(field: str, text: str, most: int, *, least: int = 0) -> str:
    """The text, if it can be stored and has from `least` to `most` code points."""
    if not least <= len(text) <= most:
        raise SettingsError(field, f"{len(text)} characters; from {least} to {most} are allowed")
    if not is_storable(text):
        raise SettingsError(field, "NUL characters and lone surrogates are not allowed")
    return text


def check_label(field: str, text: str, most: int) -> str:
    """A name that people read in lists: not blank, on one line."""
    check_text(field, text, most, least=1)
    if not text.strip() or not text.isprintable():
        raise SettingsError(field, "it must be printable and not blank")
    return text


def is_frontend_name(name: str) -> bool:
    """Whether a frontend can have this name, which stands in addresses."""
    return _FRONTEND_NAME.fullmatch(name) is not None


def check_frontend_name(name: str) -> str:
    """The name, if a frontend can have it."""
    if not is_frontend_name(name):
        raise SettingsError("name", f"{name[:60]!r}: from 1 to 50 of a-z, 0-9 and - are allowed")
    return name


def check_between(field: str, number: int, least: int, most: int) -> int:
    """The number, if it is in the range, both ends included."""
    if not least <= number <= most:
        raise SettingsError(field, f"{number}; from {least} to {most} are allowed")
    return number
