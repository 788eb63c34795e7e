"""Property names: the fast check agrees with the sentences of the rule, taken literally."""

from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from sojourn.rules.names import PropertyKind, full_name, is_valid_name, name_problem, split_name

LETTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
DIGITS = frozenset("0123456789")
KINDS = st.sampled_from(PropertyKind)


def literally(name: str, prefix: str) -> bool:
    followers = list(zip(name, [*name[1:], ""], strict=False))
    return (
        name.startswith(prefix)
        and len(name) <= 100
        and set(name) <= LETTERS | DIGITS | {"_", "."}
        and all(after in LETTERS for character, after in followers if character == ".")
        and all(after in LETTERS | DIGITS for character, after in followers if character == "_")
    )


def test_agrees_with_the_sentences_on_every_short_name() -> None:
    kind = PropertyKind.SESSION
    for length in range(6):
        for characters in product("aZ0_.\né", repeat=length):
            name = full_name(kind, "".join(characters))
            assert is_valid_name(name, kind) is literally(name, kind.prefix), repr(name)


@given(KINDS, st.text(st.sampled_from("aZ0_.-\n²é"), min_size=60, max_size=90))
def test_agrees_with_the_sentences_on_long_names(kind: PropertyKind, field: str) -> None:
    for name in (full_name(kind, field), full_name(kind, field.replace("_", "").replace(".", "")), field):
        assert is_valid_name(name, kind) is literally(name, kind.prefix)


@given(KINDS, st.one_of(st.text(), st.text().map(lambda text: "event_properties." + text)))
def test_a_problem_is_told_exactly_when_there_is_one(kind: PropertyKind, name: str) -> None:
    assert (name_problem(name, kind) is None) is literally(name, kind.prefix)


@given(KINDS, st.text())
def test_splitting_undoes_joining(kind: PropertyKind, field: str) -> None:
    assert split_name(full_name(kind, field)) == (kind, field)
