"""`POST /v1/events`: who sends, what the body holds, and the receipt once it is durable."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from litestar import Request, Response, post, route

from sojourn.ingest.admission import admit
from sojourn.ingest.agents import complete
from sojourn.ingest.check import batch_problem
from sojourn.store.rows import Rows
from sojourn.store.writer import Overloaded
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

MAX_EVENTS = 50_000
"""Events of one request."""
SMALL_BODY = 128 << 10
_SMALL_COUNT = 500
"""Bytes that are parsed, and events that are admitted, on the event loop."""
_PAUSE_SECONDS = 0.25

T = TypeVar("T")


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
    small = len(body) < SMALL_BODY
    parsed = await here_or_on_a_thread(small, lambda: read_batch(body))
    [receipt] = await take(request, services, key, [parsed], small=small)
    return Response(write_receipt(receipt), media_type="application/json", headers=CORS)


async def here_or_on_a_thread(small: bool, work: Callable[[], T]) -> T:
    """Do a little work at once, as a thread's round trip would take longer; more of it beside the event loop."""
    return work() if small else await asyncio.to_thread(work)


async def take(
    request: Request[Any, Any, Any],
    services: Services,
    key: str,
    parsed: Sequence[Parsed],
    *,
    small: bool,
    address: str = "",
    patience: float = 0.0,
) -> list[Receipt]:
    """Admit the batches of one request and wait until all are durable, in one commit. All formats end here.

    `address` is the client's, where the body knows better than the connection. `patience` is how many seconds an
    overloaded store is waited for. Raises ApiError, and Overloaded.
    """
    for batch in (one.batch for one in parsed):
        if (problem := batch_problem(batch)) is not None:
            raise ApiError(400, problem[1], problem[0])
    count = sum(len(one.batch.events) for one in parsed)
    if count > MAX_EVENTS:
        raise ApiError(413, f"events: {count}; at most {MAX_EVENTS} in one request", "events")
    terms = services.frontend_of_key(key, None)
    for one in parsed:
        complete(one.batch, request.headers.get("user-agent", ""))
    client_ip = address or (request.client.host if request.client else "")

    def admit_all() -> tuple[Rows, list[Receipt]]:
        admitted = [admit(one, terms, services.now(), client_ip) for one in parsed]
        rows = admitted[0].rows if len(admitted) == 1 else Rows.joined([one.rows for one in admitted])
        return rows, [one.receipt for one in admitted]

    rows, receipts = await here_or_on_a_thread(small and count < _SMALL_COUNT, admit_all)
    if len(rows):
        await _submit(services, rows, patience)
    for receipt in receipts:
        services.metrics.count(terms.frontend, receipt)
    return receipts


async def _submit(services: Services, rows: Rows, patience: float) -> None:
    while True:
        try:
            await asyncio.wrap_future(services.store.writer.submit(rows))
        except Overloaded:
            patience -= _PAUSE_SECONDS
            if patience <= 0:
                raise
            await asyncio.sleep(_PAUSE_SECONDS)
        else:
            return


def key_of(request: Request[Any, Any, Any]) -> str:
    """The ingest key of a request: a bearer token, the header X-Sojourn-Key, or the parameter `key` (for beacons)."""
    authorization = request.headers.get("authorization", "")
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() == "bearer" and token:
        return token.strip()
    return request.headers.get("x-sojourn-key") or request.query_params.get("key") or ""
