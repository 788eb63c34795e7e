"""User identifiers: what `identify_user` takes, and what becomes of the tag when a session ends."""

import hashlib
import hmac

from sojourn.rules.limits import MAX_USER_IDENTIFIER
from sojourn.rules.sessions import RETAGGED_AFTER, EndReason
from sojourn.rules.values import clean_text


def clean_identifier(identifier: object) -> str | None:
    """The identifier to tag with, cut to 250 code points; "" for None or "", which remove the tag.

    None for another type, which is the developer's mistake.
    """
    if identifier is None:
        return ""
    if not isinstance(identifier, str):
        return None
    return clean_text(identifier, MAX_USER_IDENTIFIER)


def identifier_after(reason: EndReason, identifier: str) -> str:
    """The tag of the session that follows one that ended for this reason ("" is untagged)."""
    return identifier if reason in RETAGGED_AFTER else ""


def hash_identifier(identifier: str, key: bytes) -> str:
    """The keyed hash that stands for an identifier, 32 hexadecimal characters: the same user has the same one."""
    return hmac.new(key, identifier[:MAX_USER_IDENTIFIER].encode(errors="replace"), hashlib.sha256).hexdigest()[:32]
