"""A terminal application with Textual: screens are views, a key's work is an action.

SOJOURN_KEY=… python examples/terminal_textual.py
"""

from textual.app import App, ComposeResult
from textual.screen import Screen
from textual.widgets import Label

import sojourn
from sojourn.sdk.frameworks import textual


class Cart(Screen[None]):
    """What will be bought."""

    TITLE = "Cart"
    BINDINGS = [("p", "pay", "Pay"), ("b", "break_down", "Break down")]  # noqa: RUF012

    def compose(self) -> ComposeResult:
        yield Label("one espresso machine")

    def action_pay(self) -> None:
        """Pay."""
        with sojourn.enter_action("Pay") as action:
            action.report_value("price", 149.99)

    def action_break_down(self) -> None:
        """Fail, as applications do."""
        raise RuntimeError("out of stock")


class Shop(App[None]):
    """A shop with a cart."""

    BINDINGS = [("c", "cart", "Cart")]  # noqa: RUF012

    def on_mount(self) -> None:
        """The application runs."""
        textual.watch(self)

    def action_cart(self) -> None:
        """Show the cart."""
        self.push_screen(Cart())


if __name__ == "__main__":
    sojourn.start(frontend="terminal-shop")
    Shop().run()
