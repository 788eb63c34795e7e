"""`python -m benchmarks.sdk`: runs every SDK through the same tasks and prints one table."""

import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request

from benchmarks.sdk.peers import PEERS

CALLS = 5_000
SLOW_CALLS = 500
"""For an SDK that would take minutes for more."""
SLOW = {"sentry"}
BURST = 50_000
DOWN = 500
KILLED = 2_050
QUEUED = 10_000
PATIENCE = 60
"""Seconds after which a program that does not end is given up."""


class Sink:
    """The sink in a process of its own."""

    def __init__(self, port: int = 0) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.sdk.sink", str(port)], stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        self.port = int(self.process.stdout.readline())

    def count(self) -> int:
        """Distinct events, once no more come in."""
        last = -1
        while (found := self._read()) != last:
            last = found
            time.sleep(0.3)
        return found

    def _read(self) -> int:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/count") as answer:
            return int(answer.read())

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()


def work(name: str, task: str, port: int, count: int, state: str) -> tuple[dict, float]:
    """What the worker printed and how long it took to end, in seconds."""
    began = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.sdk.worker", name, task, str(port), str(count)],
        env={**os.environ, "BENCH_STATE": state},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        output, _ = process.communicate(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        output, _ = process.communicate()
    lines = output.splitlines()
    return (json.loads(lines[-1]) if lines else {}), time.monotonic() - began


def measure(name: str) -> dict[str, str]:
    """One row of the table."""
    row: dict[str, str] = {"SDK": name}
    with tempfile.TemporaryDirectory() as folder:

        def state(task: str) -> str:
            return os.path.join(folder, task)

        sink = Sink()
        found, _ = work(name, "cost", sink.port, SLOW_CALLS if name in SLOW else CALLS, state("cost"))
        row["event p50"] = f"{found['event']['p50']:.1f}"
        row["event p99"] = f"{found['event']['p99']:.1f}"
        row["CPU"] = f"{found['cpu']:.1f}"
        for column in ("identify", "other"):
            row[column] = f"{found[column]['p50']:.1f} / {found[column]['p99']:.1f}" if column in found else "-"
        sink.stop()

        sink = Sink()
        _, took = work(name, "burst", sink.port, BURST, state("burst"))
        at_once = sink.count()
        work(name, "nothing", sink.port, 2, state("burst"))
        row["burst"] = f"{at_once:,} -> {sink.count():,} ({took:.1f} s)"
        sink.stop()

        port = sink.port
        _, took = work(name, "burst", port, DOWN, state("down"))
        sink = Sink(port)
        work(name, "nothing", port, 2, state("down"))
        row["down"] = f"{sink.count()} ({took:.1f} s)"
        sink.stop()

        sink = Sink()
        work(name, "killed", sink.port, KILLED, state("killed"))
        at_once = sink.count()
        work(name, "nothing", sink.port, 2, state("killed"))
        row["killed"] = f"{at_once:,} -> {sink.count():,}"
        sink.stop()

        found, _ = work(name, "memory", port, QUEUED, state("memory"))
        row["memory"] = f"{found['kib'] / 1024:.1f}" if found else "-"
    return row


HEADINGS = {
    "SDK": "SDK",
    "event p50": "event p50, µs",
    "event p99": "event p99, µs",
    "CPU": "CPU with sending, µs",
    "identify": "identify p50 / p99, µs",
    "other": "add_breadcrumb p50 / p99, µs",
    "burst": f"burst of {BURST:,}: delivered -> after the next start (time to exit)",
    "down": f"server down, {DOWN} events: delivered at the next start (time to exit)",
    "killed": f"SIGKILL 20 ms after {KILLED:,}: delivered -> after the next start",
    "memory": f"MiB for {QUEUED:,} queued",
}


INTRODUCTION = """## The Python SDK

Each SDK with its defaults and its real background sender against a sink in another process. One event has ten
properties: four texts, four numbers, two booleans. A "clean exit" includes the last call that an SDK's documentation
asks for; sojourn needs none. Sentry's `add_breadcrumb` and `set_user` put an object into memory, which goes out with a
later error only. Goals for sojourn: 4 µs at the median, 20 µs at the 99th percentile, 15 µs of CPU, nothing lost.
"""


def main(names: list[str]) -> None:
    """Measure and print a table in Markdown, row by row."""
    print(INTRODUCTION)
    print("| " + " | ".join(HEADINGS.values()) + " |")
    print("|" + "---|" * len(HEADINGS))
    for name in names:
        row = measure(name)
        print("| " + " | ".join(row[key] for key in HEADINGS) + " |", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:] or list(PEERS))
