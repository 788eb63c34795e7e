"""Nodes of ClickHouse that the tests start, stop and kill: real servers, each a process with a folder of its own."""

import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import httpx

from tests.server import free_port

START_SECONDS = 30
MEMORY_BYTES = 500_000_000
_PROGRAM = Path(__file__).with_name("serving_node.py")


class Node:
    """One node. It keeps its ports and its folder when it is started again."""

    def __init__(self, library: Path, folder: Path) -> None:
        self._library = library
        self._folder = folder
        folder.mkdir()
        self.data = folder / "data"
        self.http_port, self.tcp_port = free_port(), free_port()
        self.place = f"127.0.0.1:{self.http_port}"
        self._process: subprocess.Popen[bytes] | None = None
        self._http = httpx.Client(base_url=f"http://{self.place}", timeout=20)

    def start(self, shards: Sequence["Node"] = ()) -> None:
        """Start it, as a node of the cluster `shop` with these shards if there are any, and wait until it answers."""
        config = self._folder / "config.xml"
        if shards or not config.exists():
            config.write_text(_config(shards))
        options = [
            f"--config-file={config}",
            f"--path={self.data}",
            "--listen_host=127.0.0.1",
            f"--http_port={self.http_port}",
            f"--tcp_port={self.tcp_port}",
        ]
        log = self._folder / "log"
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, _PROGRAM, self._library, *options], stdout=output, stderr=output
            )
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                self.ask("SELECT 1")
            except httpx.HTTPError:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"the node did not start:\n{log.read_text(errors='replace')[-2000:]}") from None
                time.sleep(0.05)
            else:
                return

    def ask(self, sql: str, database: str = "default") -> str:
        """What the node itself answers, as tab-separated text."""
        answer = self._http.post("/", params={"database": database}, content=sql)
        assert answer.status_code == 200, answer.text
        return answer.text

    def kill(self) -> None:
        """End it without a warning."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
            self._process = None

    def close(self) -> None:
        """End it and let go of everything."""
        self.kill()
        self._http.close()


def _config(shards: Sequence[Node]) -> str:
    replicas = "".join(
        f"<shard><replica><host>127.0.0.1</host><port>{node.tcp_port}</port></replica></shard>" for node in shards
    )
    return (
        f"<clickhouse><max_server_memory_usage>{MEMORY_BYTES}</max_server_memory_usage>"
        "<mark_cache_size>33554432</mark_cache_size><background_pool_size>2</background_pool_size>"
        "<background_schedule_pool_size>4</background_schedule_pool_size>"
        # By what it was made with a table looks for deleted files, half a minute the first time; then as it is told.
        "<merge_tree><cleanup_delay_period>1</cleanup_delay_period>"
        "<max_cleanup_delay_period>2</max_cleanup_delay_period></merge_tree>"
        f"<remote_servers><shop>{replicas}</shop></remote_servers></clickhouse>"
    )
