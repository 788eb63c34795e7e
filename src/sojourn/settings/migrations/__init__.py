"""The history of the schema: one file a step in `versions`. A released step is never edited."""

from typing import Final

HEAD: Final = "0001"
"""The newest step. A database that is there needs nothing done."""
