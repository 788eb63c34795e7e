"""The measured program: one SDK, one task, in a process of its own. Prints one JSON object."""

import gc
import json
import os
import resource
import signal
import sys
import time
from array import array
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from benchmarks.sdk.peers import PEERS, Sdk

OTHER_CALLS = 5_000
"""Of a call that only puts an object into memory there can be as many as of the fast SDKs' events."""

ROUNDS: Final = 7
"""How often a call's quantiles are measured. The lowest of each counts, as with `timeit`: what is above it is other
work of the machine, which a virtual one shares with strangers."""


def quantiles(call: Callable[[], Any], count: int, between: Callable[[], Any]) -> dict[str, float]:
    """Microseconds of one call, at the median and at the 99th percentile: the lowest that the rounds found."""
    rounds = []
    for _ in range(ROUNDS):
        rounds.append(one_round(call, count))
        between()
    return {name: min(found[name] for found in rounds) for name in rounds[0]}


def one_round(call: Callable[[], Any], count: int, pause_every: int = 500) -> dict[str, float]:
    """Microseconds of one call in one round.

    The calls come in small groups with a breath between them, so that the sender does its work in the same time. What
    they took is kept in an array: a list of numbers would take a new page of memory for every 128 of them, and the call
    that meets it a microsecond or two.
    """
    clock = time.perf_counter_ns
    taken = array("q", bytes(8 * count))
    for number in range(count):
        began = clock()
        call()
        taken[number] = clock() - began
        if number % pause_every == 0:
            time.sleep(0.0005)
    ordered = sorted(taken)
    return {"p50": ordered[count // 2] / 1000, "p99": ordered[count * 99 // 100] / 1000}


def cost(sdk: Sdk, count: int) -> dict[str, Any]:
    for _ in range(300):
        sdk.event()
    sdk.flush()
    result: dict[str, Any] = {"event": quantiles(sdk.event, count, sdk.flush)}
    sdk.flush()
    began = time.process_time()
    for _ in range(count):
        sdk.event()
    sdk.flush()
    result["cpu"] = (time.process_time() - began) / count * 1e6
    if sdk.identify:
        result["identify"] = quantiles(sdk.identify, count // 4, sdk.flush)
    if sdk.other:
        # Last, because what it gathers goes along with every later event.
        result["other"] = quantiles(sdk.other, OTHER_CALLS, lambda: None)
    return result


def burst(sdk: Sdk, count: int) -> dict[str, Any]:
    """A burst and a clean exit, with the last call that the SDK's documentation asks for."""
    fill(sdk, count)
    sdk.close()
    return {}


def fill(sdk: Sdk, count: int) -> None:
    for _ in range(count):
        sdk.event()


def killed(sdk: Sdk, count: int) -> dict[str, Any]:
    fill(sdk, count)
    time.sleep(0.02)
    os.kill(os.getpid(), signal.SIGKILL)
    return {}


def memory(sdk: Sdk, count: int) -> dict[str, Any]:
    """Bytes of memory of its own for one queued event: mapped files are the kernel's, and it may write them out."""
    sdk.event()
    gc.collect()
    before = private_kib()
    fill(sdk, count)
    gc.collect()
    return {"kib": private_kib() - before, "peak_kib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss}


def private_kib() -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1])
    return 0


def nothing(sdk: Sdk, count: int) -> dict[str, Any]:
    """Start and give the sender time for what an earlier run left behind."""
    time.sleep(count)
    sdk.flush()
    return {}


TASKS = {"cost": cost, "burst": burst, "killed": killed, "memory": memory, "nothing": nothing}

if __name__ == "__main__":
    name, task, port, count = sys.argv[1:]
    outcome = TASKS[task](PEERS[name](int(port)), int(count))
    print(json.dumps(outcome), flush=True)
    if task == "memory":
        os._exit(0)
