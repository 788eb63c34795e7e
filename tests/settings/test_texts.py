"""Durations and the JSON of definitions, which need no database."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sojourn.rules.definitions import Aggregation, PropertyDefinition
from sojourn.rules.limits import DAY, HOUR, MINUTE, SECOND
from sojourn.rules.names import PropertyKind
from sojourn.rules.values import DataType
from sojourn.settings.documents import read_definitions, write_definitions
from sojourn.settings.durations import parse_duration, show_duration
from sojourn.settings.errors import SettingsError


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("30m", 30 * MINUTE),
        ("6h", 6 * HOUR),
        ("1h30m", HOUR + 30 * MINUTE),
        ("1h 30m", HOUR + 30 * MINUTE),
        ("90S", 90 * SECOND),
        ("500ms", SECOND // 2),
        ("7d", 7 * DAY),
    ],
)
def test_a_duration_is_read_as_people_write_it(text, duration):
    assert parse_duration("idle_timeout", text) == duration


@pytest.mark.parametrize("text", ["", "30", "m", "1.5h", "-5m", "5 minutes", "5m!", "٣m", "1e3s"])
def test_what_is_no_duration_is_refused_by_the_name_of_the_field(text):
    with pytest.raises(SettingsError, match=r"idle_timeout: .* is not a duration; write it like 90s, 30m"):
        parse_duration("idle_timeout", text)


@given(st.integers(0, 10**9))
def test_a_shown_duration_is_read_back(milliseconds):
    duration = milliseconds * (SECOND // 1000)
    assert parse_duration("x", show_duration(duration)) == duration


KINDS = st.sampled_from(PropertyKind)


@st.composite
def definitions(draw):
    kind = draw(KINDS)
    return PropertyDefinition(
        kind,
        draw(st.text("abc", min_size=1, max_size=5)),
        draw(st.sampled_from(DataType)),
        draw(st.booleans()),
        draw(st.sampled_from(Aggregation)) if kind is PropertyKind.SESSION else Aggregation.LAST,
        draw(st.text('a €"\\\n\u202e😀', max_size=20)),
    )


@given(st.lists(definitions(), max_size=5, unique_by=lambda d: d.name))
def test_a_written_file_is_read_back_and_does_not_depend_on_the_order(there):
    written = write_definitions(there)
    assert read_definitions(written) == sorted(there, key=lambda d: d.name)
    assert write_definitions(reversed(there)) == written


def test_a_file_says_what_a_person_would_write():
    tier = PropertyDefinition(PropertyKind.SESSION, "tier", DataType.STRING, aggregation=Aggregation.FIRST)
    total = PropertyDefinition(PropertyKind.EVENT, "cart.total", DataType.NUMBER, True, description="in €")
    assert json.loads(write_definitions([tier, total])) == {
        "properties": [
            {
                "kind": "event",
                "field": "cart.total",
                "type": "number",
                "case_insensitive": True,
                "description": "in €",
            },
            {
                "kind": "session",
                "field": "tier",
                "type": "string",
                "case_insensitive": False,
                "aggregation": "first",
                "description": "",
            },
        ]
    }


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "file: "),
        ("[]", "file: Expected `object`, got `array`"),
        ('{"properties": [{"kind": "event", "field": "a", "type": "date"}]}', r"'date' - at `\$.properties\[0\].type`"),
        ('{"properties": [{"kind": "event", "field": "a"}]}', r"`type` - at `\$.properties\[0\]`"),
        ('{"properties": [{"kind": "event", "field": "a", "type": "string", "typ": 1}]}', "unknown field `typ`"),
        (
            '{"properties": [{"kind": "event", "field": "a", "type": "string", "aggregation": "first"}]}',
            "aggregation: only session properties have one",
        ),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_with_the_place(text, told):
    with pytest.raises(SettingsError, match=told):
        read_definitions(text.encode())
