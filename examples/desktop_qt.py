"""A desktop application with PySide6: windows are views, a button's work is an action.

SOJOURN_KEY=… python examples/desktop_qt.py
"""

import sys

from PySide6.QtWidgets import QApplication, QPushButton

import sojourn
from sojourn.sdk.frameworks import qt


class Shop(QPushButton):
    """A window with one button."""

    def __init__(self) -> None:
        super().__init__("Buy")
        self.setWindowTitle("Shop")
        self.clicked.connect(self.buy)

    def buy(self) -> None:
        """What the button does."""
        with sojourn.enter_action("Buy") as action:
            action.report_value("price", 149.99)
            self.setText("Bought")


def build(application: QApplication) -> Shop:
    """The window of the application, watched."""
    shop = Shop()
    qt.watch(application)
    return shop


if __name__ == "__main__":
    sojourn.start(frontend="desktop-shop")
    application = QApplication(sys.argv)
    shop = build(application)
    shop.show()
    sys.exit(application.exec())
