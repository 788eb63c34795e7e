"""The module-level functions of `sojourn`: one default agent for the whole process."""

import atexit
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from sojourn.sdk.actions import RootAction
from sojourn.sdk.agent import Agent
from sojourn.sdk.channel import Channel
from sojourn.sdk.clock import Clock
from sojourn.sdk.crashes import CrashCapture
from sojourn.sdk.data import EventData, ExceptionEventData, HttpRequestEventData, SessionPropertyEventData
from sojourn.sdk.modifiers import EventModifier
from sojourn.sdk.options import DISK_LIMIT, Options
from sojourn.sdk.privacy import UserPrivacyOptions
from sojourn.sdk.sender import Pace
from sojourn.wire.messages import Device, Software

_default: Agent | None = None
_unstarted: Agent | None = None
_scoped: ContextVar[Agent | None] = ContextVar("sojourn_agent", default=None)


def start(
    endpoint: str = "",
    frontend: str = "",
    key: str = "",
    *,
    app_version: str = "",
    state_dir: str | os.PathLike[str] | None = None,
    opt_in_mode: bool = False,
    debug: bool | None = None,
    capture_crashes: bool = True,
    max_disk_bytes: int = DISK_LIMIT,
    exit_timeout: float = 5.0,
    device: Device | None = None,
    operating_system: Software | None = None,
    clock: Clock | None = None,
    pace: Pace | None = None,
) -> Agent:
    """Start an agent, which the module-level functions use from now on.

    Arguments that are not given come from `SOJOURN_ENDPOINT`, `SOJOURN_FRONTEND`, `SOJOURN_KEY`,
    `SOJOURN_APP_VERSION`, `SOJOURN_STATE_DIR` and `SOJOURN_DEBUG`. `max_disk_bytes` bounds the queue;
    `exit_timeout` is how many seconds the end of the process may be held up to send what is left.
    """
    global _default
    options = Options(
        endpoint,
        frontend,
        key,
        app_version=app_version,
        state_dir=state_dir,
        opt_in_mode=opt_in_mode,
        debug=debug,
        max_disk_bytes=max_disk_bytes,
        exit_timeout=exit_timeout,
        device=device,
        operating_system=operating_system,
        clock=clock,
        pace=pace,
    )
    channel = Channel(options)
    agent = Agent(channel)
    if not options.frontend or not options.key:
        channel.notices.tell("key", "no frontend or no ingest key was given: the server will refuse the events")
    if capture_crashes:
        agent.crash_capture = CrashCapture(agent)
    if not opt_in_mode:
        channel.sender.release()
    atexit.register(_at_exit, agent)
    _default = agent
    return agent


def _at_exit(agent: Agent) -> None:
    if not agent.channel.closed:
        agent.shutdown(agent.channel.options.exit_timeout)


def current_agent() -> Agent | None:
    """The agent that the module-level functions use here: that of the request at hand, else of the last `start`."""
    return _scoped.get() or _default


@contextmanager
def using(agent: Agent) -> Iterator[Agent]:
    """Within this block, and in tasks started in it, the module-level functions use this agent."""
    token = _scoped.set(agent)
    try:
        yield agent
    finally:
        _scoped.reset(token)


def _agent() -> Agent:
    """The agent to use here; before any `start` one that drops everything, and says so once."""
    global _unstarted
    agent = _scoped.get() or _default
    if agent is not None:
        return agent
    if _unstarted is None:
        _unstarted = Agent(Channel(Options(opt_in_mode=True)))
        _unstarted.notices.tell("unstarted", "sojourn.start() was not called; nothing is reported")
    return _unstarted


def identify_user(identifier: str | None) -> None:
    """Tag the current session with a user; None or "" removes the tag. At most 250 characters are kept."""
    _agent().identify_user(identifier)


def send_event(data: EventData | Mapping[str, Any] | str) -> None:
    """Report a custom event."""
    (_scoped.get() or _default or _agent()).send_event(data)


def send_session_property_event(data: SessionPropertyEventData | Mapping[str, Any]) -> None:
    """Set properties of the whole session."""
    _agent().send_session_property_event(data)


def send_exception_event(data: ExceptionEventData | BaseException | Mapping[str, Any]) -> None:
    """Report an error: an exception, an ExceptionEventData, or a dict of its fields."""
    _agent().send_exception_event(data)


def send_http_request_event(data: HttpRequestEventData | Mapping[str, Any]) -> None:
    """Report an HTTP request that the application made."""
    _agent().send_http_request_event(data)


def start_view(name: str) -> None:
    """The user looks at something else now; the view before ends and is reported with its duration."""
    _agent().start_view(name)


def end_view() -> None:
    """The user looks at nothing of this application any more."""
    _agent().end_view()


def enter_action(name: str) -> RootAction:
    """Begin a piece of work; leave it with `leave_action` or by a `with` block."""
    return _agent().enter_action(name)


def add_event_modifier(modifier: EventModifier) -> None:
    """Let a function see, change or (by giving None) drop each event before it is queued."""
    _agent().add_event_modifier(modifier)


def remove_event_modifier(modifier: EventModifier) -> None:
    """Take back `add_event_modifier`."""
    _agent().remove_event_modifier(modifier)


def apply_user_privacy_options(options: UserPrivacyOptions) -> None:
    """What the user agrees to from now on. A change ends the session, and the next is not tagged."""
    _agent().apply_user_privacy_options(options)


def end_session() -> None:
    """End the current session, its open actions first. The next event starts a new, untagged one."""
    _agent().end_session()


def flush(timeout: float = 5.0) -> bool:
    """Send everything reported so far; whether it was delivered within `timeout` seconds."""
    return _agent().flush(timeout)


def shutdown(timeout: float = 5.0) -> bool:
    """End the session and send what is left within `timeout` seconds; what is not sent is kept for the next start."""
    return _agent().shutdown(timeout)
