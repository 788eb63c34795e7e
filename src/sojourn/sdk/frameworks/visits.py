"""What ASGI and WSGI share: from the cookies of a request to the visitor's agent, and back. No web framework here.

Two cookies tell one visitor from another: the instance (a year) and the session with its first and latest activity
(until the browser ends). So any worker process can go on with a session that another one began, and nothing about
the visitor has to be stored. The user identifier is in neither of them.
"""

import re
from collections import OrderedDict
from collections.abc import Callable, Mapping
from http.cookies import CookieError, SimpleCookie
from threading import Lock
from typing import Any, Final

from sojourn.sdk.actions import RootAction
from sojourn.sdk.agent import Agent
from sojourn.sdk.api import current_agent
from sojourn.sdk.ids import new_id
from sojourn.sdk.privacy import DataCollectionLevel, UserPrivacyOptions
from sojourn.wire.messages import Device

INSTANCE: Final = "sojourn_instance"
SESSION: Final = "sojourn_session"
YEAR_SECONDS: Final = 365 * 24 * 3600
MOST_AGENTS: Final = 10_000
"""Visitors that a process remembers; one who was forgotten is recognized by the cookies."""

_ID: Final = re.compile(r"[0-9a-f-]{36}")
_SESSION_VALUE: Final = re.compile(r"([0-9a-f-]{36})\.([0-9]{1,16})\.([0-9]{1,16})")


class Visit:
    """One request of a visitor: the agent to report with, and the action that the request is."""

    __slots__ = ("action", "agent", "fresh")

    def __init__(self, agent: Agent, action: RootAction, *, fresh: bool) -> None:
        self.agent = agent
        self.action = action
        self.fresh = fresh

    def cookies(self, *, secure: bool) -> list[str]:
        """The values of the `Set-Cookie` headers that bring the visitor back; none below `user_behavior`."""
        session = self.agent.session
        if self.agent.user_privacy_options.data_collection_level is not DataCollectionLevel.USER_BEHAVIOR:
            return []
        rules = "; Path=/; HttpOnly; SameSite=Lax" + ("; Secure" if secure else "")
        found = []
        if self.fresh:
            found.append(f"{INSTANCE}={self.agent.instance_id}; Max-Age={YEAR_SECONDS}{rules}")
        if session is None:
            found.append(f"{SESSION}=; Max-Age=0{rules}")
        else:
            start, last = session.start + session.offset, session.last + session.offset
            found.append(f"{SESSION}={session.session_id}.{start}.{last}{rules}")
        return found


class Visitors:
    """The agents of a web application's visitors."""

    def __init__(
        self,
        agent: Agent | None = None,
        *,
        user: Callable[[Any], str | None] | None = None,
        privacy: Callable[[Any], UserPrivacyOptions] | None = None,
        skip: Callable[[str], bool] | None = None,
    ) -> None:
        self._parent = agent
        self._user = user
        self._privacy = privacy
        self._skip = skip
        self._agents: OrderedDict[str, Agent] = OrderedDict()
        self._lock = Lock()

    def enter(self, request: Any, name: str, path: str, headers: Mapping[str, str]) -> Visit | None:
        """The visit that a request begins; None where nothing is to be reported."""
        parent = self._parent or current_agent()
        if parent is None or (self._skip is not None and self._skip(path)):
            return None
        cookies = _read(headers.get("cookie", ""))
        instance = cookies.get(INSTANCE, "")
        fresh = not _ID.fullmatch(instance)
        if fresh:
            instance = new_id(parent.channel.clock.wall())
        agent = self._agent(parent, instance)
        if self._privacy is not None:
            agent.apply_user_privacy_options(self._privacy(request))
        if found := _SESSION_VALUE.fullmatch(cookies.get(SESSION, "")):
            session_id, start, last = found[1], int(found[2]), int(found[3])
            session = agent.session
            # Whichever process saw this visitor last knows which session it is; one that was ended here stays so.
            seen_last = session is None or last > session.last + session.offset
            if not fresh and seen_last and session_id != agent.ended_session_id:
                agent.resume(session_id, min(start, last), last)
        if self._user is not None:
            identifier = self._user(request) or ""
            if identifier != agent.user_identifier:
                agent.identify_user(identifier)
        action = agent.enter_action(name)
        if user_agent := headers.get("user-agent"):
            action.set_attribute("user_agent.original", user_agent[:500])
        return Visit(agent, action, fresh=fresh)

    def _agent(self, parent: Agent, instance: str) -> Agent:
        with self._lock:
            agent = self._agents.get(instance)
            if agent is None:
                agent = self._agents[instance] = parent.for_instance(instance, device=Device())
                if len(self._agents) > MOST_AGENTS:
                    self._agents.popitem(last=False)
            else:
                self._agents.move_to_end(instance)
            return agent


def _read(header: str) -> dict[str, str]:
    try:
        return {name: morsel.value for name, morsel in SimpleCookie(header).items()}
    except CookieError:
        return {}
