"""Endpoints of clients that others wrote: OpenKit, OTLP logs and Segment-style batches, each with its own answer."""

import base64
import binascii
from collections.abc import Iterator
from typing import Any

import msgspec
import structlog
from litestar import Request, Response, get, post, route
from litestar.di import NamedDependency

from sojourn.store.writer import Overloaded
from sojourn.web.bodies import MAX_BODY, read_body
from sojourn.web.errors import ApiError
from sojourn.web.ingest import CORS, MAX_EVENTS, SMALL_BODY, here_or_on_a_thread, key_of, take
from sojourn.web.services import Services
from sojourn.wire import openkit, otlp, segment
from sojourn.wire.messages import Parsed, Policy
from sojourn.wire.native import WireError

log = structlog.get_logger()

_PATIENCE_SECONDS = 10.0
"""How long a beacon waits for an overloaded store: these clients take an error for a reason to be silent for hours."""
_PROTOBUF = "application/x-protobuf"


@route(["/mbeacon", "/v1/logs", "/v1/batch"], http_method=["OPTIONS"], include_in_schema=False)
async def client_preflight() -> Response[None]:
    """Answer a browser that asks whether it may send."""
    return Response(None, status_code=204, headers=CORS)


@get("/mbeacon")
async def openkit_status(request: Request[Any, Any, Any], services: NamedDependency[Services]) -> Response[bytes]:
    """Tell an OpenKit client its configuration. `app`, its application id, is the ingest key."""
    policy = services.frontend_of_key(_application(request), None).policy
    return _status(request, services, Policy(idle_timeout=policy.idle_timeout, max_duration=policy.max_duration))


@post("/mbeacon", status_code=200, request_max_body_size=MAX_BODY)
async def take_beacon(request: Request[Any, Any, Any], services: NamedDependency[Services]) -> Response[bytes]:
    """Take a beacon of an OpenKit client. Its records are accepted or left out; the answer is its configuration."""
    key = _application(request)
    terms = services.frontend_of_key(key, None)
    body = await read_body(request)
    small = len(body) < SMALL_BODY
    parsed = await here_or_on_a_thread(small, lambda: openkit.read_beacon(body))
    address = request.headers.get("x-client-ip") or openkit.read_client_ip(body)
    try:
        for part in _parts(parsed):
            await take(request, services, key, [part], small=small, address=address, patience=_PATIENCE_SECONDS)
    except Overloaded:
        # Lost, as this client must not see an error; where it numbers its events, the session shows them as missing.
        log.warning("beacon_lost", frontend=terms.frontend, events=len(parsed.batch.events))
    return _status(
        request, services, Policy(idle_timeout=terms.policy.idle_timeout, max_duration=terms.policy.max_duration)
    )


def _parts(parsed: Parsed) -> Iterator[Parsed]:
    """A beacon in parts of what one request may hold: the clients know a size in bytes alone."""
    batch = parsed.batch
    for first in range(0, max(len(batch.events), len(batch.absences), 1), MAX_EVENTS):
        cut = slice(first, first + MAX_EVENTS)
        part = msgspec.structs.replace(batch, events=batch.events[cut], absences=batch.absences[cut])
        yield Parsed(batch=part, positions=parsed.positions[cut], refusals=[] if first else parsed.refusals)


def _application(request: Request[Any, Any, Any]) -> str:
    return request.query_params.get("app", "")


def _status(request: Request[Any, Any, Any], services: Services, policy: Policy) -> Response[bytes]:
    as_json = request.query_params.get("resp") == "json"
    return Response(
        openkit.write_status(policy, services.now(), as_json=as_json),
        media_type="application/json" if as_json else "text/plain",
        headers=CORS,
    )


@post("/v1/logs", status_code=200, request_max_body_size=MAX_BODY)
async def take_logs(request: Request[Any, Any, Any], services: NamedDependency[Services]) -> Response[bytes]:
    """Take an export of OTLP logs, protobuf or JSON, plain, gzip or zstd; partial success names what was left out."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    protobuf = media_type != "application/json"
    try:
        if protobuf and media_type != _PROTOBUF:
            raise ApiError(415, f"Content-Type: {_PROTOBUF} or application/json", "Content-Type")
        key = key_of(request)
        services.frontend_of_key(key, None)
        body, now = await read_body(request), services.now()
        read = otlp.read_protobuf_logs if protobuf else otlp.read_json_logs
        small = len(body) < SMALL_BODY
        parsed = await here_or_on_a_thread(small, lambda: read(body, now))
        receipts = await take(request, services, key, parsed, small=small)
    except (ApiError, WireError, Overloaded) as error:
        status = error.status if isinstance(error, ApiError) else 400 if isinstance(error, WireError) else 503
        message = str(error) or "more records wait for the disk than the server may hold"
        headers = CORS | ({"Retry-After": "2"} if status == 503 else {})
        return _logs_answer(otlp.write_failure(message, protobuf=protobuf), protobuf, headers, status)
    return _logs_answer(otlp.write_answer(receipts, protobuf=protobuf), protobuf, CORS)


def _logs_answer(content: bytes, protobuf: bool, headers: dict[str, str], status: int = 200) -> Response[bytes]:
    media_type = _PROTOBUF if protobuf else "application/json"
    return Response(content, media_type=media_type, headers=headers, status_code=status)


@post("/v1/batch", status_code=200, request_max_body_size=MAX_BODY)
async def take_calls(request: Request[Any, Any, Any], services: NamedDependency[Services]) -> Response[bytes]:
    """Take a batch of a Segment-style library. The write key, user name of basic authentication, is the ingest key."""
    key = _write_key(request) or key_of(request)
    services.frontend_of_key(key, None)
    body, now = await read_body(request), services.now()
    small = len(body) < SMALL_BODY
    parsed = await here_or_on_a_thread(small, lambda: segment.read_calls(body, now))
    receipts = await take(request, services, key, parsed, small=small)
    return Response(segment.write_answer(receipts), media_type="application/json", headers=CORS)


def _write_key(request: Request[Any, Any, Any]) -> str:
    scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return ""
    try:
        return base64.b64decode(credentials, validate=True).decode().partition(":")[0]
    except (binascii.Error, UnicodeDecodeError):
        return ""


HANDLERS: list[Any] = [client_preflight, openkit_status, take_beacon, take_logs, take_calls]
