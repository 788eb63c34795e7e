"""Request bodies: read within a limit, and unpacked within another, so that a small body cannot become a large one."""

import asyncio
import zlib
from typing import Any

import zstandard
from litestar import Request

from sojourn.web.errors import ApiError

MAX_BODY = 8 << 20
"""Bytes of a request's body as it is sent."""
MAX_UNPACKED = 32 << 20
"""Bytes of a body after unpacking."""
_INLINE = 64 << 10
"""A packed body below this is unpacked at once; a larger one on a thread, so that the event loop never waits."""


async def read_body(request: Request[Any, Any, Any]) -> bytes:
    """The body, unpacked by its Content-Encoding (none, gzip, deflate or zstd). Raises ApiError 400, 413 and 415."""
    length = request.headers.get("content-length")
    if length is not None and length.isdecimal() and int(length) > MAX_BODY:
        raise ApiError(413, f"the body has {length} bytes; at most {MAX_BODY} are taken")
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > MAX_BODY:
            raise ApiError(413, f"the body has more than {MAX_BODY} bytes")
        chunks.append(chunk)
    body = b"".join(chunks)
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding in ("", "identity"):
        return body
    if encoding not in ("gzip", "x-gzip", "deflate", "zstd"):
        raise ApiError(415, f"Content-Encoding {encoding[:40]!r}: gzip, deflate or zstd", "Content-Encoding")
    if len(body) < _INLINE:
        return unpack(body, encoding)
    return await asyncio.to_thread(unpack, body, encoding)


def unpack(body: bytes, encoding: str) -> bytes:
    """Unpack at most 32 MiB. Raises ApiError."""
    try:
        if encoding == "zstd":
            unpacked = zstandard.ZstdDecompressor(max_window_size=MAX_BODY).stream_reader(body).read(MAX_UNPACKED + 1)
            complete = True
        else:
            unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)
            unpacked = unpacker.decompress(body, MAX_UNPACKED + 1)
            complete = unpacker.eof or len(unpacked) > MAX_UNPACKED
    except (zlib.error, zstandard.ZstdError) as error:
        raise ApiError(400, f"the body is not valid {encoding}: {error}") from error
    if not complete:
        raise ApiError(400, f"the {encoding} body is cut off")
    if len(unpacked) > MAX_UNPACKED:
        raise ApiError(413, f"the body unpacks to more than {MAX_UNPACKED} bytes")
    return unpacked
