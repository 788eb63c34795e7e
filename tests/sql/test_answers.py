"""The forms of an answer, its limits, and how a question is refused."""

import csv
import io
import json
import threading

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.server import Frontend, Server, event, now

MAX_ROWS = 100_000


def test_json_names_the_columns_and_their_types(ask):
    answer = ask("SELECT 1 AS one, 'a\"b' AS text, NULL AS nothing, [1, 2] AS list, 1 / 0 AS infinite")
    assert answer.headers["content-type"] == "application/json"
    body = answer.json()
    assert body.pop("elapsed_ms") > 0
    assert body == {
        "columns": [
            {"name": "one", "type": "UInt8"},
            {"name": "text", "type": "String"},
            {"name": "nothing", "type": "Nullable(Nothing)"},
            {"name": "list", "type": "Array(UInt8)"},
            {"name": "infinite", "type": "Float64"},
        ],
        "rows": [[1, 'a"b', None, [1, 2], None]],
        "row_count": 1,
        "truncated": False,
    }


def test_json_lines_are_objects(ask):
    answer = ask("SELECT number AS n, toString(number) AS `a b` FROM numbers(2)", format="jsonl")
    assert [json.loads(line) for line in answer.text.splitlines()] == [{"n": 0, "a b": "0"}, {"n": 1, "a b": "1"}]
    assert answer.headers["x-sojourn-rows"] == "2"


def test_csv_has_a_header_and_no_formulas(frontend: Frontend, ask):
    start = now()
    texts = ["=1+1", "+1", "-1", "@x", "\tx", "\rx", 'a,"b"', "two\nlines", "plain", ""]
    frontend.send(*[event(name=text, timestamp=start + n) for n, text in enumerate(texts)])
    query = (
        "SELECT name AS `=name`, -1.5 AS n, NULL AS x, ['a'] AS l, true AS b FROM user_events "
        "WHERE frontend = {f:String} ORDER BY timestamp"
    )
    answer = ask(query, format="csv", parameters={"f": frontend.name})
    assert answer.headers["content-type"] == "text/csv; header=present; charset=utf-8"
    header, *found = csv.reader(io.StringIO(answer.content.decode(), newline=""))
    assert header == ["'=name", "n", "x", "l", "b"]
    stored = [row["name"] for row in frontend.get("/sessions/session-1/events")["items"]]
    assert len(stored) == len(texts)
    assert [row[0] for row in found] == [f"'{t}" if t.startswith(tuple("=+-@\t\r")) else t for t in stored]
    assert {tuple(row[1:]) for row in found} == {("-1.5", "", '["a"]', "true")}


def test_parquet_and_arrow_hold_types(ask):
    query = "SELECT number AS n, toString(number) AS s, [1.5] AS l, toDateTime64(0, 6, 'UTC') AS t FROM numbers(3)"
    parquet = pq.read_table(pa.BufferReader(ask(query, format="parquet").content))
    arrow = pa.ipc.open_file(pa.BufferReader(ask(query, format="arrow").content)).read_all()
    assert parquet.to_pydict() == arrow.to_pydict()
    assert parquet["n"].to_pylist() == [0, 1, 2]
    assert str(arrow.schema.field("t").type) == "timestamp[us, tz=UTC]"
    assert parquet["l"].to_pylist() == [[1.5]] * 3


def test_all_of_a_view_can_be_had_in_each_form(frontend: Frontend, ask):
    frontend.send(event(event_properties={}))
    for form in ("json", "jsonl", "csv", "parquet", "arrow"):
        for view in ("user_events", "user_sessions", "users"):
            assert ask(f"SELECT * FROM {view}", format=form).status_code == 200, (form, view)


@pytest.mark.parametrize("form", ["json", "jsonl", "csv", "parquet", "arrow"])
def test_more_rows_than_are_given_are_said_to_be_there(ask, form):
    for rows, given, truncated in ((MAX_ROWS, MAX_ROWS, "false"), (MAX_ROWS + 1, MAX_ROWS, "true")):
        answer = ask(f"SELECT number AS n FROM numbers({rows})", format=form)
        assert answer.headers["x-sojourn-truncated"] == truncated
        assert answer.headers["x-sojourn-rows"] == str(given)
    if form == "json":
        assert (answer.json()["row_count"], answer.json()["truncated"], len(answer.json()["rows"])) == (
            MAX_ROWS,
            True,
            MAX_ROWS,
        )
    elif form == "parquet":
        assert pq.read_table(pa.BufferReader(answer.content)).num_rows == MAX_ROWS
    elif form == "csv":
        assert len(answer.text.splitlines()) == MAX_ROWS + 1


