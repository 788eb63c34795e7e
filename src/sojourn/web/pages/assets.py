"""Our styles and modules: read once, served under a name with their digest, so that a browser may keep them."""

import gzip
import hashlib
import re
from dataclasses import dataclass
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any

from litestar import Request, Response, get

from sojourn.web.errors import ApiError

_TYPES = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
_KEPT = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class Asset:
    """One file, plain and packed."""

    media_type: str
    plain: bytes
    packed: bytes


@cache
def assets() -> tuple[str, dict[str, Asset]]:
    """The digest of all files together, and the files by path."""
    found: dict[str, Asset] = {}
    _collect(resources.files("sojourn.web").joinpath("static"), "", found)
    digest = hashlib.sha256()
    for path in sorted(found):
        digest.update(path.encode() + b"\0" + found[path].plain)
    return digest.hexdigest()[:12], found


def _collect(directory: Traversable, prefix: str, found: dict[str, Asset]) -> None:
    for entry in directory.iterdir():
        if entry.is_dir():
            _collect(entry, f"{prefix}{entry.name}/", found)
        elif (media_type := _TYPES.get(entry.name.rpartition(".")[2])) is not None:
            plain = _compact(entry.read_text()).encode() if media_type == "text/css" else entry.read_bytes()
            found[prefix + entry.name] = Asset(media_type, plain, gzip.compress(plain, mtime=0))


def _compact(css: str) -> str:
    """A style sheet without its comments and idle space."""
    return re.sub(r"\s*([{};,])\s*", r"\1", re.sub(r"\s+", " ", re.sub(r"/\*.*?\*/", "", css, flags=re.DOTALL)))


def asset_url(path: str) -> str:
    """Where a page finds a file. The modules of one folder find each other by their plain names."""
    digest, found = assets()
    if path not in found:
        raise KeyError(path)
    return f"/static/{digest}/{path}"


@get("/static/{digest:str}/{path:path}", sync_to_thread=False, include_in_schema=False)
def serve_asset(request: Request[Any, Any, Any], digest: str, path: str) -> Response[bytes]:
    """A file of ours; an old digest gets the new file, which nobody may keep."""
    current, found = assets()
    asset = found.get(path.lstrip("/"))
    if asset is None:
        raise ApiError(404, "there is no such file")
    headers = {"Cache-Control": _KEPT if digest == current else "no-cache", "Vary": "Accept-Encoding"}
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Response(asset.packed, media_type=asset.media_type, headers={**headers, "Content-Encoding": "gzip"})
    return Response(asset.plain, media_type=asset.media_type, headers=headers)
