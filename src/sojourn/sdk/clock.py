"""The SDK's only clock: a steady time for session life, and the wall time that it is anchored to."""

import contextlib
import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final, Protocol

ANCHOR_TOLERANCE: Final = 1_000_000
"""How far, in microseconds, the wall clock may wander from its anchor before a new session takes a new one."""


class Clock(Protocol):
    """What the SDK needs of a clock. Times are integers in microseconds."""

    boot_id: str

    def steady(self) -> int:
        """Time that never jumps and that goes on while the machine is suspended."""
        ...

    def steady_ns(self) -> int:
        """The same in nanoseconds, for the one call that must not cost more than reading the machine's clock."""
        ...

    def wall(self) -> int:
        """Time since 1970 (UTC) as the machine believes it."""
        ...


_STEADY_ID: Final = getattr(time, "CLOCK_BOOTTIME", getattr(time, "CLOCK_MONOTONIC", None))


class SystemClock:
    """The machine's clock: boot time where there is one, so that a suspended laptop counts as idle."""

    steady_ns: Callable[[], int] = staticmethod(
        time.monotonic_ns if _STEADY_ID is None else partial(time.clock_gettime_ns, _STEADY_ID)
    )

    def __init__(self) -> None:
        # Steady times of two processes can be compared only within one boot of the machine.
        # Where the machine does not name its boots, this process can still trust its own.
        self.boot_id = os.urandom(16).hex()
        with contextlib.suppress(OSError):
            self.boot_id = Path("/proc/sys/kernel/random/boot_id").read_text().strip()

    def steady(self) -> int:
        return self.steady_ns() // 1000

    def wall(self) -> int:
        return time.time_ns() // 1000


def anchor(clock: Clock, current: int | None = None) -> int:
    """Wall time minus steady time: `current` as long as it still holds, else as measured now.

    The times of one session share one anchor, so a clock that is set in the middle of it moves nothing.
    """
    measured = clock.wall() - clock.steady()
    if current is not None and abs(measured - current) <= ANCHOR_TOLERANCE:
        return current
    return measured
