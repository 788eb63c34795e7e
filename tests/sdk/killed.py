"""A program that is killed again and again while it reports events. Run by the tests as a process of its own.

It forks one child for each life (a fresh interpreter would take the time of a hundred lives to start). A child
starts an agent, as a new program does, and counts in a shared page the events that `send_event` returned for.
"""

import mmap
import os
import random
import signal
import struct
import sys
import time

import sojourn
from sojourn.sdk.sender import Pace


def live(life: int, counts: mmap.mmap, endpoint: str, frontend: str, key: str, state_dir: str) -> None:
    agent = sojourn.start(
        endpoint, frontend, key, state_dir=state_dir, pace=Pace(batch_age=0.005, first_back_off=0.02, batch_events=20)
    )
    agent.identify_user("ada")
    number = 0
    while True:
        agent.send_event({"name": f"{life}:{number}", "event_properties.a": number})
        number += 1
        counts[4 * life : 4 * life + 4] = struct.pack("I", number)
        if number % 5 == 0:
            time.sleep(0.001)


def main(counts_path: str, lives: int, seed: int, *target: str) -> None:
    moments = random.Random(seed)
    with open(counts_path, "r+b") as file:
        counts = mmap.mmap(file.fileno(), 0)
    for life in range(lives):
        child = os.fork()
        if child == 0:
            live(life, counts, *target)
        # At a random moment by its own progress, however slow the machine is.
        wanted = moments.randrange(40)
        while struct.unpack_from("I", counts, 4 * life)[0] < wanted:
            time.sleep(0.0005)
        time.sleep(moments.uniform(0, 0.003))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


if __name__ == "__main__":
    path, lives, seed, *target = sys.argv[1:]
    main(path, int(lives), int(seed), *target)