def test_the_order_of_a_question_is_that_of_the_answer(rows):
    assert rows("SELECT number FROM numbers(50000) ORDER BY -number LIMIT 2") == [[49999], [49998]]


def test_parameters_are_bound_as_values(rows, ask):
    asked = {"text": "x'; DROP TABLE users --\\", "n": 3, "list": ["a", "b'"], "flag": True}
    query = "SELECT {text:String}, {n:UInt8} + 1, {list:Array(String)}, 'a' IN {list:Array(String)}, {flag:Bool}"
    assert rows(query, **asked) == [[asked["text"], 4, ["a", "b'"], 1, True]]
    for body, field in (
        ({"query": "SELECT {a:String}"}, "parameters"),
        ({"query": "SELECT 1", "parameters": {"a": 1}}, "query"),
        ({"query": "SELECT {a:String}", "parameters": {"a-b": 1}}, "parameters"),
        ({"query": "SELECT {a:String}", "parameters": {"a": {"b": 1}}}, "parameters"),
        ({"query": "SELECT {a:UInt8}", "parameters": {"a": "many"}}, "parameters"),
        ({"query": "SELECT * FROM {a:Identifier}", "parameters": {"a": "events"}}, "query"),
        ({"query": "SELECT '%s', '{a}', %(a)s FROM users", "parameters": {"a": "1"}}, "query"),
    ):
        answer = ask(**body)
        assert answer.status_code == 422, body
        assert answer.json()["error"]["field"] == field, answer.text


def test_text_that_looks_like_a_parameter_or_a_format_is_text(rows):
    assert rows("SELECT '%s {a:String} ; -- FORMAT CSV' AS x -- ; DROP TABLE users") == [
        ["%s {a:String} ; -- FORMAT CSV"]
    ]
    assert rows("SELECT $$it's;$$, /* ; */ 'x';") == [["it's;", "x"]]


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("SELECT x FROM", "Syntax error"),
        ("SELECT nothing FROM users", "nothing"),
        ("SELECT * FROM nowhere", "there is no table 'nowhere'; there are user_events, user_sessions, users"),
        ("SELECT toUInt8('x')", "Cannot parse"),
        ("SELECT 1 +", "Syntax error"),
        ("", "write a SELECT"),
        ("SELECT 1; SELECT 2", "only one SELECT"),
        ("SELECT nofunction(1)", "nofunction"),
    ],
)
def test_a_mistake_is_told_in_a_clean_sentence(ask, query, says):
    answer = ask(query)
    assert answer.status_code == 422
    error = answer.json()["error"]
    assert (error["code"], error["field"]) == ("invalid", "query")
    assert says in error["message"]
    assert len(error["message"]) < 500
    for noise in ("DB::", "Code:", "version", "\n", "In scope", "/tmp", "sojourn."):
        assert noise not in error["message"]


def test_bodies_that_are_no_question_are_refused(server: Server):
    for body in (b"", b"{", b"[]", b'{"query": 1}', b'{"query": "SELECT 1", "format": "xml"}', b'{"q": "SELECT 1"}'):
        answer = server.http.post("/api/v1/sql", content=body, headers={"content-type": "application/json"})
        assert 400 <= answer.status_code < 500, body
        assert set(answer.json()) == {"error"}
    assert server.http.get("/api/v1/sql").status_code == 405


def test_two_questions_run_at_once_and_a_third_is_told_to_come_back(server: Server, ask):
    # Each runs until its time is over.
    slow = "SELECT count() FROM numbers(1000000000000)"
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(ask(slow))) for _ in range(3)]
    for thread in threads:
        thread.start()
    [third] = server.until(lambda: list(answers), seconds=2)
    assert (third.status_code, third.json()["error"]["code"]) == (429, "too_many_requests")
    assert int(third.headers["retry-after"]) > 0
    assert server.http.get("/health").status_code == 200
    for thread in threads:
        thread.join()
    assert [(a.status_code, a.json()["error"]["code"]) for a in answers[1:]] == [(422, "timeout")] * 2
    assert server.until(lambda: ask("SELECT 1").status_code == 200)


def test_what_an_answer_held_before_it_failed_is_in_no_other_one(ask):
    query = "SELECT number, toUInt8(if(number = 90000, 'x', '1')) FROM numbers(100000)"
    for form in ("json", "csv", "parquet"):
        # Once on each connection.
        for _ in range(2):
            assert ask(query, format=form).status_code == 422
        assert ask("SELECT 7 AS seven", format="jsonl").text == '{"seven":7}\n'
