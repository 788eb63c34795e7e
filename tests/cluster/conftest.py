"""Real ClickHouse nodes, a real PostgreSQL, and Sojourn servers over them."""

import subprocess
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.cluster.nodes import Node
from tests.server import Server
from tests.settings.conftest import PostgresqlDatabases, postgresql, postgresql_server

__all__ = ["postgresql", "postgresql_server"]

NODE = Path(__file__).parent / "node"


@pytest.fixture(scope="session")
def library() -> Path:
    """The library that a node is, installed once from the lock file."""
    lock, installed = NODE / "package-lock.json", NODE / "node_modules" / ".package-lock.json"
    if not installed.exists() or installed.stat().st_mtime < lock.stat().st_mtime:
        subprocess.run(["npm", "ci", "--ignore-scripts"], cwd=NODE, check=True, capture_output=True, timeout=300)
    return NODE / "node_modules" / "@chdb" / "lib-linux-x64-gnu" / "libchdb.so"


@pytest.fixture(scope="session")
def node(library: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """One node alone."""
    node = Node(library, tmp_path_factory.mktemp("node") / "one")
    node.start()
    yield node
    node.close()


@pytest.fixture(scope="session")
def shards(library: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Node]]:
    """The two nodes of the cluster `shop`, each a shard."""
    folder = tmp_path_factory.mktemp("shards")
    nodes = [Node(library, folder / str(number)) for number in (1, 2)]
    for node in nodes:
        node.start(nodes)
    yield nodes
    for node in nodes:
        node.close()


def cluster_url(nodes: list[Node], database: str = "sojourn") -> str:
    """The address of the cluster `shop`."""
    return f"clickhouse://{','.join(node.place for node in nodes)}/{database}?cluster=shop"


def database() -> str:
    """A name that no other test has."""
    return f"t_{uuid.uuid4().hex[:8]}"


@pytest.fixture(scope="session")
def pair(
    node: Node, postgresql: PostgresqlDatabases, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Server, Server]]:
    """Two servers over one node and one PostgreSQL, started at the same time."""
    folder = tmp_path_factory.mktemp("pair")
    where = {
        "SOJOURN_STORE_URL": f"clickhouse://{node.place}/{database()}",
        "SOJOURN_SETTINGS_URL": postgresql.empty(folder),
    }
    with ThreadPoolExecutor(2) as both:
        servers = list(both.map(lambda name: Server(folder / name, **where), ("a", "b")))
    yield servers[0], servers[1]
    for server in servers:
        server.close()


@pytest.fixture(scope="session")
def sharded(shards: list[Node], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server over the cluster of two shards."""
    server = Server(tmp_path_factory.mktemp("sharded") / "data", SOJOURN_STORE_URL=cluster_url(shards))
    yield server
    server.close()


@pytest.fixture(scope="session", params=["node", "cluster"])
def server(request: pytest.FixtureRequest) -> Server:
    """The server that the tests of the other folders are given here: over one node, and over two shards."""
    found: Server = (
        request.getfixturevalue("pair")[0] if request.param == "node" else request.getfixturevalue("sharded")
    )
    return found
