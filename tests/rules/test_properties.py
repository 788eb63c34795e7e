"""What SDK and server keep of values that applications hand over, of whatever type."""

from decimal import Decimal
from enum import IntEnum, StrEnum

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sojourn.rules.names import PropertyKind
from sojourn.rules.properties import DiscardReason, clean_properties
from sojourn.rules.users import clean_identifier
from sojourn.rules.values import clean_text, clean_value

ANYTHING = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(st.characters(codec=None))),
    lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(st.text(max_size=2), inner, max_size=2)),
    max_leaves=3,
)
KEYS = st.one_of(
    st.text(st.sampled_from("ab_."), max_size=4).map("event_properties.".__add__), st.integers(), st.none()
)


class Markup(str):
    """As template engines mark a text that is safe: what is cut out of it stays marked."""

    __slots__ = ()

    def __getitem__(self, part: object) -> "Markup":
        return Markup(super().__getitem__(part))  # type: ignore[index]


class Measured(float):
    """As a NumPy float is a float."""


class Tier(StrEnum):
    PREMIUM = "premium"


class Level(IntEnum):
    ONE = 1


@given(st.dictionaries(KEYS, ANYTHING, max_size=60))
def test_every_property_is_kept_or_discarded_and_nothing_raises(properties: dict[object, object]) -> None:
    kept, discards = clean_properties(PropertyKind.EVENT, properties)  # type: ignore[arg-type]
    assert len(kept) + len(discards) == len(properties)
    assert not kept.keys() & {discard.key for discard in discards}
    assert msgspec.json.decode(msgspec.json.encode(kept)).keys() == kept.keys()


def test_keys_that_are_no_text_are_invalid_names() -> None:
    kept, discards = clean_properties(PropertyKind.EVENT, {7: 1, "event_properties.a": 2, None: 3})  # type: ignore[dict-item]
    assert kept == {"event_properties.a": 2}
    assert {(discard.key, discard.reason) for discard in discards} == {
        ("7", DiscardReason.INVALID_NAME),
        ("None", DiscardReason.INVALID_NAME),
    }


@pytest.mark.parametrize(
    ("given_value", "plain"),
    [(Markup("<b>"), "<b>"), (Measured(1.5), 1.5), (Tier.PREMIUM, "premium"), (Level.ONE, 1)],
)
def test_subclasses_become_plain_values_which_every_encoder_takes(given_value: object, plain: object) -> None:
    kept = clean_value(given_value)
    assert kept == plain
    assert type(kept) is type(plain)


@pytest.mark.parametrize("value", [Decimal("1.5"), 1j, b"bytes", object(), (1,), {1}])
def test_other_types_are_no_values(value: object) -> None:
    assert clean_value(value) is None


@given(st.text(st.characters(codec=None), max_size=20), st.integers(0, 12))
def test_a_cleaned_text_can_always_be_sent(text: str, limit: int) -> None:
    cleaned = clean_text(text, limit)
    assert len(cleaned) <= limit
    assert cleaned.encode().decode() == cleaned
    assert clean_text(cleaned, limit) == cleaned


@given(st.one_of(st.text(st.characters(codec=None)), ANYTHING))
def test_an_identifier_is_a_text_or_refused(identifier: object) -> None:
    cleaned = clean_identifier(identifier)
    assert (cleaned is None) is (identifier is not None and not isinstance(identifier, str))
    assert (cleaned == "") is (identifier is None or identifier == "")
