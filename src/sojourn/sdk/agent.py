"""The agent: what an application calls. It never raises; `reporter.py` decides what passes, `recorder.py` writes it."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sojourn.rules.events import EventKind
from sojourn.rules.limits import MAX_NAME
from sojourn.rules.sessions import EndReason
from sojourn.rules.users import clean_identifier
from sojourn.sdk.actions import RootAction, close_all, enter
from sojourn.sdk.channel import Channel
from sojourn.sdk.clock import anchor
from sojourn.sdk.contexts import Context
from sojourn.sdk.data import (
    DataError,
    ExceptionEventData,
    HttpRequestEventData,
    SessionPropertyEventData,
    as_exception,
    as_http_request,
    as_session_properties,
    microseconds,
)
from sojourn.sdk.device import this_device, this_os
from sojourn.sdk.express import Express
from sojourn.sdk.guard import guarded
from sojourn.sdk.ids import new_id
from sojourn.sdk.modifiers import EventModifier
from sojourn.sdk.notices import Notices
from sojourn.sdk.privacy import ALL, OPTED_OUT, DataCollectionLevel, UserPrivacyOptions
from sojourn.sdk.recorder import Recorder, Session
from sojourn.sdk.reporter import Reporter
from sojourn.wire.messages import Device, Software

if TYPE_CHECKING:
    from sojourn.sdk.crashes import CrashCapture


class Agent(Express):
    """One instance's sessions, reported through a channel. All methods may be called from any thread."""

    def __init__(
        self,
        channel: Channel,
        *,
        instance_id: str = "",
        device: Device | None = None,
        os: Software | None = None,
        browser: Software | None = None,
        privacy: UserPrivacyOptions | None = None,
        modifiers: list[EventModifier] | None = None,
    ) -> None:
        self.channel = channel
        self.notices: Notices = channel.notices
        self.crash_capture: CrashCapture | None = None
        self._instance_id = instance_id
        self._device = device or channel.options.device or this_device()
        self._os = os or channel.options.operating_system or this_os()
        self._browser = browser or Software()
        privacy = privacy or (OPTED_OUT if channel.options.opt_in_mode else ALL)
        self._recorder = Recorder(channel, self._context(privacy))
        self._recorder.on_split = self._split_view
        self._modifiers = [] if modifiers is None else modifiers
        self._reporter = Reporter(channel, self._recorder, privacy, self._modifiers)
        self._view: tuple[str, int] | None = None
        self._events_allowed = self._reporter.allows(EventKind.EVENT)

    @guarded
    def identify_user(self, identifier: str | None) -> None:
        """Tag the current session with a user; None or "" removes the tag. At most 250 characters are kept."""
        cleaned = clean_identifier(identifier)
        if cleaned is None:
            raise DataError(f"a user identifier is a str or None, not {type(identifier).__name__}")
        if self._reporter.allows(EventKind.IDENTIFY):
            self._recorder.identify(cleaned)

    @guarded
    def send_session_property_event(self, data: SessionPropertyEventData | Mapping[str, Any]) -> None:
        """Set properties of the whole session."""
        properties = as_session_properties(data).session_properties
        self._reporter.report(EventKind.SESSION_PROPERTIES, "", session_properties=properties)

    @guarded
    def send_exception_event(self, data: ExceptionEventData | BaseException | Mapping[str, Any]) -> None:
        """Report an error: an exception, an ExceptionEventData, or a dict of its fields."""
        self._reporter.error(as_exception(data))

    @guarded
    def send_http_request_event(self, data: HttpRequestEventData | Mapping[str, Any]) -> None:
        """Report an HTTP request that the application made."""
        request = as_http_request(data)
        self._reporter.report(
            EventKind.HTTP_REQUEST,
            f"{str(request.method).upper()} {str(request.url).partition('?')[0]}",
            duration=microseconds(request.duration),
            event_properties=request.event_properties,
            attributes=request.attributes(),
        )

    @guarded
    def start_view(self, name: str) -> None:
        """The user looks at something else now; the view before ends and is reported with its duration."""

        def work() -> None:
            self._close_view()
            now = self._reporter.now()
            self._recorder.session_at(now)
            self._view = (str(name)[:MAX_NAME], now)

        if self._reporter.allows(EventKind.VIEW):
            self.channel.run(work)

    @guarded
    def end_view(self) -> None:
        """The user looks at nothing of this application any more."""
        self.channel.run(self._close_view)

    def enter_action(self, name: str) -> RootAction:
        """Begin a piece of work; leave it with `leave_action` or by a `with` block."""
        return enter(RootAction(self._reporter, name))

    @guarded
    def add_event_modifier(self, modifier: EventModifier) -> None:
        """Let a function see, change or (by giving None) drop each event before it is queued; see `modifiers.py`."""
        if not callable(modifier):
            raise DataError(f"an event modifier is a function, not {type(modifier).__name__}")
        self._modifiers.append(modifier)

    @guarded
    def remove_event_modifier(self, modifier: EventModifier) -> None:
        """Take back `add_event_modifier`."""
        if modifier in self._modifiers:
            self._modifiers.remove(modifier)

    @property
    def user_privacy_options(self) -> UserPrivacyOptions:
        """What the user agreed to."""
        return self._reporter.privacy

    @guarded
    def apply_user_privacy_options(self, options: UserPrivacyOptions) -> None:
        """What the user agrees to from now on. A change ends the session, and the next is not tagged."""

        def work() -> None:
            before = self._reporter.privacy
            if options == before:
                return
            self._end(EndReason.PRIVACY_CHANGE)
            self._reporter.privacy = options
            # A session at one level must not point at the instance that another level hides.
            same = options.data_collection_level is before.data_collection_level
            self._recorder.change_context(context, unlink=not same)
            self._events_allowed = self._reporter.allows(EventKind.EVENT)

        if not isinstance(options, UserPrivacyOptions):
            raise DataError(f"UserPrivacyOptions are expected, not {type(options).__name__}")
        if options == self._reporter.privacy:
            return
        context = self._context(options)
        self.channel.run(work)
        if options.data_collection_level is not DataCollectionLevel.OFF:
            self.channel.sender.release()

    @guarded
    def end_session(self) -> None:
        """End the current session, its open actions first. The next event starts a new, untagged one."""
        self.channel.run(lambda: self._end(EndReason.END_SESSION))

    def flush(self, timeout: float = 5.0) -> bool:
        """Send everything reported so far; whether it was delivered within `timeout` seconds."""
        try:
            return self.channel.sender.flush(timeout)
        except Exception:
            self.notices.failed("flushing")
            return False

    def shutdown(self, timeout: float = 5.0) -> bool:
        """End the session and send what is left within `timeout` seconds; what is not sent is kept for the next start.

        True when everything was delivered. Calls after this do nothing.
        """
        try:
            if not self.channel.closed:
                self.channel.run(lambda: self._end(EndReason.APP_CLOSED))
                self._events_allowed = False
                if self.crash_capture is not None:
                    self.crash_capture.remove()
            return self.channel.close(timeout)
        except Exception:
            self.notices.failed("shutting down")
            return False

    def report_crash(self, error: BaseException, *, flush: bool = True) -> None:
        """An unhandled exception is ending the process: report it, end the session, and send what can be sent."""
        self._crash(error)
        if flush:
            self.channel.sender.flush(self.channel.options.exit_timeout, patient=False)

    @guarded
    def _crash(self, error: BaseException) -> None:
        self._reporter.error(as_exception(error), kind=EventKind.CRASH, handled=False)
        if self._reporter.allows(EventKind.CRASH):
            self.channel.run(lambda: self._end(EndReason.CRASH))

    @guarded
    def report_unhandled(self, error: BaseException) -> None:
        """An exception that nothing handled, but that does not end the process: in a thread or an asyncio task."""
        self._reporter.error(as_exception(error), handled=False)

    def for_instance(
        self,
        instance_id: str,
        *,
        device: Device | None = None,
        os: Software | None = None,
        browser: Software | None = None,
    ) -> "Agent":
        """An agent of another instance over the same channel: one for each user of a web server, say.

        It begins with the privacy options of this one, and shares its event modifiers, those added later too.
        """
        return Agent(
            self.channel,
            instance_id=instance_id,
            device=device or Device(),
            os=os or Software(),
            browser=browser,
            privacy=self.user_privacy_options,
            modifiers=self._modifiers,
        )

    @property
    def instance_id(self) -> str:
        """The id of the instance that this agent reports for."""
        return self._recorder.context.instance_id

    @property
    def ended_session_id(self) -> str:
        """The id of the session before the current one; "" is none, or one that privacy keeps apart."""
        return self._recorder.previous_session_id

    @property
    def user_identifier(self) -> str:
        """Who the current session is tagged with; "" is nobody."""
        session = self._recorder.session
        return session.identifier if session else self._recorder.identifier

    @property
    def session(self) -> Session | None:
        """The current session; None before the first event and after an end."""
        return self._recorder.session

    @guarded
    def resume(self, session_id: str, start: int, last: int) -> None:
        """Go on with a session that was begun elsewhere, such as in another worker process of a web server.

        `start` is its first and `last` its latest activity (microseconds since 1970).
        """
        self.channel.run(lambda: self._recorder.resume(session_id, start, last))

    def _context(self, privacy: UserPrivacyOptions) -> Context:
        """What the next session's events have in common. Below `user_behavior` the instance is a fresh one."""
        clock = self.channel.clock
        if privacy.data_collection_level is not DataCollectionLevel.USER_BEHAVIOR:
            instance = new_id(clock.wall())
        else:
            instance = self._instance_id or self.channel.instance_id()
        return Context(
            instance_id=instance,
            app_version=self.channel.options.app_version,
            device=self._device,
            os=self._os,
            browser=self._browser,
            data_collection=privacy.data_collection_level.value,
            clock_offset=anchor(clock),
            boot_id=clock.boot_id,
        )

    def _end(self, reason: EndReason) -> None:
        """End the session, with what is open in it. The caller holds the lock."""
        session = self._recorder.session
        close_all(self._reporter)
        self._close_view()
        if session is not None:
            now = self._reporter.now()
            due = self._recorder.split_due(now)
            # Where it was over before anyone asked, it ended by its timeout; the next one still follows the call.
            self._recorder.close(due or reason, session.end if due else now)
            self._recorder.follow(reason)

    def _close_view(self) -> None:
        """Report the open view, up to now or to the end of its session. The caller holds the lock."""
        session = self._recorder.session
        if self._view is not None and session is not None:
            if self._recorder.split_due(self._reporter.now()) is None:
                self._recorder.record_in(session, EventKind.VIEW.value, self._view[1], name=self._view[0])
            else:
                self._split_view(session)
        self._view = None

    def _split_view(self, session: Session) -> None:
        """A view that is open at a split is reported up to the end of its session, and goes on in the next."""
        if self._view is not None:
            name, start = self._view
            self._recorder.write(session, EventKind.VIEW.value, start, name=name, duration=max(0, session.end - start))
            self._view = (name, self._reporter.now())
