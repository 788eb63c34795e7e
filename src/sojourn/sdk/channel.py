"""What the agents of one `start` share: lock, queue, sender, clock and policy; and what a fork does to them."""

import os
import sys
import weakref
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, Final

import msgspec

from sojourn.rules.sessions import FrontendType, SessionPolicy
from sojourn.sdk import transport
from sojourn.sdk.batches import Part
from sojourn.sdk.checks import PropertyCheck
from sojourn.sdk.ids import new_id, random_hex
from sojourn.sdk.notices import Notices
from sojourn.sdk.options import Options
from sojourn.sdk.queue import Queue
from sojourn.sdk.sender import Sender
from sojourn.sdk.state import instance_id
from sojourn.sdk.transport import Transport
from sojourn.wire.messages import Event, Receipt

_channels: Final["weakref.WeakSet[Channel]"] = weakref.WeakSet()


class Channel:
    """The way from this process to one frontend."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.clock = options.clock
        self.steady_ns = self.clock.steady_ns
        self.notices = Notices()
        self.check = PropertyCheck(self.notices)
        self.policy = SessionPolicy.default(FrontendType.OTHER)
        self.queue = Queue(options.directory / "queue", self.notices, options.max_disk_bytes)
        self.sender = Sender(
            self.queue,
            Transport(options.endpoint, options.frontend, options.key),
            self.clock,
            self.notices,
            options.pace,
            self.check,
            self._on_receipt,
        )
        # In opt-in mode nothing leaves, not even what an earlier run left behind, before the user agreed.
        self.sender.held = options.opt_in_mode
        self.policy_listeners: weakref.WeakSet[Any] = weakref.WeakSet()
        self.closed = False
        self._identify_process()
        _channels.add(self)

    def _identify_process(self) -> None:
        """A stream is one process: ids and locks that a forked child must not share with its parent."""
        self.lock = self.queue.lock
        self.stream_id = random_hex(8)
        self.process = os.getpid()
        self.busy = False
        self.deferred: deque[Callable[[], None]] = deque()

    def run(self, work: Callable[[], None]) -> None:
        """Do a piece of work under the lock; if this very thread is inside already, right after what it is doing.

        That happens when a signal handler or a finalizer of the application calls the SDK.
        """
        with self.lock:
            if self.busy or self.deferred:
                self.deferred.append(work)
                return
            self.busy = True
            try:
                work()
            finally:
                self.busy = False
                self.drain()

    def drain(self) -> None:
        """Do what was deferred, in its order. The caller holds the lock and is not busy."""
        while self.deferred:
            self.busy = True
            try:
                while self.deferred:
                    self.deferred.popleft()()
            except Exception as error:
                self.notices.keep("deferred", "a call from a signal handler or finalizer failed: %r", error)
            finally:
                self.busy = False

    def instance_id(self) -> str:
        """The persisted id of this installation; one for this process alone where nothing can be written."""
        try:
            return instance_id(self.options.directory, self.clock.wall())
        except OSError as error:
            self.notices.tell(
                "no_state", "%s cannot be written (%s): each start is a new instance", self.options.directory, error
            )
            return new_id(self.clock.wall())

    def close(self, timeout: float) -> bool:
        """Send what is left within `timeout` seconds; True when nothing is left on this machine."""
        self.closed = True
        return self.sender.close(timeout)

    def _on_receipt(self, receipt: Receipt, part: Part) -> None:
        policy = SessionPolicy(receipt.policy.idle_timeout, receipt.policy.max_duration)
        if policy != self.policy and policy.idle_timeout > 0 and policy.max_duration > 0:
            with self.lock:
                self.policy = policy
                for listener in list(self.policy_listeners):
                    listener.policy_changed()
        for discard in receipt.discards:
            self.notices.tell(
                f"discard:{discard.key:.200}:{discard.reason}",
                "%.400s by the server",
                discard.message or f"{discard.key}: {discard.reason}; discarded",
            )
        for refusal in receipt.rejected:
            self.notices.tell(
                f"rejected:{refusal.reason}",
                "an event was rejected by the server (%s): %s",
                refusal.reason,
                refusal.message,
            )
        if self.options.debug:
            _print_events(part.events(self.check))


def _print_events(events: Iterable[Event]) -> None:
    for event in events:
        fields = msgspec.json.decode(msgspec.json.encode(event))
        kind, name = fields.pop("kind"), fields.pop("name", "")
        sys.stderr.write(f"sojourn sent {kind} {name} {msgspec.json.encode(fields).decode()}\n")


_forking: list["Channel"] = []


def _before_fork() -> None:
    # With the locks held, no thread is in the middle of an append that the child would see half done.
    _forking[:] = list(_channels)
    transport.importing.acquire()
    for channel in _forking:
        channel.lock.acquire()


def _after_fork_in_parent() -> None:
    for channel in _forking:
        channel.lock.release()
    transport.importing.release()
    _forking.clear()


def _after_fork_in_child() -> None:
    for channel in _forking:
        channel.queue.forget_after_fork()
        channel.sender.forget_after_fork()
        channel._identify_process()
        for listener in list(channel.policy_listeners):
            listener.forked()
    transport.importing.release()
    _forking.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork_in_parent, after_in_child=_after_fork_in_child)
