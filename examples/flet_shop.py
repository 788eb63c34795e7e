"""A Flet application: routes are views; in the browser each page has its own agent.

SOJOURN_KEY=… python examples/flet_shop.py
"""

import flet

import sojourn
from sojourn.sdk.frameworks import flet as sojourn_flet


def main(page: flet.Page) -> None:
    """Build one page."""
    page.title = "Shop"
    page.on_route_change = lambda: setattr(page, "title", f"Shop {page.route}")
    agent = sojourn_flet.watch(page)

    def buy() -> None:
        if agent is not None:
            with agent.enter_action("Buy") as action:
                action.report_value("price", 149.99)
        button.content = "Bought"

    button = flet.Button("Buy", on_click=buy)
    page.add(button)


if __name__ == "__main__":
    sojourn.start(frontend="flet-shop")
    flet.run(main)
