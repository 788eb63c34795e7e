"""The background thread that empties the queue: when it sends, and how it repeats what failed."""

import contextlib
import os
import threading
import time
from collections.abc import Callable
from typing import Final

from sojourn.sdk.backlog import LOOK_FOR_ORPHANS, Backlog
from sojourn.sdk.batches import Part, Reader, Region
from sojourn.sdk.checks import PropertyCheck
from sojourn.sdk.clock import Clock
from sojourn.sdk.notices import Notices
from sojourn.sdk.queue import Queue
from sojourn.sdk.transport import Delivered, Failed, Outcome, Refused, Transport
from sojourn.sdk.trimming import absences_of
from sojourn.wire.messages import Receipt

LONGEST_BACK_OFF: Final = 60.0
LONGEST_RETRY_AFTER: Final = 3_600.0
SCATTERED: Final = 16
"""Parts of a region from which its events count as those of many instances."""
GATHERED: Final = 4
"""How many times as large a region of many instances may be."""


class Pace:
    """How the sender batches and repeats. Ages and delays in seconds.

    A batch leaves when it has so many events or so many bytes (as they are queued), or when its oldest event has this
    age. A few large requests cost the program less than many small ones: its thread is disturbed less often.
    """

    __slots__ = ("batch_age", "batch_bytes", "batch_events", "first_back_off")

    def __init__(
        self,
        batch_events: int = 4_000,
        batch_bytes: int = 512 * 1024,
        batch_age: float = 1.0,
        first_back_off: float = 0.5,
    ) -> None:
        self.batch_events = batch_events
        self.batch_bytes = batch_bytes
        self.batch_age = batch_age
        self.first_back_off = first_back_off


