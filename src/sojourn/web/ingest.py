"""`POST /v1/events`: who sends, what the body holds, and the receipt once it is durable."""

import asyncio
from typing import Any

from litestar import Request, Response, post, route

from sojourn.ingest.admission import admit
from sojourn.ingest.check import batch_problem
from sojourn.web.bodies import MAX_BODY, read_body
from sojourn.web.errors import ApiError
from sojourn.web.services import Services
from sojourn.wire.messages import Parsed, Receipt
from sojourn.wire.native import read_batch, write_receipt

CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Headers": "authorization, content-type, content-encoding, x-sojourn-key, "
    "x-sojourn-frontend, user-agent",
    "Access-Control-Allow-Methods": "GET, POST, OPTIONS",
    "Access-Control-Max-Age": "86400",
}
"""Browsers of any origin may send; the key says to which frontend, and nothing can be read with it."""

MAX_EVENTS = 10_000
"""Events of one request."""
_INLINE = 256 << 10
"""A body below this is parsed on the event loop, which takes less time than a thread's round trip is worth."""


@route("/v1/events", http_method=["OPTIONS"], include_in_schema=False)
async def preflight() -> Response[None]:
    """Answer a browser that asks whether it may send."""
    return Response(None, status_code=204, headers=CORS)


@post("/v1/events", status_code=200, request_max_body_size=MAX_BODY)
async def take_events(request: Request[Any, Any, Any], services: Services) -> Response[bytes]:
    """Take a batch of events as native JSON, plain, gzip or zstd."""
    key = key_of(request)
    services.frontend_of_key(key, request.headers.get("x-sojourn-frontend"))
    body = await read_body(request)
    parsed = read_batch(body) if len(body) < _INLINE else await asyncio.to_thread(read_batch, body)
    receipt = await take(request, services, key, parsed)
    return Response(write_receipt(receipt), media_type="application/json", headers=CORS)


async def take(request: Request[Any, Any, Any], services: Services, key: str, parsed: Parsed) -> Receipt:
    """Admit a parsed batch and wait until it is durable. Every adapter's endpoint ends here."""
    problem = batch_problem(parsed.batch)
    if problem is not None:
        raise ApiError(400, problem[1], problem[0])
    if len(parsed.batch.events) > MAX_EVENTS:
        raise ApiError(413, f"events: {len(parsed.batch.events)}; at most {MAX_EVENTS} in one request", "events")
    terms = services.frontend_of_key(key, None)
    client_ip = request.client.host if request.client else ""
    if len(parsed.batch.events) < 500:
        admitted = admit(parsed, terms, services.now(), client_ip)
    else:
        admitted = await asyncio.to_thread(admit, parsed, terms, services.now(), client_ip)
    if len(admitted.rows):
        await asyncio.wrap_future(services.store.writer.submit(admitted.rows))
    services.metrics.count(terms.frontend, admitted.receipt)
    return admitted.receipt


def key_of(request: Request[Any, Any, Any]) -> str:
    """The ingest key of a request: a bearer token, the header X-Sojourn-Key, or the parameter `key` (for beacons)."""
    authorization = request.headers.get("authorization", "")
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() == "bearer" and token:
        return token.strip()
    return request.headers.get("x-sojourn-key") or request.query_params.get("key") or ""
