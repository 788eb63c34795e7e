"""The examples of docs/sql.md are answered, and its columns are those of the views."""

import re
from pathlib import Path

import pytest

from tests.server import Server, event
from tests.sql.conftest import Ask

PAGE = (Path(__file__).parents[2] / "docs" / "sql.md").read_text()
EXAMPLES = re.findall(r"^```sql\n(.*?)^```", PAGE, re.S | re.M)


@pytest.fixture(scope="module")
def shop(server: Server) -> Server:
    frontend = server.frontend()
    frontend.define("session", "product_tier")
    frontend.define("event", "cart.total_value", "number")
    tier, total = "session_properties.product_tier", "event_properties.cart.total_value"
    sent = event("error", user_identifier="ann", session_properties={tier: "gold"}, event_properties={total: 3})
    frontend.send(sent, event("session_end", end_reason="end_session"))
    probe = {"query": f"SELECT {tier}, {total} FROM user_events"}
    server.until(lambda: server.http.post("/api/v1/sql", json=probe).status_code == 200, seconds=2)
    return server


@pytest.mark.parametrize("query", EXAMPLES)
def test_an_example_is_answered(shop: Server, ask: Ask, query: str) -> None:
    answer = ask(query)
    assert answer.status_code == 200, answer.text
    assert answer.json()["row_count"] > 0


@pytest.mark.parametrize("view", ["user_sessions", "user_events", "users"])
def test_every_column_is_described(shop: Server, ask: Ask, view: str) -> None:
    [text] = re.findall(rf"^\*\*`{view}`\*\*(.*?)\n\n", PAGE, re.S | re.M)
    described = set(re.findall(r"`(\w+)`", text))
    if view == "user_events":
        described |= {f"{what}_{part}" for what in ("os", "browser") for part in ("name", "version")}
        described |= {"device_type", "device_manufacturer", "device_model"}
    columns = {c["name"] for c in ask(f"SELECT * FROM {view} LIMIT 0").json()["columns"]}
    assert {column for column in columns if "." not in column} == described
