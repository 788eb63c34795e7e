"""The conformance vectors on the Python rules."""

from typing import Any

import pytest

from sojourn.rules import limits
from sojourn.rules.definitions import DefinitionError, PropertyDefinition
from sojourn.rules.events import time_problem
from sojourn.rules.limits import MAX_EVENT_PROPERTIES
from sojourn.rules.names import PropertyKind, full_name, is_valid_name, name_problem, split_name
from sojourn.rules.privacy import DataCollectionLevel, keeps_personal_data, lets_through
from sojourn.rules.properties import Discard, clean_properties
from sojourn.rules.sessions import EndReason, FrontendType, SessionLife, SessionPolicy
from sojourn.rules.summaries import PropertyValues, SessionSummary, ended_by, skew_of, summarize
from sojourn.rules.users import clean_identifier, identifier_after
from sojourn.rules.values import DataType, clean_value, data_type_of

from .vectors import REFUSED, catalog, content, event, table

Case = dict[str, Any]


def same(got: object, wanted: object) -> bool:
    """Equal and of the same kind: 1 is not true."""
    return got == wanted and isinstance(got, bool) == isinstance(wanted, bool)


def reasons(discards: list[Discard]) -> list[list[str]]:
    return sorted([discard.key, discard.reason.value] for discard in discards)


def test_limits_are_those_of_the_rules() -> None:
    numbers = {name: value for name, value in vars(limits).items() if name.isupper()}
    assert content("limits", "limits") == numbers


@table("names")
def test_names(case: Case) -> None:
    kind = PropertyKind(case["kind"])
    problem = name_problem(case["name"], kind)
    assert is_valid_name(case["name"], kind) is case["valid"]
    assert (problem is None) is case["valid"]
    assert case.get("says", "") in (problem or "")


@table("names", "split")
def test_names_split(case: Case) -> None:
    wanted = None if case["kind"] is None else (PropertyKind(case["kind"]), case["field"])
    assert split_name(case["name"]) == wanted


@table("names", "join")
def test_names_join(case: Case) -> None:
    assert full_name(PropertyKind(case["kind"]), case["field"]) == case["name"]


@table("values")
def test_values(case: Case) -> None:
    kept = clean_value(case["value"])
    if case.get("refused"):
        assert kept is None
    else:
        assert kept is not None
        assert same(kept, case["kept"])
        assert data_type_of(kept) == case["type"]


@table("values", "fits")
def test_values_fit(case: Case) -> None:
    assert (data_type_of(case["value"]) is DataType(case["data_type"])) is case["fits"]


@table("properties")
def test_properties(case: Case) -> None:
    events, discards = clean_properties(PropertyKind.EVENT, case["event_properties"])
    room = MAX_EVENT_PROPERTIES - len(events)
    session, others = clean_properties(PropertyKind.SESSION, case["session_properties"], room)
    assert events == case["kept_event_properties"]
    assert session == case["kept_session_properties"]
    assert list(events) == sorted(events)
    assert list(session) == sorted(session)
    assert reasons(discards + others) == sorted(case["discards"])


@table("definitions", "catalogs")
def test_catalogs(case: Case) -> None:
    if case["accepted"]:
        assert len(catalog(case["definitions"]).definitions) == len(case["definitions"])
    else:
        with pytest.raises(DefinitionError) as caught:
            catalog(case["definitions"])
        assert case["says"] in str(caught.value)


@table("definitions", "find")
def test_find(case: Case) -> None:
    found = catalog(content("definitions", "defined")).find(case["name"])
    assert (found and found.name) == case["found"]


@table("definitions", "admit")
def test_admit(case: Case) -> None:
    kept, discards = catalog(case["definitions"]).admit(case["properties"])
    assert kept.keys() == case["kept"].keys()
    assert all(same(kept[name], wanted) for name, wanted in case["kept"].items())
    assert reasons(discards) == sorted(case["discards"])


@table("definitions", "defaults")
def test_definition_defaults(case: Case) -> None:
    definition = PropertyDefinition(PropertyKind.SESSION, "a", DataType.STRING)
    assert definition.case_insensitive is case["case_insensitive"]
    assert definition.aggregation == case["aggregation"]


@table("sessions")
def test_sessions(case: Case) -> None:
    policy = SessionPolicy(case["idle_timeout"], case["max_duration"])
    life = SessionLife(case["start"])
    for step in case["steps"]:
        split = life.split_due(step["at"], policy)
        assert split == step["split"], step
        if split:
            life = SessionLife(step["at"])
        else:
            life.touch(step["at"])
        assert life.next_deadline(policy) == step.get("next_deadline", life.next_deadline(policy)), step


@table("sessions", "defaults")
def test_session_defaults(case: Case) -> None:
    wanted = SessionPolicy(case["idle_timeout"], case["max_duration"])
    assert SessionPolicy.default(FrontendType(case["frontend_type"])) == wanted


@table("sessions", "ended")
def test_ended(case: Case) -> None:
    policy = SessionPolicy(case["idle_timeout"], case["max_duration"])
    assert ended_by(case["end_reason"], case["end_time"], policy, case["now"]) == case["ended_by"]


@table("users", "clean")
def test_identifiers(case: Case) -> None:
    wanted = None if case["cleaned"] is REFUSED else case["cleaned"]
    assert clean_identifier(case["identifier"]) == wanted


@table("users", "after")
def test_identifier_after(case: Case) -> None:
    assert identifier_after(EndReason(case["reason"]), case["identifier"]) == case["next"]


SUMMARY_DEFAULTS: dict[str, Any] = {
    "previous_session_id": "",
    "start_reason": "",
    "end_reason": "",
    "user_identifier": "",
    "user_identifiers": [],
    "action_count": 0,
    "error_count": 0,
    "missing_events": 0,
    "absent_events": 0,
    "empty": False,
    "clock_offset": 0,
    "properties": {},
}


def summary(fields: dict[str, Any]) -> SessionSummary:
    """A row of a case, with what it does not say."""
    row = SUMMARY_DEFAULTS | fields
    row["user_identifiers"] = tuple(row["user_identifiers"])
    row["properties"] = {name: PropertyValues(**values) for name, values in row["properties"].items()}
    return SessionSummary(**row)


@table("summaries")
def test_summaries(case: Case) -> None:
    events = [event(fields) for fields in case["events"]]
    absences = {
        session: frozenset((stream, sequence) for stream, sequence in places)
        for session, places in case.get("absences", {}).items()
    }
    wanted = [summary(fields) for fields in case["summaries"]]
    assert summarize(events, absences) == wanted
    assert summarize(events[::-1] + events, absences) == wanted


@table("privacy")
def test_privacy(case: Case) -> None:
    level = DataCollectionLevel(case["level"])
    assert lets_through(level, case["crash_reporting"], case["kind"]) is case["lets_through"]


@table("privacy", "personal_data")
def test_personal_data(case: Case) -> None:
    assert keeps_personal_data(DataCollectionLevel(case["level"])) is case["kept"]


@table("times")
def test_times(case: Case) -> None:
    assert time_problem(case["timestamp"], case["now"]) == case["rejected"]


@table("times", "skew")
def test_skew(case: Case) -> None:
    assert skew_of(case["clock_offset"]) == case["correction"]
