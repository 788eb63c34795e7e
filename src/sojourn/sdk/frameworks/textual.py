"""For Textual: screens are views, and an error that ends the application is a crash.

class Shop(App):
    def on_mount(self) -> None:
        textual.watch(self)
"""

from typing import TYPE_CHECKING, Any

from sojourn.sdk.agent import Agent
from sojourn.sdk.api import current_agent

if TYPE_CHECKING:
    from textual.app import App


def watch(app: "App[Any]", agent: Agent | None = None) -> None:
    """Report views by the screen that is shown, from now on, and the error that Textual ends with."""
    found = agent or current_agent()
    if found is None:
        return

    def shown(screen: Any) -> None:
        found.start_view(screen.title or screen.id or type(screen).__name__)

    app.screen_change_signal.subscribe(app, shown)
    shown(app.screen)
    # Textual catches what its handlers raise, shows it and ends: no hook of Python ever sees it.
    handle = getattr(app, "_handle_exception", None)
    if handle is not None:

        def handle_and_report(error: Exception) -> None:
            found.report_crash(error, flush=False)
            handle(error)

        app._handle_exception = handle_and_report  # type: ignore[method-assign]
