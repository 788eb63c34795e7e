"""The commands that ask a server: what they send, and what they make of its answers."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.server import free_port


class Peer:
    """A server that keeps what it was asked and answers what it was told."""

    def __init__(self):
        self.requests = []
        self.status, self.body = 200, b""
        self.promised = None
        peer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                peer.requests.append((self.path, json.loads(body or b"null"), self.headers.get("Authorization")))
                self.send_response(peer.status)
                self.send_header("Content-Length", str(peer.promised or len(peer.body)))
                self.end_headers()
                self.wfile.write(peer.body)

            def log_message(self, *_):
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def close(self):
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def peer():
    peer = Peer()
    yield peer
    peer.close()


def test_sql_sends_the_question_and_gives_the_answer_through(run, peer, tmp_path):
    peer.body = b"a,b\n1,2\n"
    there = ["--endpoint", peer.url + "/", "--token", "sjt_x"]
    assert run("sql", "SELECT 1 AS a", *there).stdout_bytes == peer.body
    assert run("sql", "SELECT 1", "--format", "json", *there).exit_code == 0
    run("sql", "-", "--format", "parquet", "--output", "a.parquet", *there, input="SELECT 2")
    assert (tmp_path / "a.parquet").read_bytes() == peer.body
    assert peer.requests == [
        ("/api/v1/sql", {"query": "SELECT 1 AS a", "format": "csv"}, "Bearer sjt_x"),
        ("/api/v1/sql", {"query": "SELECT 1", "format": "json"}, "Bearer sjt_x"),
        ("/api/v1/sql", {"query": "SELECT 2", "format": "parquet"}, "Bearer sjt_x"),
    ]


def test_sql_shows_a_table_without_control_characters(run, peer):
    peer.body = 'user,sessions\n"a\x1b[31m\u202eb",12\n"two\nlines",3\n'.encode()
    shown = run("sql", "SELECT 1", "--format", "table", "--endpoint", peer.url).stdout.splitlines()
    assert [line.split()[-1] for line in shown] == ["SESSIONS", "12", "3"]
    assert len(shown) == 3
    assert not any(c in "".join(shown) for c in "\x1b\u202e")


def test_the_address_and_the_token_come_from_the_environment(run, peer, monkeypatch):
    monkeypatch.setenv("SOJOURN_ENDPOINT", peer.url)
    monkeypatch.setenv("SOJOURN_TOKEN", "sjt_y")
    run("sql", "SELECT 1")
    assert peer.requests[0][2] == "Bearer sjt_y"


def test_what_the_server_refuses_is_one_line_and_exit_code_2(run, peer):
    peer.status, peer.body = 422, b'{"error": {"code": "invalid", "message": "query: only SELECT\\nis allowed"}}'
    result = run("sql", "DROP TABLE x", "--endpoint", peer.url)
    assert (result.exit_code, result.stdout, result.stderr) == (2, "", "Error: query: only SELECT is allowed\n")


def test_a_server_that_fails_is_exit_code_1(run, peer):
    peer.status, peer.body = 500, b"<html>"
    result = run("sql", "SELECT 1", "--endpoint", peer.url)
    assert (result.exit_code, result.stderr) == (1, f"Error: status 500 from {peer.url}/api/v1/sql\n")


def test_no_server_is_told_as_that(run):
    port = free_port()
    result = run("sql", "SELECT 1", "--endpoint", f"http://127.0.0.1:{port}")
    assert result.exit_code == 1
    assert result.stderr.startswith(f"Error: http://127.0.0.1:{port} cannot be reached: ")
    assert result.stderr.count("\n") == 1
    assert run("sql", "SELECT 1", "--endpoint", "here").exit_code == 2


def test_an_answer_cut_short_leaves_no_file(run, peer, tmp_path):
    peer.body, peer.promised = b"half", 100
    result = run("sql", "SELECT 1", "--output", "all.csv", "--endpoint", peer.url)
    assert (result.exit_code, result.stderr) == (1, "Error: the server broke off in the middle of its answer\n")
    assert not (tmp_path / "all.csv").exists()


def test_export_writes_all_of_a_user_to_a_file(run, peer, tmp_path):
    peer.body = b'{"sessions": []}'
    result = run("user", "export", "shop", "a/b@example.com", "--output", "user.json", "--endpoint", peer.url)
    assert result.exit_code == 0
    assert (tmp_path / "user.json").read_bytes() == peer.body
    assert [(path, body) for path, body, _ in peer.requests] == [
        ("/api/v1/frontends/shop/privacy/export", {"identifier": "a/b@example.com", "format": "json"})
    ]


def test_erase_asks_first(run, peer):
    peer.body = b'{"events": 3}'
    there = ["--endpoint", peer.url]
    refused = run("user", "erase", "shop", "ann", *there, input="n\n")
    assert (refused.exit_code, peer.requests) == (130, [])
    erased = run("user", "erase", "shop", "ann", *there, input="y\n")
    assert (erased.exit_code, json.loads(erased.stdout)) == (0, {"events": 3})
    assert run("user", "erase", "shop", "ann", "--yes", *there).exit_code == 0
    assert [(path, body) for path, body, _ in peer.requests] == [
        ("/api/v1/frontends/shop/privacy/erase", {"identifier": "ann"})
    ] * 2
