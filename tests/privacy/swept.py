"""Deletes rows of a table with many files, and looks what is on the disk once they are said to be gone.

Run in a process of its own; prints, for each round, the folders of replaced parts that were left.
"""

import json
import os
import sys
from pathlib import Path

from sojourn.store import sweeping
from sojourn.store.engine import Engine, embedded_url
from sojourn.store.sweeping import await_sweep, sweep_soon

ROUNDS = 3
COLUMNS = 120
"""Each is some files of a part."""


def main(folder: Path) -> None:
    sweeping._POLL_SECONDS = 0.002
    engine = Engine(embedded_url(folder))
    columns = [f"c{number}" for number in range(COLUMNS)]
    engine.command(
        f"CREATE TABLE wide (k Int64, {', '.join(f'{column} Int64' for column in columns)}) "
        "ENGINE = MergeTree ORDER BY k SETTINGS min_bytes_for_wide_part = 0"
    )
    sweep_soon(engine)
    found = []
    for number in range(ROUNDS):
        engine.command(f"INSERT INTO wide SELECT number, {', '.join(['number'] * COLUMNS)} FROM numbers(100)")
        engine.command(f"ALTER TABLE wide DELETE WHERE k = {number} SETTINGS mutations_sync = 2")
        done = await_sweep(engine, ["wide"], 30)
        on_disk = {name for _, names, _ in os.walk(folder) for name in names if "all_" in name}
        known = engine.query("SELECT name FROM system.parts WHERE table = 'wide' AND active")
        found.append([done, sorted(on_disk - {name for (name,) in known})])
    engine.close()
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
