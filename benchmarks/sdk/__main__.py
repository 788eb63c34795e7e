"""`python -m benchmarks.sdk`: runs every SDK through the same tasks and prints one table."""

import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from typing import Any

from benchmarks.sdk.peers import PEERS

TURNS = 5
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


def costs(names: list[str]) -> dict[str, dict[str, str]]:
    """The columns of what a call costs, for each SDK: the lowest of all turns.

    They take turns, so that a bad moment of the machine is not the bad moment of one of them.
    """
    turns: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
    for _ in range(TURNS):
        for name in names:
            sink = Sink()
            with tempfile.TemporaryDirectory() as state:
                found, _ = work(name, "cost", sink.port, SLOW_CALLS if name in SLOW else CALLS, state)
            turns[name].append(found)
            sink.stop()

    def lowest(name: str, call: str, quantile: str) -> str:
        return f"{min(found[call][quantile] for found in turns[name]):.2f}"

    columns: dict[str, dict[str, str]] = {}
    for name in names:
        columns[name] = row = {
            "event p50": lowest(name, "event", "p50"),
            "event p99": lowest(name, "event", "p99"),
            "CPU": f"{min(found['cpu'] for found in turns[name]):.1f}",
        }
        for call in ("identify", "other"):
            known = call in turns[name][0]
            row[call] = f"{lowest(name, call, 'p50')} / {lowest(name, call, 'p99')}" if known else "-"
    return columns


def losses(name: str) -> dict[str, str]:
    """The columns of what arrives, and of memory."""
    row: dict[str, str] = {"SDK": name}
    with tempfile.TemporaryDirectory() as folder:

        def state(task: str) -> str:
            return os.path.join(folder, task)

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
asks for; sojourn needs none. Each quantile is the lowest of 35 rounds, seven in each of five turns that the SDKs take:
what is above it is other work of the machine. Sentry's `add_breadcrumb` and `set_user` put an object into memory, which
goes out with a later error only. Goals for sojourn: 4 µs at the median, 20 µs at the 99th percentile, 15 µs of CPU,
nothing lost.
"""


def main(names: list[str]) -> None:
    """Measure and print a table in Markdown, row by row."""
    print(INTRODUCTION)
    print("| " + " | ".join(HEADINGS.values()) + " |")
    print("|" + "---|" * len(HEADINGS))
    columns = costs(names)
    for name in names:
        row = {**losses(name), **columns[name]}
        print("| " + " | ".join(row[key] for key in HEADINGS) + " |", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:] or list(PEERS))
