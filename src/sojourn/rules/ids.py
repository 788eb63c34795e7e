"""Ids that clients make: of instances, sessions, streams and actions. They stand in URLs as they are."""

import re
from typing import Final

from sojourn.rules.limits import MAX_ID

_ID: Final = re.compile(rf"[A-Za-z0-9][A-Za-z0-9_.:|@=+-]{{0,{MAX_ID - 1}}}")
ID_RULE: Final = f"at most {MAX_ID} ASCII letters, digits and _ . : | @ = + -, the first a letter or digit"
"""The rule in words, for an error."""


def is_id(value: str) -> bool:
    """Whether a value can be an id."""
    return _ID.fullmatch(value) is not None
