"""For PySide6: windows are views, the end of the application ends the session, errors in slots do not end it.

application = QApplication(sys.argv)
qt.watch(application)
"""

from typing import TYPE_CHECKING, Any

from sojourn.sdk.agent import Agent
from sojourn.sdk.api import current_agent

if TYPE_CHECKING:
    from PySide6.QtGui import QGuiApplication


def watch(application: "QGuiApplication", agent: Agent | None = None) -> None:
    """Report views by the window that has the focus, and shut the agent down when the application quits."""
    found = agent or current_agent()
    if found is None:
        return

    def focus(window: Any) -> None:
        if window is not None and (title := window.title() or window.objectName()):
            found.start_view(title)

    application.focusWindowChanged.connect(focus)
    application.aboutToQuit.connect(lambda: found.shutdown(found.channel.options.exit_timeout))
    # An exception in a slot reaches sys.excepthook, but the event loop goes on.
    if found.crash_capture is not None:
        found.crash_capture.ends_process = False
    focus(application.focusWindow())
