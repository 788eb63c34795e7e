"""The embedded engine, asked directly: what one question leaves behind is not in the answer of the next."""

from pathlib import Path

import pytest
from clickhouse_connect.driver.exceptions import DatabaseError

from sojourn.store.engine import Engine, embedded_url


def test_a_question_that_fails_midway_leaves_nothing_in_the_next_answer(tmp_path: Path) -> None:
    engine = Engine(embedded_url(tmp_path / "events"))
    try:
        for _ in range(8):
            with pytest.raises(DatabaseError):
                engine.raw_query("SELECT number, throwIf(number = 70000) FROM numbers(100000)", "JSONEachRow")
            assert engine.raw_query("SELECT 'mine' AS answer", "JSONEachRow") == b'{"answer":"mine"}\n'
    finally:
        engine.close()
