"""The SDK's only clock: a steady time for session life, and the wall time it was anchored to. No other module asks for the time."""

import contextlib
import os
import time
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

    def wall(self) -> int:
        """Time since 1970 (UTC) as the machine believes it."""
        ...


_STEADY_ID: Final = getattr(time, "CLOCK_BOOTTIME", getattr(time, "CLOCK_MONOTONIC", None))


class SystemClock:
    """The machine's clock: boot time where there is one, so that a suspended laptop counts as idle."""

    def __init__(self) -> None:
        # Steady times of two processes can be compared only within one boot of the machine.
        # Where the machine does not name its boots, this process can still trust its own.
        self.boot_id = os.urandom(16).hex()
        with contextlib.suppress(OSError):
            self.boot_id = Path("/proc/sys/kernel/random/boot_id").read_text().strip()

    if _STEADY_ID is None:

        def steady(self) -> int:
            return time.monotonic_ns() // 1000

    else:

        def steady(self, _read=time.clock_gettime_ns, _id=_STEADY_ID) -> int:  # type: ignore[no-untyped-def]  # noqa: ANN001
            return _read(_id) // 1000  # type: ignore[no-any-return]

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
