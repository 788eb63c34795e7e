"""`python -m tests.pages.screenshots [DIRECTORY] [PAGE…]`: every page, wide and narrow, light and dark, as PNG."""

import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from tests.pages.browser import chromium
from tests.pages.data import fill_hostile, fill_shop
from tests.server import Server

PAGES = {
    "frontends": "/?all",
    "overview": "/frontends/shop/overview",
    "sessions": "/frontends/shop/sessions",
    "sessions-filtered": "/frontends/shop/sessions?session_properties.product_tier=premium&errors=true",
    "session": "/frontends/shop/session?id=rich-session",
    "users": "/frontends/shop/users",
    "user": "/frontends/shop/user?identifier=amelia.hart@example.com",
    "live": "/frontends/shop/live",
    "sql": "/frontends/shop/sql",
    "properties": "/frontends/shop/settings/properties",
    "properties-add": "/frontends/shop/settings/properties?add=session&field=loyalty_points&type=number",
    "discards": "/frontends/shop/settings/discards",
    "timeouts": "/frontends/shop/settings/sessions",
    "privacy": "/frontends/shop/settings/privacy",
    "keys": "/frontends/shop/settings/keys",
    "history": "/frontends/shop/settings/history",
    "start": "/frontends/shop/start",
    "hostile-sessions": "/frontends/hostile/sessions",
    "hostile-session": "/frontends/hostile/session?id=hostile-7",
    "not-found": "/frontends/shop/session?id=nothing",
}
WIDTHS = {"wide": (1440, 900), "narrow": (390, 844)}


def take(directory: Path, names: Iterable[str], schemes: Iterable[str] = ("light", "dark"), full: bool = False) -> None:
    """Fill a server of its own and take the pictures."""
    directory.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        server = Server(Path(folder) / "data")
        try:
            fill_shop(server)
            fill_hostile(server)
            with chromium() as browser:
                for scheme in schemes:
                    for width, (x, y) in WIDTHS.items():
                        context = browser.new_context(
                            viewport={"width": x, "height": y}, color_scheme=scheme, timezone_id="Europe/Berlin"
                        )
                        page = context.new_page()
                        page.goto(server.url + "/?all")
                        for name in names:
                            page.goto(server.url + PAGES[name])
                            page.wait_for_timeout(250)
                            page.screenshot(path=directory / f"{name}-{width}-{scheme}.png", full_page=full)
                        context.close()
        finally:
            server.close()


if __name__ == "__main__":
    arguments = sys.argv[1:]
    take(Path(arguments[0] if arguments else "docs/screenshots"), arguments[1:] or PAGES)
