"""The demo: a server, and beside it a small shop in a process of its own that feeds it through the SDK."""

import subprocess
import sys
from pathlib import Path

import click

from sojourn.rules.definitions import Aggregation, PropertyDefinition
from sojourn.rules.limits import MINUTE, SECOND
from sojourn.rules.names import PropertyKind
from sojourn.rules.sessions import FrontendType
from sojourn.rules.values import DataType
from sojourn.server import serve
from sojourn.settings import Settings, settings_url

FRONTEND = "shop"
DEFINITIONS = (
    PropertyDefinition(PropertyKind.SESSION, "product_tier", DataType.STRING, description="what the user pays for"),
    PropertyDefinition(PropertyKind.SESSION, "cart_value", DataType.NUMBER, description="EUR at the last change"),
    PropertyDefinition(
        PropertyKind.SESSION, "landing_page", DataType.STRING, aggregation=Aggregation.FIRST, description="first seen"
    ),
    PropertyDefinition(PropertyKind.SESSION, "newsletter", DataType.BOOLEAN, case_insensitive=True),
    PropertyDefinition(PropertyKind.EVENT, "cart.total_value", DataType.NUMBER),
    PropertyDefinition(PropertyKind.EVENT, "product", DataType.STRING),
)


def run(data: Path, host: str, port: int) -> None:
    """Serve until stopped, with the shop open for business."""
    data.mkdir(parents=True, exist_ok=True)
    key = _open_shop(data)
    shop = subprocess.Popen(
        [sys.executable, "-m", "sojourn.demo.shop", f"http://{host}:{port}", key, str(data / "demo-shop")],
        stdout=subprocess.DEVNULL,
    )
    click.echo(f"Sojourn is at http://{host}:{port}/  (Ctrl-C stops it; the data is in {data})")
    click.echo("A demo shop sends sessions of several users through the Python SDK; the first is there in seconds.")
    click.echo(f"Next: sojourn frontend add my-app --type web --data {data}   then follow “Get started” on its page.")
    try:
        serve(data, host, port)
    finally:
        shop.terminate()
        shop.wait()


def _open_shop(data: Path) -> str:
    """The ingest key of the shop's frontend, which is made, with short timeouts, at the first run."""
    with Settings(settings_url(data)) as settings:
        if FRONTEND not in {frontend.name for frontend in settings.frontends()}:
            settings.add_frontend(FRONTEND, FrontendType.WEB, actor="demo")
            settings.set_frontend(FRONTEND, actor="demo", idle_timeout=20 * SECOND, max_duration=3 * MINUTE)
            settings.import_definitions(FRONTEND, DEFINITIONS, actor="demo")
        return settings.keys(FRONTEND)[0].key
