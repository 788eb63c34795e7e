"""Reads the conformance vectors and turns their tags (conformance/README.md) into Python values."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sojourn.rules.definitions import Aggregation, Catalog, PropertyDefinition
from sojourn.rules.names import PropertyKind
from sojourn.rules.values import DataType

FOLDER = Path(__file__).parents[2] / "conformance"
REFUSED = object()
SPECIALS = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf"), "refused": REFUSED}

EVENT_DEFAULTS: dict[str, Any] = {
    "session_id": "",
    "duration": 0,
    "user_identifier": "",
    "retag": False,
    "previous_session_id": "",
    "start_reason": "",
    "end_reason": "",
    "clock_offset": 0,
    "session_properties": {},
}


def expand(value: Any) -> Any:
    """A value with its tags replaced by what they stand for."""
    if isinstance(value, list):
        return [expand(item) for item in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1 and (tag := next(iter(value))).startswith("$"):
        return TAGS[tag](expand(value[tag]))
    return {key: expand(item) for key, item in value.items()}


TAGS = {
    "$special": SPECIALS.__getitem__,
    "$integer": lambda of: of[0] ** of[1] + of[2],
    "$repeat": lambda of: of[0] * of[1],
    "$concat": "".join,
    "$numbered": lambda of: {f"{of[0]}{number:02}": of[3] for number in range(of[1], of[2])},
    "$merge": lambda of: {key: value for part in of for key, value in part.items()},
    "$definitions": lambda of: [
        {"kind": kind, "field": f"p{number:02}", "data_type": "string"} for kind, n in of for number in range(n)
    ],
}


def table(file: str, section: str = "cases") -> pytest.MarkDecorator:
    """Parametrizes a test with the cases of one section that Python can express."""
    cases = json.loads((FOLDER / f"{file}.json").read_text())[section]
    assert cases
    return pytest.mark.parametrize(
        "case",
        [
            pytest.param(expand(case), id=f"{number}: {case['why']}")
            for number, case in enumerate(cases)
            if "python" in case.get("only", ["python"])
        ],
    )


def content(file: str, section: str) -> Any:
    """One section as it is, tags replaced."""
    return expand(json.loads((FOLDER / f"{file}.json").read_text())[section])


def event(fields: dict[str, Any]) -> SimpleNamespace:
    """An event of a case, with what it does not say."""
    return SimpleNamespace(**(EVENT_DEFAULTS | fields))


def definition(fields: dict[str, Any]) -> PropertyDefinition:
    return PropertyDefinition(
        PropertyKind(fields["kind"]),
        fields["field"],
        DataType(fields["data_type"]),
        fields.get("case_insensitive", False),
        Aggregation(fields.get("aggregation", "last")),
    )


def catalog(definitions: list[dict[str, Any]]) -> Catalog:
    return Catalog(definition(fields) for fields in definitions)
