"""The command line: arguments in, words out. It decides nothing that the rules or the settings decide."""

from sojourn.cli.app import app as main

__all__ = ["main"]
