"""SQL: an editor with the schema and examples, the answer as a table and a chart, and a link to share the question."""

from typing import Any

import msgspec
from litestar import Request, Response, get, post
from markupsafe import Markup

from sojourn.query.schema import analyst_columns
from sojourn.query.sql import SqlAnswer, SqlError, SqlFormat
from sojourn.store.analysts import CONNECTIONS, MAX_SECONDS
from sojourn.web.access import reader
from sojourn.web.api.sql import GRACE_SECONDS
from sojourn.web.errors import ApiError
from sojourn.web.pages import charts, formats
from sojourn.web.pages.home import Form, text_of
from sojourn.web.pages.rendering import is_partial, page_url, render
from sojourn.web.services import Services

SHOWN = 500
"""Rows of an answer that the page shows; a file has all that the server gives."""
_CHARTED = 60
MAX_QUERY = 20_000
_ENDINGS = {SqlFormat.CSV: "text/csv", SqlFormat.PARQUET: "application/vnd.apache.parquet"}
_EXAMPLES = (
    (
        "Sessions a day",
        "SELECT toDate(start_time) AS day, count() AS sessions, uniq(user_identifier) AS users\nFROM user_sessions\n"
        "WHERE frontend = '{frontend}'\nGROUP BY day ORDER BY day",
    ),
    (
        "Most frequent errors",
        "SELECT name, count() AS errors, uniq(session_id) AS sessions\nFROM user_events\n"
        "WHERE frontend = '{frontend}' AND kind IN ('error', 'crash')\nGROUP BY name ORDER BY errors DESC LIMIT 20",
    ),
    (
        "Longest sessions",
        "SELECT session_id, user_identifier, start_time, duration\nFROM user_sessions\nWHERE frontend = '{frontend}'\n"
        "ORDER BY duration DESC LIMIT 20",
    ),
    ("Users last seen", "SELECT *\nFROM users\nWHERE frontend = '{frontend}'\nORDER BY last_seen DESC LIMIT 50"),
)


class _Column(msgspec.Struct):
    name: str
    type: str


class Table(msgspec.Struct):
    """An answer as the JSON of the SQL endpoint has it."""

    columns: list[_Column]
    rows: list[list[Any]]
    row_count: int
    truncated: bool
    elapsed_ms: float


def _answer(services: Services, query: str, fmt: SqlFormat) -> SqlAnswer:
    """Ask, and wait. Raises SqlError, and ApiError while too many others ask."""
    asked = services.sql.ask(query, fmt, {})
    if asked is None:
        raise ApiError(429, f"{CONNECTIONS} queries run already; ask again when one of them has ended")
    try:
        return asked.answer.result(timeout=MAX_SECONDS + GRACE_SECONDS)
    except TimeoutError:
        asked.stop()
        raise SqlError("timeout", f"took longer than the {MAX_SECONDS} seconds that a query may run") from None


@get("/frontends/{frontend:str}/sql", guards=[reader], sync_to_thread=True, include_in_schema=False)
def sql_page(request: Request[Any, Any, Any], services: Services, frontend: str) -> Response[Any]:
    """The editor, with the question of the link, which is asked when somebody says so."""
    query = request.query_params.get("query", "")[:MAX_QUERY]
    return _page(request, services, frontend, query, None, "")


@post("/frontends/{frontend:str}/sql", guards=[reader], sync_to_thread=True, status_code=200, include_in_schema=False)
def run_sql(request: Request[Any, Any, Any], services: Services, frontend: str, data: Form) -> Response[Any]:
    """Ask the question of the form."""
    query = text_of(data, "query").replace("\r\n", "\n")[:MAX_QUERY]
    services.frontend(frontend)
    try:
        table = msgspec.json.decode(_answer(services, query, SqlFormat.JSON).body, type=Table)
    except SqlError as error:
        return _page(request, services, frontend, query, None, error.message)
    return _page(request, services, frontend, query, table, "")


@post(
    "/frontends/{frontend:str}/sql/file", guards=[reader], sync_to_thread=True, status_code=200, include_in_schema=False
)
def sql_file(services: Services, frontend: str, data: Form) -> Response[bytes]:
    """The answer as a file."""
    services.frontend(frontend)
    fmt = SqlFormat.PARQUET if text_of(data, "format") == "parquet" else SqlFormat.CSV
    try:
        answer = _answer(services, text_of(data, "query").replace("\r\n", "\n")[:MAX_QUERY], fmt)
    except SqlError as error:
        raise ApiError(422, error.message, error.field) from None
    headers = {
        "Content-Disposition": f'attachment; filename="answer.{fmt.value}"',
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
    }
    return Response(answer.body, media_type=_ENDINGS[fmt], headers=headers)


def _page(
    request: Request[Any, Any, Any], services: Services, frontend: str, query: str, table: Table | None, error: str
) -> Response[Any]:
    partial = is_partial(request)
    link = page_url(frontend, "sql", query=query)
    return render(
        request,
        services,
        "parts/sql_answer.html" if partial else "sql.html",
        frontend=frontend,
        headers={"HX-Replace-Url": link} if partial and len(link) < 6_000 else None,
        section="sql",
        sql=query,
        table=table,
        error=error,
        link=link,
        shown=SHOWN,
        chart=_chart(table) if table else None,
        numeric=[_is_numbers(table, place) for place in range(len(table.columns))] if table else [],
        schema={} if partial else analyst_columns(services.store.engine),
        examples=[(name, text.format(frontend=frontend.replace("'", "''"))) for name, text in _EXAMPLES],
    )


def _chart(table: Table) -> Markup | None:
    """A chart of the first column of numbers by the first other one, where there are both."""
    if not 2 <= len(table.rows) <= _CHARTED or len(table.columns) < 2:
        return None
    number = next((n for n, _ in enumerate(table.columns) if n > 0 and _is_numbers(table, n)), None)
    if number is None:
        return None
    labels = [formats.shown(row[0]) if row[0] is not None else "" for row in table.rows]
    values = [row[number] or 0 for row in table.rows]
    return charts.bars(labels, values, describe=f"{table.columns[number].name} by {table.columns[0].name}")


def _is_numbers(table: Table, place: int) -> bool:
    cells = [row[place] for row in table.rows]
    return any(cells) and all(cell is None or (type(cell) in (int, float) and cell >= 0) for cell in cells)


HANDLERS: list[Any] = [sql_page, run_sql, sql_file]
