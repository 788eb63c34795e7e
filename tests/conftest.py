"""One started server for all tests that drive it by HTTP; each test takes a frontend of its own."""

from collections.abc import Iterator

import pytest

from tests.server import Frontend, Server


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A started server over an empty data folder."""
    server = Server(tmp_path_factory.mktemp("server") / "data")
    yield server
    server.close()


@pytest.fixture
def frontend(server: Server) -> Frontend:
    """A new web frontend."""
    return server.frontend()
