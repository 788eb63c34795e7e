"""Ids for clients that send none of ours: the same content gives the same id, so a retry stays a copy."""

from hashlib import blake2b

from sojourn.rules.ids import is_id


def derived_id(*parts: str) -> str:
    """A UUID (version 8) that is a function of the parts and of nothing else."""
    return content_id("\x1f".join(parts).encode("utf-8", "surrogatepass"))


def content_id(content: bytes, key: bytes = b"") -> str:
    """The same for bytes; `key`, at most 64 bytes, sets apart equal contents of different origin."""
    digest = bytearray(blake2b(content, digest_size=16, key=key).digest())
    digest[6] = digest[6] & 0x0F | 0x80
    digest[8] = digest[8] & 0x3F | 0x80
    h = digest.hex()
    return f"{h[:8]}-{h[8:12]}-{h[12:16]}-{h[16:20]}-{h[20:]}"


def usable_id(sent: str, scope: str) -> str:
    """The client's own id where it can be one of ours, else a UUID derived from it; "" stays ""."""
    if not sent or is_id(sent):
        return sent
    return derived_id(scope, sent)
