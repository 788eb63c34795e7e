"""`make bench`: each benchmark in a process of its own, and the table of them all in benchmarks/README.md."""

import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

MODULES = ("benchmarks.ingest", "benchmarks.adapters", "benchmarks.queries", "benchmarks.pages", "benchmarks.sdk")
"""In the order in which a reader wants them. `python -m benchmarks ingest` runs one alone and writes nothing."""
REPORT = Path(__file__).parent / "README.md"
HEAD = """# Benchmarks

`make bench` measures all of it anew and writes this page; `python -m benchmarks.ingest` one part. Each result stands
beside a peer or the raw engine in the same run: compare the ratios, not the figures of two machines.

"""


def machine() -> str:
    """What these figures were measured on."""
    pages, size = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    return (
        f"Measured {datetime.now(UTC):%Y-%m-%d} on {os.cpu_count()} cores, {pages * size / 2**30:.0f} GiB, "
        f"Python {platform.python_version()}; client and server share the cores.\n\n"
    )


def main() -> None:
    """Run all, show each part as it comes, write the page."""
    wanted = [m for m in MODULES if not sys.argv[1:] or m.removeprefix("benchmarks.") in sys.argv[1:]]
    parts = []
    for module in wanted:
        print(f"… {module}", file=sys.stderr)
        done = subprocess.run([sys.executable, "-m", module], stdout=subprocess.PIPE, text=True, check=True)
        print(done.stdout)
        parts.append(done.stdout.strip() + "\n")
    if wanted == list(MODULES):
        REPORT.write_text(HEAD + machine() + "\n".join(parts))


if __name__ == "__main__":
    main()
