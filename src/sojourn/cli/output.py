"""How results are shown: answers on standard output, what to do next on standard error, and no control characters."""

import importlib.util
import sys
from collections.abc import Sequence
from typing import Any

import click
import msgspec


def printable(text: str) -> str:
    """The text on one line, without the characters that could move the cursor, hide or reorder what is shown."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def show_json(value: Any) -> None:
    """One JSON document."""
    click.echo(msgspec.json.format(msgspec.json.encode(value), indent=2))


def show_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Rows under their column names: drawn by rich on a terminal that has it, else aligned text."""
    cleaned = [[printable(cell) for cell in row] for row in rows]
    if sys.stdout.isatty() and importlib.util.find_spec("rich"):
        _draw(columns, cleaned)
        return
    lines = [[column.upper() for column in columns], *cleaned]
    widths = [max(len(line[i]) for line in lines) for i in range(len(columns))]
    for line in lines:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def next_step(text: str) -> None:
    """What to do now; on standard error, so that a pipe or a variable holds the answer alone."""
    click.echo(f"Next: {text}", err=True)


def _draw(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in columns:
        table.add_column(column)
    for row in rows:
        # As text, not as markup: a description may hold square brackets.
        table.add_row(*(Text(cell) for cell in row))
    Console().print(table)
