"""A handler for the standard library's `logging`: what is logged as an error is reported as one.

logging.getLogger().addHandler(SojournHandler())
"""

import logging
import threading

from sojourn.sdk.agent import Agent
from sojourn.sdk.api import current_agent
from sojourn.sdk.data import ExceptionEventData


class SojournHandler(logging.Handler):
    """Reports records from `level` on as errors, with their exception where they have one."""

    def __init__(self, level: int = logging.ERROR, *, agent: Agent | None = None) -> None:
        super().__init__(level)
        self._agent = agent

    def emit(self, record: logging.LogRecord) -> None:
        agent = self._agent or current_agent()
        # What the SDK says itself, or a library says in its thread, would go round in circles.
        if (
            agent is None
            or record.name.split(".")[0] == "sojourn"
            or threading.current_thread().name == "sojourn-sender"
        ):
            return
        try:
            error = record.exc_info[1] if record.exc_info else None
            data = ExceptionEventData(error, type="" if error else record.name, message=record.getMessage())
            agent.send_exception_event(data)
        except Exception:
            self.handleError(record)
