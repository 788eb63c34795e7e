"""`POST /api/v1/sql`: analysts' questions, a few at a time, each answered or given up within a time."""

import asyncio
from typing import Any

import msgspec
import structlog
from litestar import Response, post

from sojourn.query.sql import SqlAnswer, SqlError, SqlFormat
from sojourn.store.analysts import CONNECTIONS, MAX_SECONDS
from sojourn.web.access import reader
from sojourn.web.errors import ApiError
from sojourn.web.services import Services

GRACE_SECONDS = 3
"""How much later than the engine's own limit a question is given up: the engine looks at the clock between blocks."""

_MEDIA_TYPES = {
    SqlFormat.JSON: "application/json",
    SqlFormat.CSV: "text/csv; header=present",
    SqlFormat.JSONL: "application/jsonl",
    SqlFormat.PARQUET: "application/vnd.apache.parquet",
    SqlFormat.ARROW: "application/vnd.apache.arrow.file",
}
log = structlog.get_logger()


class SqlQuestion(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A SELECT over user_events, user_sessions and users; `parameters` are bound to its `{name:Type}`."""

    query: str
    format: SqlFormat = SqlFormat.JSON
    parameters: dict[str, Any] = {}


@post("/api/v1/sql", guards=[reader], status_code=200)
async def ask_sql(services: Services, data: SqlQuestion) -> Response[Any]:
    """Answer a question in SQL, read-only, over user_events, user_sessions and users."""
    asked = services.sql.ask(data.query, data.format, data.parameters)
    if asked is None:
        raise ApiError(429, f"{CONNECTIONS} queries run already; ask again when one of them has ended")
    running = asyncio.wrap_future(asked.answer)
    try:
        answer = await asyncio.wait_for(asyncio.shield(running), MAX_SECONDS + GRACE_SECONDS)
    except SqlError as error:
        return _refusal(error)
    except TimeoutError:
        running.add_done_callback(_forget)
        await asyncio.to_thread(asked.stop)
        return _refusal(SqlError("timeout", f"took longer than the {MAX_SECONDS} seconds that a query may run"))
    return Response(
        answer.body,
        media_type=_MEDIA_TYPES[data.format],
        headers={
            "X-Sojourn-Rows": str(answer.row_count),
            "X-Sojourn-Truncated": "true" if answer.truncated else "false",
            "Cache-Control": "no-store",
        },
    )


def _forget(running: "asyncio.Future[SqlAnswer]") -> None:
    if not running.cancelled() and (error := running.exception()) is not None and not isinstance(error, SqlError):
        log.error("sql_failed_late", exc_info=error)


def _refusal(error: SqlError) -> Response[Any]:
    message = f"{error.field}: {error.message}"
    return Response(
        {"error": {"code": error.code, "message": message, "field": error.field}},
        status_code=422,
        media_type="application/json",
    )
