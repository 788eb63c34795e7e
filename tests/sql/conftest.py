"""A server whose analysts' queries may run for two seconds, and a way to ask it."""

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from tests.server import Server

Ask = Callable[..., httpx.Response]


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("sql") / "data", SOJOURN_SQL_SECONDS="2")
    yield server
    server.close()


@pytest.fixture
def ask(server: Server) -> Ask:
    """Post a query and return the answer, whatever it is."""

    def ask(query: str, **body: Any) -> httpx.Response:
        return server.http.post("/api/v1/sql", json={"query": query, **body})

    return ask


@pytest.fixture
def rows(ask: Ask) -> Callable[..., list[list[Any]]]:
    """Post a query and return the rows of a good answer."""

    def rows(query: str, **parameters: Any) -> list[list[Any]]:
        answer = ask(query, parameters=parameters)
        assert answer.status_code == 200, answer.text
        found: list[list[Any]] = answer.json()["rows"]
        return found

    return rows
