"""Catalogs against their sentences: which may exist, what matches, what becomes of properties."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sojourn.rules.definitions import Catalog, DefinitionError, PropertyDefinition
from sojourn.rules.names import PropertyKind, full_name
from sojourn.rules.properties import DiscardReason
from sojourn.rules.values import DataType, data_type_of

FIELDS = st.text(st.sampled_from("aAbB"), min_size=1, max_size=2)
DEFINITIONS = st.builds(
    PropertyDefinition, st.sampled_from(PropertyKind), FIELDS, st.sampled_from(DataType), st.booleans()
)
NAMES = st.builds(full_name, st.sampled_from(PropertyKind), FIELDS)
PROPERTIES = st.dictionaries(NAMES, st.one_of(st.booleans(), st.integers(0, 1), st.sampled_from(["", "x"])), max_size=8)


def confusable(one: PropertyDefinition, other: PropertyDefinition) -> bool:
    if one.kind is not other.kind or one.field.lower() != other.field.lower():
        return False
    return one.field == other.field or one.case_insensitive or other.case_insensitive


def accepted(definitions: list[PropertyDefinition]) -> Catalog:
    """A catalog of as many of the definitions as go together."""
    chosen: list[PropertyDefinition] = []
    for definition in definitions:
        if not any(confusable(definition, other) for other in chosen):
            chosen.append(definition)
    return Catalog(chosen)


@given(st.lists(DEFINITIONS, max_size=6))
def test_refused_exactly_when_two_can_be_confused(definitions: list[PropertyDefinition]) -> None:
    if any(confusable(*pair) for pair in combinations(definitions, 2)):
        with pytest.raises(DefinitionError):
            Catalog(definitions)
    else:
        assert set(Catalog(definitions).definitions) == set(definitions)


@given(st.lists(DEFINITIONS, max_size=8), NAMES)
def test_a_key_matches_its_definition_or_one_that_takes_any_case(
    definitions: list[PropertyDefinition], name: str
) -> None:
    catalog = accepted(definitions)
    matching = [
        definition
        for definition in catalog.definitions
        if definition.name == name or (definition.case_insensitive and definition.name.lower() == name.lower())
    ]
    assert len(matching) <= 1
    assert catalog.find(name) == (matching[0] if matching else None)


@given(st.lists(DEFINITIONS, max_size=8), PROPERTIES)
def test_every_property_is_stored_as_defined_or_discarded(
    definitions: list[PropertyDefinition], properties: dict[str, bool | int | str]
) -> None:
    catalog = accepted(definitions)
    ordered = dict(sorted(properties.items()))
    kept, discards = catalog.admit(ordered)
    assert len(kept) + len(discards) == len(ordered)
    defined = {definition.name: definition for definition in catalog.definitions}
    for name, value in kept.items():
        assert data_type_of(value) is defined[name].data_type
    for discard in discards:
        definition = catalog.find(discard.key)
        if discard.reason is DiscardReason.UNDEFINED:
            assert definition is None
            continue
        assert definition is not None
        fits = data_type_of(discard.value) is definition.data_type  # type: ignore[arg-type]
        assert discard.reason is (DiscardReason.TOO_MANY if fits else DiscardReason.TYPE_MISMATCH)
        assert not fits or definition.name in kept
    for name, definition in defined.items():
        fitting = [
            value
            for key, value in sorted(ordered.items(), key=lambda item: (item[0] != name, item[0]))
            if catalog.find(key) is definition and data_type_of(value) is definition.data_type
        ]
        assert kept.get(name) == (fitting[0] if fitting else None)
