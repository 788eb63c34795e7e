"""Actions: named pieces of work with a start, an end and children. An action stays in the session it was entered in."""

from types import TracebackType
from typing import Any, Self, TypeVar

from sojourn.rules.events import EventKind
from sojourn.rules.limits import MAX_ACTION_DEPTH, MAX_NAME
from sojourn.rules.values import clean_value
from sojourn.sdk.data import as_exception
from sojourn.sdk.guard import guarded
from sojourn.sdk.ids import new_id
from sojourn.sdk.notices import Notices
from sojourn.sdk.recorder import Session
from sojourn.sdk.reporter import Reporter


class Action:
    """A piece of work below another one. Leave it with `leave_action`, or use it in a `with` block.

    One that could not be entered (privacy, depth, after the shutdown) is an Action too; it reports nothing.
    """

    __slots__ = (
        "_attributes",
        "_children",
        "_depth",
        "_parent",
        "_reporter",
        "_session",
        "_start",
        "action_id",
        "name",
    )

    def __init__(self, reporter: Reporter, name: str, parent: "Action | None" = None) -> None:
        self.name = name
        self.action_id = ""
        self._reporter = reporter
        self._session: Session | None = None
        self._start = 0
        self._parent = parent
        self._depth: int = parent._depth + 1 if parent else 0
        self._children: list[Action] = []
        self._attributes: dict[str, Any] = {}

    @property
    def notices(self) -> Notices:
        """Where mistakes are told."""
        return self._reporter.notices

    @property
    def is_open(self) -> bool:
        """Whether it was entered, and neither left nor cancelled since."""
        return self._session is not None

    @property
    def duration(self) -> int:
        """Microseconds since it was entered; 0 once it is over."""
        return self._reporter.now() - self._start if self.is_open else 0

    def enter_action(self, name: str) -> "Action":
        """Enter a child; at most nine levels below the root."""
        return enter(Action(self._reporter, name, self))

    def report_value(self, name: str, value: str | float) -> Self:
        """A value that was found during this action."""
        self._report_value(name, value)
        return self

    def report_error(self, error: object, message: str = "") -> Self:
        """An error during this action: an exception, or a name and a message."""
        self._report_error(error, message)
        return self

    def report_event(self, data: object) -> Self:
        """A custom event during this action."""
        self._report_event(data)
        return self

    def set_attribute(self, name: str, value: str | bool | float) -> Self:
        """A built-in fact of the action, named as OpenTelemetry names it; sent when the action is left."""
        self._attributes[name] = value
        return self

    def leave_action(self) -> "Action | None":
        """End the action, its open children first; gives its parent."""
        self._close(send=True)
        return self._parent

    def cancel_action(self) -> "Action | None":
        """Forget the action and its open children: they are not sent. What they reported is. Gives its parent."""
        self._close(send=False)
        return self._parent

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self._attributes["error.type"] = kind.__qualname__
        self._close(send=True)

    @guarded
    def _report_value(self, name: str, value: object) -> None:
        cleaned = clean_value(value)
        if cleaned is None:
            self.notices.tell(f"value:{name}", "%s: a value is a str, bool, int or finite float; discarded", name)
        elif self.is_open:
            self._reporter.report(
                EventKind.VALUE, str(name), attributes={"value": cleaned}, parent_action_id=self.action_id
            )

    @guarded
    def _report_error(self, error: object, message: str) -> None:
        if self.is_open:
            found = error if isinstance(error, BaseException) else {"type": str(error), "message": message}
            self._reporter.error(as_exception(found), self.action_id)

    @guarded
    def _report_event(self, data: object) -> None:
        if self.is_open:
            self._reporter.event(data, self.action_id)

    @guarded
    def _close(self, *, send: bool) -> None:
        self._reporter.channel.run(lambda: close(self, send=send))


class RootAction(Action):
    """An action that has no parent."""

    __slots__ = ()


_Entered = TypeVar("_Entered", bound=Action)


def enter(action: _Entered) -> _Entered:
    """Open an action in the session of this moment. What cannot be opened stays closed."""
    _enter(action)
    return action


@guarded
def _enter(action: Action) -> None:
    reporter, parent = action._reporter, action._parent
    action.name = str(action.name)[:MAX_NAME]
    if action._depth > MAX_ACTION_DEPTH:
        action.notices.tell("depth", "actions nest at most %d levels below the root; discarded", MAX_ACTION_DEPTH)
        return
    if not reporter.allows(EventKind.ACTION) or (parent is not None and not parent.is_open):
        return

    def work() -> None:
        action._start = reporter.now()
        # Its start is activity, and a child may begin after the session of its parent was split.
        action._session = session = reporter.recorder.session_at(action._start)
        action.action_id = new_id(action._start + session.offset)
        (parent._children if parent else reporter.open_actions).append(action)

    reporter.channel.run(work)


def close(action: Action, *, send: bool) -> None:
    """End an action and, before it, its open children. The caller holds the lock."""
    session, reporter = action._session, action._reporter
    if session is None:
        return
    for child in reversed(action._children[:]):
        close(child, send=send)
    action._session = None
    siblings = action._parent._children if action._parent else reporter.open_actions
    if action in siblings:
        siblings.remove(action)
    if send:
        reporter.recorder.record_in(
            session,
            EventKind.ACTION.value,
            action._start,
            name=action.name,
            action_id=action.action_id,
            parent_action_id=action._parent.action_id if action._parent else "",
            attributes=action._attributes,
        )


def close_all(reporter: Reporter) -> None:
    """End all open actions, the youngest first. The caller holds the lock."""
    for action in reversed(reporter.open_actions[:]):
        close(action, send=True)