class Sender:
    """Owns the thread. One request at a time, so the events of a stream arrive in their order."""

    def __init__(
        self,
        queue: Queue,
        transport: Transport,
        clock: Clock,
        notices: Notices,
        pace: Pace,
        check: PropertyCheck,
        on_receipt: Callable[[Receipt, Part], None],
    ) -> None:
        self.queue = queue
        self.transport = transport
        self.pace = pace
        self.held = False
        self._clock = clock
        self._notices = notices
        self._check = check
        self._on_receipt = on_receipt
        self._reset()

    def _reset(self) -> None:
        self._signal = threading.Event()
        self._progress = threading.Condition()
        self._thread: threading.Thread | None = None
        self._backlog = Backlog(self.queue, self._notices)
        self._urgent = self._closing = False
        self._close_by = 0.0
        self._failures = 0
        self._attempts_failed = 0
        self._parts = 0
        self._lively = False
        self._max_events = self.pace.batch_events
        self.queue.wake = self.wake

    def start(self) -> None:
        """Start the thread, unless it runs."""
        if self._thread is None and not self._closing:
            self._thread = threading.Thread(target=self._run, name="sojourn-sender", daemon=True)
            # An interpreter that is ending starts no threads; the events are on the disk.
            with contextlib.suppress(RuntimeError):
                self._thread.start()

    def wake(self) -> None:
        """There is work. The first call in a process, or in a forked child, starts the thread."""
        self.start()
        self._signal.set()

    def release(self) -> None:
        """From now on something may leave the process."""
        self.held = False
        self.wake()

    def forget_after_fork(self) -> None:
        """In a forked child: the thread is gone, and what was adopted is the parent's."""
        self._backlog.abandon()
        self.transport.forget_after_fork()
        self._reset()

    def flush(self, timeout: float, *, patient: bool = True) -> bool:
        """Send everything appended so far; False when that took longer, or, if not patient, when an attempt failed."""
        mark = self.queue.appended
        failed = self._attempts_failed
        until = time.monotonic() + timeout
        with self._progress:
            while self.queue.accounted < mark:
                left = until - time.monotonic()
                if left <= 0 or self._thread is None or self.held or (not patient and self._attempts_failed != failed):
                    return False
                self._urgent = True
                self._signal.set()
                self._progress.wait(min(left, 0.5))
        return True

    def close(self, timeout: float) -> bool:
        """Send what is left within `timeout` seconds and end the thread; what could not be sent stays on the disk."""
        self._close_by = time.monotonic() + timeout
        self._closing = self._urgent = True
        self._signal.set()
        thread = self._thread
        if thread is None:
            self._finish()
        else:
            thread.join(timeout)
        return self.queue.accounted >= self.queue.appended

    def _run(self) -> None:
        while not self._closing:
            try:
                self._wait_for_work()
                if self.held:
                    self._urgent = False
                else:
                    self._send_all()
            except Exception:
                # Nothing is lost by waiting, and everything by giving up.
                self._notices.failed("sending")
                self._signal.clear()
                self._signal.wait(LONGEST_BACK_OFF)
        try:
            if not self.held:
                self._send_all()
        except Exception:
            self._notices.failed("sending at the end")
        self._finish()

    def _wait_for_work(self) -> None:
        """Sleep until there is something worth a request."""
        self._keep_house()
        # Where something was sent a moment ago, more will come: the first event of it need not wake this thread.
        gathered = self._lively and self._gather()
        self._lively = False
        if self._nothing_to_send():
            queue = self.queue
            with queue.lock:
                queue.wake_at = queue.appended + 1
            if self._nothing_to_send() and not self._urgent:
                self._signal.wait(LOOK_FOR_ORPHANS)
            self._signal.clear()
            self._keep_house()
            gathered = False
        if not gathered and not self._nothing_to_send():
            self._gather()

    def _gather(self) -> bool:
        """Sleep until there is a batch or its age is reached; False where there is no reason to."""
        if self._urgent or self._backlog.is_inherited:
            return False
        queue = self.queue
        with queue.lock:
            queue.wake_at = queue.accounted + self.pace.batch_events
        if queue.appended < queue.wake_at:
            self._signal.wait(self.pace.batch_age)
        self._signal.clear()
        return True

    def _nothing_to_send(self) -> bool:
        return self.held or self._backlog.is_empty

    def _keep_house(self) -> None:
        self._notices.tell_kept()
        if not self.held and (dropped := self._backlog.keep_house()):
            self._account(dropped)

    def _send_all(self) -> None:
        """Send until nothing is left; between failed attempts, wait ever longer."""
        while (found := self._next_region()) is not None:
            reader, region = found
            while region.parts:
                outcome = self._post(region.parts[0])
                if isinstance(outcome, Failed):
                    self._note_failure(outcome)
                    if self._closing:
                        return
                    self._back_off(outcome)
                    break
                self._failures = 0
                self._notices.forget("unreachable")
                if isinstance(outcome, Refused) and outcome.status == 413 and region.parts[0].count > 1:
                    self._max_events = region.parts[0].count // 2
                    break
                self._settle(outcome, region.parts.pop(0))
            else:
                self._account(self._backlog.pass_over(reader, region))
                self._lively = True
                self._keep_house()
            if self._closing and time.monotonic() >= self._close_by:
                return
        self._max_events = self.pace.batch_events
        self._urgent = False
        with self._progress:
            self._progress.notify_all()

    def _next_region(self) -> tuple[Reader, Region] | None:
        """The oldest region; a larger one where each instance has few events in it.

        A web server's visitors have a request each: the more events are read at once, the fewer requests.
        """
        factor = GATHERED if self._parts > SCATTERED and self._max_events == self.pace.batch_events else 1
        found = self._backlog.next_region(self._max_events * factor, self.pace.batch_bytes * factor)
        self._parts = len(found[1].parts) if found else 0
        return found

    def _post(self, part: Part) -> Outcome:
        if not part.count and not part.absences:
            return Delivered(Receipt(accepted=0, rejected=[], discards=[], policy=None, server_time=0))  # type: ignore[arg-type]
        longest = max(0.1, self._close_by - time.monotonic()) if self._closing else None
        return self.transport.post(part.body(self._clock, self._check), self._clock.wall(), longest)

    def _settle(self, outcome: Outcome, part: Part) -> None:
        """The part will not be sent again: it was taken, or it never will be."""
        if isinstance(outcome, Delivered):
            if outcome.receipt.server_time:
                self._on_receipt(outcome.receipt, part)
        elif isinstance(outcome, Refused):
            self._notices.tell(
                f"refused:{outcome.status}",
                "%d events were refused and dropped: %s",
                part.count,
                outcome.message,
            )
            with self.queue.lock:
                for absence in absences_of(part.lines, "refused"):
                    self.queue.note_absence(absence, part.context)

    def _account(self, count: int) -> None:
        with self._progress:
            with self.queue.lock:
                self.queue.accounted += count
            self._progress.notify_all()

    def _note_failure(self, outcome: Failed) -> None:
        self._failures += 1
        self._notices.tell("unreachable", "%s; events are kept on the disk and sent later", outcome.message)
        with self._progress:
            self._attempts_failed += 1
            self._progress.notify_all()

    def _back_off(self, outcome: Failed) -> None:
        """Wait before the next attempt: as long as the server says, else ever longer, with jitter."""
        longest = min(LONGEST_BACK_OFF, self.pace.first_back_off * 2 ** min(self._failures - 1, 16))
        delay = longest * (1 + os.urandom(1)[0] / 255) / 2
        if outcome.retry_after is not None:
            delay = min(max(delay, outcome.retry_after), LONGEST_RETRY_AFTER)
        self._urgent = False
        until = time.monotonic() + delay
        while (left := until - time.monotonic()) > 0 and not self._closing:
            self._signal.wait(left)
            self._signal.clear()
            if self._urgent and outcome.retry_after is None:
                # A flush is worth an attempt at once, but not a storm of them.
                self._urgent = False
                until = min(until, time.monotonic() + self.pace.first_back_off / 2)
            self._keep_house()

    def _finish(self) -> None:
        """Let go of everything; what was not delivered stays in files that the next start finds."""
        self.transport.close()
        self._backlog.close()
        self._notices.tell_kept()
        with self._progress:
            self._progress.notify_all()
