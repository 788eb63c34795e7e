"""Who may do what, once an administrator exists and before."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.server import SOJOURN, Server


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with an administrator account and a token of each role."""
    server = Server(tmp_path_factory.mktemp("guarded") / "data")
    server.frontend()
    accounts = ["account", "add", "root", "--password-stdin", "--data", str(server.data)]
    subprocess.run([SOJOURN, *accounts], input=b"correct horse battery", check=True, capture_output=True)
    server.until(lambda: server.http.get("/api/v1/frontends").status_code == 401)
    yield server
    server.close()


@pytest.fixture(scope="module")
def tokens(guarded: Server) -> dict[str, str]:
    found = {}
    for role in ("viewer", "editor", "admin"):
        shown = guarded.command("token", "add", role, "--role", role)
        found[role] = next(word for word in shown.split() if word.startswith("sjt_"))
    return found


def test_nothing_is_read_without_a_login(guarded: Server) -> None:
    for path in ("/api/v1/frontends", "/metrics", "/api/v1/frontends/x/sessions"):
        assert guarded.http.get(path).status_code == 401, path
    assert guarded.http.get("/health").status_code == 200


@pytest.mark.parametrize(
    ("role", "reads", "defines", "administers"),
    [("viewer", 200, 403, 403), ("editor", 200, 201, 403), ("admin", 200, 201, 201), ("nobody", 401, 401, 401)],
)
def test_a_role_allows_what_it_says(
    guarded: Server, tokens: dict[str, str], role: str, reads: int, defines: int, administers: int
) -> None:
    headers = {"Authorization": f"Bearer {tokens.get(role, 'sjt_wrong')}"}
    admin = {"Authorization": f"Bearer {tokens['admin']}"}
    name = guarded.http.get("/api/v1/frontends", headers=admin).json()["items"][0]["name"]
    http, path = guarded.http, f"/api/v1/frontends/{name}"
    assert http.get(f"{path}/sessions", headers=headers).status_code == reads
    definition = {"kind": "event", "field": f"of_{role}", "type": "string"}
    assert http.post(f"{path}/properties", headers=headers, json=definition).status_code == defines
    frontend = {"name": f"by-{role}", "type": "web"}
    assert http.post("/api/v1/frontends", headers=headers, json=frontend).status_code == administers


def test_beyond_loopback_it_serves_only_with_an_administrator(tmp_path: Path) -> None:
    arguments = ["serve", "--host", "0.0.0.0", "--data", str(tmp_path)]
    done = subprocess.run([SOJOURN, *arguments], capture_output=True, text=True, timeout=30)
    assert done.returncode == 2
    assert "host" in done.stderr
    assert "sojourn account add" in done.stderr
