"""`sojourn sql`: a read-only question to a running server."""

import csv
import io
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import urllib3

from sojourn.cli.opening import Refused
from sojourn.cli.output import next_step, show_table
from sojourn.cli.remote import Api, Unreachable, server_options

_BINARY = frozenset({"parquet", "arrow"})


@click.command()
@click.argument("query")
@click.option(
    "--format",
    "format_",
    type=click.Choice(["table", "json", "csv", "parquet", "arrow"]),
    help="How to answer; a table on a terminal, else csv.",
)
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), help="Write to this file.")
@server_options
def sql(query: str, format_: str | None, output: Path | None, endpoint: str, token: str | None) -> None:
    """Ask the server in SQL, over user_events, user_sessions and users. QUERY `-` is standard input."""
    if query == "-":
        query = sys.stdin.read()
    chosen = format_ or ("table" if output is None and sys.stdout.isatty() else "csv")
    if chosen in _BINARY and output is None and sys.stdout.isatty():
        raise Refused(f"format: {chosen} is no text; give --output FILE or a pipe")
    asked = "csv" if chosen == "table" else chosen
    answer = Api(endpoint, token).stream("POST", "/api/v1/sql", {"query": query, "format": asked})
    if chosen == "table":
        _show(b"".join(chunks(answer)).decode(errors="replace"))
    else:
        write(answer, output)


def write(answer: urllib3.BaseHTTPResponse, output: Path | None) -> None:
    """Write an answer, as it arrives, to a file or to standard output."""
    if output is None:
        stdout = sys.stdout.buffer
        for chunk in chunks(answer):
            stdout.write(chunk)
        stdout.flush()
        return
    # Under another name until it is whole: a file cut short looks like an answer.
    partial = output.with_name(output.name + ".part")
    with partial.open("wb") as file:
        for chunk in chunks(answer):
            file.write(chunk)
    partial.replace(output)
    click.echo(f"Wrote {output}.", err=True)


def chunks(answer: urllib3.BaseHTTPResponse) -> Iterator[bytes]:
    """The body of an answer, piece by piece."""
    try:
        yield from answer.stream(2**16)
    except urllib3.exceptions.HTTPError as error:
        raise Unreachable("the server broke off in the middle of its answer") from error
    finally:
        answer.release_conn()


def _show(text: str) -> None:
    rows = list(csv.reader(io.StringIO(text)))
    if not rows:
        click.echo("(no answer)", err=True)
        return
    show_table([column.replace("\n", " ") for column in rows[0]], rows[1:])
    next_step("--format json|csv|parquet|arrow --output FILE keeps it")
