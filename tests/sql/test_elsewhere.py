"""The same questions where the events are on a ClickHouse server, or on the two shards of a cluster."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.conftest import cluster_url, library, node, shards
from tests.cluster.nodes import Node
from tests.server import Server, event

__all__ = ["library", "node", "shards"]

TIER = "session_properties.product_tier"


@pytest.fixture(scope="module", params=["server", "cluster"])
def elsewhere(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose store is elsewhere."""
    if request.param == "server":
        one: Node = request.getfixturevalue("node")
        url = f"clickhouse://{one.place}/questions"
    else:
        url = cluster_url(request.getfixturevalue("shards"), "questions")
    folder: Path = tmp_path_factory.mktemp("elsewhere")
    server = Server(folder / "data", SOJOURN_STORE_URL=url, SOJOURN_SQL_SECONDS="2")
    yield server
    server.close()


def test_questions_are_answered_and_refused_alike(elsewhere: Server) -> None:
    def ask(query: str, **body: object):
        return elsewhere.http.post("/api/v1/sql", json={"query": query, **body})

    frontend = elsewhere.frontend()
    frontend.define("session", "product_tier")
    elsewhere.until(lambda: ask(f"SELECT {TIER} FROM user_events").status_code == 200, seconds=3)
    for number in range(6):
        sent = event(session=f"s{number}", user_identifier="ann", session_properties={TIER: "gold"})
        frontend.send(sent, event("action", session=f"s{number}"), event("session_end", session=f"s{number}"))
    answers = {
        f"SELECT {TIER}, count() FROM user_sessions GROUP BY 1": [["gold", 6]],
        f"SELECT {TIER}, kind, count() FROM user_events GROUP BY ALL ORDER BY kind": [
            ["gold", "action", 6],
            ["gold", "event", 6],
            ["gold", "session_end", 6],
        ],
        f"SELECT kind FROM user_events WHERE session_id = 's3' AND {TIER} = 'gold' ORDER BY kind": [
            ["action"],
            ["event"],
            ["session_end"],
        ],
        "SELECT identifier, session_count FROM users": [["ann", 6]],
        "SELECT count() FROM user_events JOIN user_sessions USING (frontend, session_id)": [[18]],
    }
    for query, rows in answers.items():
        answer = ask(query)
        assert answer.status_code == 200, (query, answer.text)
        assert answer.json()["rows"] == rows, query
    for query in (
        "SELECT * FROM events",
        "SELECT * FROM system.tables",
        "SELECT * FROM url('http://127.0.0.1:1/', 'CSV')",
        "DROP TABLE events",
        "SELECT 1; SELECT 2",
        "SELECT 1 SETTINGS readonly = 0",
        "SELECT count() FROM numbers(1000000000000)",
        "SELECT uniqExact(number), groupArray(toString(number)) FROM numbers(1000000000)",
    ):
        answer = ask(query)
        assert answer.status_code == 422, (query, answer.text)
        assert "DB::" not in answer.text
    assert ask("SELECT count() FROM user_events").json()["rows"] == [[18]]
