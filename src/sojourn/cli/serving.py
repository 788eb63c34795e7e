"""`sojourn serve` and `sojourn demo`: starting the server."""

from importlib import import_module
from pathlib import Path

import click

from sojourn.cli.opening import Place, Refused, data_option, place_options, server_packages
from sojourn.cli.output import next_step

host_option = click.option(
    "--host", envvar="SOJOURN_HOST", default="127.0.0.1", show_default=True, show_envvar=True, help="Listen here."
)
port_option = click.option(
    "--port",
    type=click.IntRange(1, 65535),
    envvar="SOJOURN_PORT",
    default=8321,
    show_default=True,
    show_envvar=True,
    help="Listen on this port.",
)


@click.command()
@place_options
@host_option
@port_option
@click.option(
    "--store-url",
    envvar="SOJOURN_STORE_URL",
    show_envvar=True,
    metavar="URL",
    help="A ClickHouse server for the events, such as clickhouse://user:password@host/name, or each node of a cluster: "
    "clickhouse://host,other/name?cluster=NAME; else they are in the data folder.",
)
def serve(place: Place, host: str, port: int, store_url: str | None) -> None:
    """Serve pages, API and ingest until stopped."""
    with server_packages():
        from sojourn import server
    click.echo(
        f"Sojourn serves http://{_shown(host)}:{port}/ with the data in {place.data}; Ctrl+C stops it.", err=True
    )
    next_step("sojourn frontend add NAME --type web|mobile|desktop|other")
    try:
        server.serve(place.data, host, port, store_url, place.settings_url)
    except (server.UnsafeHostError, server.StoreRefusedError) as error:
        raise Refused(str(error)) from error


@click.command()
@data_option
@host_option
@port_option
def demo(data: Path, host: str, port: int) -> None:
    """Serve with a small shop application that feeds it through the SDK."""
    with server_packages():
        module = import_module("sojourn.demo")
    module.run(data, host, port)


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host
