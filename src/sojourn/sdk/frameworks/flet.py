"""For Flet: routes are views; in the browser each page is an instance of its own, on the desktop there is one.

def main(page: flet.Page) -> None:
    agent = flet_helper.watch(page)
"""

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sojourn.sdk.agent import Agent
from sojourn.sdk.api import current_agent
from sojourn.sdk.data import ExceptionEventData
from sojourn.sdk.ids import new_id

if TYPE_CHECKING:
    from flet import Page


def watch(page: "Page", agent: Agent | None = None) -> Agent | None:
    """Report views by route, errors, and the end of the page; the agent to report with for this page.

    Call it after the page's own handlers are set: they go on being called. None where no agent was started.
    """
    found = agent or current_agent()
    if found is None:
        return None
    mine = found.for_instance(new_id(found.channel.clock.wall())) if page.web else found
    page.on_route_change = _after(lambda _: mine.start_view(page.route), page.on_route_change)
    page.on_error = _after(
        lambda event: mine.send_exception_event(ExceptionEventData(type="flet", message=str(event.data))),
        page.on_error,
    )
    page.on_close = _after(lambda _: mine.end_session(), page.on_close)
    mine.start_view(page.route)
    return mine


def _after(first: Callable[[Any], None], then: Callable[..., Any] | None) -> Callable[[Any], Any]:
    """A handler that calls ours and then the application's, which may be async and may take no event."""
    if then is None:
        return first
    arguments = len(inspect.signature(then).parameters)

    if inspect.iscoroutinefunction(then):

        async def both_async(event: Any) -> Any:
            first(event)
            return await then(*(event,)[:arguments])

        return both_async

    def both(event: Any) -> Any:
        first(event)
        return then(*(event,)[:arguments])

    return both
