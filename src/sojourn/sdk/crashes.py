"""Catches what nothing else caught: `sys.excepthook`, `threading.excepthook`, asyncio's handler; each is chained."""

import sys
import threading
from types import TracebackType
from typing import TYPE_CHECKING, Any

from sojourn.sdk.agent import Agent

if TYPE_CHECKING:
    import asyncio


class CrashCapture:
    """The hooks of one agent. `remove` restores those that were there before, where nobody came after."""

    def __init__(self, agent: Agent) -> None:
        self._agent = agent
        self._active = True
        self.ends_process = True
        """Whether what reaches `sys.excepthook` ends the process. Under Qt, an exception in a slot does not."""
        self._before = sys.excepthook
        self._before_threads = threading.excepthook
        sys.excepthook = self._on_crash
        threading.excepthook = self._on_thread_error
        # Started inside a running loop, its handler is ours to chain at once.
        if (loaded := sys.modules.get("asyncio.events")) and (loop := loaded._get_running_loop()):
            self.watch_event_loop(loop)

    def watch_event_loop(self, loop: "asyncio.AbstractEventLoop") -> None:
        """Report what asyncio's handler of this loop is given."""
        before = loop.get_exception_handler()

        def handle(loop: "asyncio.AbstractEventLoop", context: dict[str, Any]) -> None:
            error = context.get("exception")
            if self._active and isinstance(error, Exception):
                self._agent.report_unhandled(error)
            if before is not None:
                before(loop, context)
            else:
                loop.default_exception_handler(context)

        loop.set_exception_handler(handle)

    def remove(self) -> None:
        """Report nothing any more."""
        self._active = False
        if sys.excepthook == self._on_crash:
            sys.excepthook = self._before
        if threading.excepthook == self._on_thread_error:
            threading.excepthook = self._before_threads

    def _on_crash(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        try:
            # At an interactive prompt an exception ends nothing, and Ctrl-C is a wish, not a crash.
            if self._active and isinstance(error, Exception) and not hasattr(sys, "ps1"):
                (self._agent.report_crash if self.ends_process else self._agent.report_unhandled)(error)
        except Exception:
            self._agent.notices.failed("reporting a crash")
        finally:
            self._before(kind, error, trace)

    def _on_thread_error(self, arguments: Any) -> None:
        try:
            if self._active and isinstance(arguments.exc_value, Exception):
                self._agent.report_unhandled(arguments.exc_value)
        finally:
            self._before_threads(arguments)
