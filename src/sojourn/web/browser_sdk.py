"""`/sojourn.js`: the browser SDK, one ES module, for pages of any origin."""

import gzip
import hashlib
from importlib import resources
from typing import Any

from litestar import Request, Response, get

from sojourn.web.ingest import CORS

_MODULE = resources.files("sojourn.web").joinpath("static", "sojourn.js").read_bytes()
_PACKED = gzip.compress(_MODULE, mtime=0)
_TAG = f'"{hashlib.sha256(_MODULE).hexdigest()[:16]}"'
_HEADERS = {
    **CORS,
    "Cache-Control": "public, max-age=3600",
    "ETag": _TAG,
    "Vary": "Accept-Encoding",
    "X-Content-Type-Options": "nosniff",
    # A page that isolates itself may load it too.
    "Cross-Origin-Resource-Policy": "cross-origin",
}


@get("/sojourn.js", include_in_schema=False)
async def browser_sdk(request: Request[Any, Any, Any]) -> Response[bytes]:
    """Serve the module, packed where the browser takes that."""
    if request.headers.get("if-none-match") == _TAG:
        return Response(b"", status_code=304, headers=_HEADERS)
    headers, body = dict(_HEADERS), _MODULE
    if "gzip" in request.headers.get("accept-encoding", ""):
        headers["Content-Encoding"] = "gzip"
        body = _PACKED
    return Response(body, media_type="text/javascript; charset=utf-8", headers=headers)
