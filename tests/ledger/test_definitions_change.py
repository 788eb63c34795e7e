"""The law with definitions that change in the middle: as if the last ones had been there from the start."""

import os
import uuid
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sojourn.rules.definitions import Aggregation, Catalog, PropertyDefinition
from sojourn.rules.names import PropertyKind
from sojourn.rules.properties import DiscardReason, clean_properties
from sojourn.rules.summaries import summarize
from sojourn.rules.values import DataType, Value
from tests.server import Frontend, Server, now

HISTORIES = int(os.environ.get("SOJOURN_HISTORIES", "200")) // 16
"""How many random histories each test tries: each has a frontend of its own, and its definitions."""
SESSION_KEYS = ["session_properties.tier", "session_properties.TIER", "session_properties.cart.value"]
EVENT_KEYS = ["event_properties.note", "event_properties.Note"]
FIELDS = [(PropertyKind.SESSION, "tier"), (PropertyKind.SESSION, "cart.value"), (PropertyKind.EVENT, "note")]
VALUES = st.sampled_from(["a", "b", "", 1, 2.5, -3, True, False])


@dataclass
class Sent:
    """An event as it is sent; `properties` becomes what the rules keep of it, for the reference."""

    session_id: str
    offset: int
    session_sent: dict[str, Value]
    event_sent: dict[str, Value]
    event_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    timestamp: int = 0
    kind: str = "event"
    duration: int = 0
    stream_id: str = "x"
    sequence: int = -1
    instance_id: str = "instance-1"
    user_identifier: str = ""
    retag: bool = False
    start_reason: str = ""
    end_reason: str = ""
    previous_session_id: str = ""
    clock_offset: int = 0
    session_properties: dict[str, Value] = field(default_factory=dict)
    event_properties: dict[str, Value] = field(default_factory=dict)
    discards: list[tuple[str, str]] = field(default_factory=list)

    def message(self) -> dict[str, Any]:
        return {
            "event_id": self.event_id,
            "kind": self.kind,
            "session_id": self.session_id,
            "stream_id": self.stream_id,
            "timestamp": self.timestamp,
            "session_properties": self.session_sent,
            "event_properties": self.event_sent,
        }

    def admit(self, catalog: Catalog) -> None:
        """What these definitions, had they been there from the start, would have kept and discarded."""
        self.discards = []
        self.session_properties, self.event_properties = (
            self._admitted(kind, sent, catalog)
            for kind, sent in ((PropertyKind.SESSION, self.session_sent), (PropertyKind.EVENT, self.event_sent))
        )

    def _admitted(self, kind: PropertyKind, sent: dict[str, Value], catalog: Catalog) -> dict[str, Value]:
        valid, invalid = clean_properties(kind, sent)
        kept, discards = catalog.admit(valid)
        self.discards += [(d.key, d.reason.value) for d in (*invalid, *discards)]
        return kept


EVENT = st.builds(
    Sent,
    session_id=st.sampled_from(["a", "b"]),
    offset=st.integers(0, 20),
    session_sent=st.dictionaries(st.sampled_from([*SESSION_KEYS, "session_properties.a__b"]), VALUES, max_size=3),
    event_sent=st.dictionaries(st.sampled_from(EVENT_KEYS), VALUES, max_size=2),
)


@st.composite
def additions(draw: st.DrawFn) -> list[tuple[str, PropertyDefinition]]:
    """Definitions that come one after the other and stay; some match any case from later on."""
    steps: list[tuple[str, PropertyDefinition]] = []
    for kind, name in draw(st.permutations(FIELDS))[: draw(st.integers(1, 3))]:
        data_type = draw(st.sampled_from(list(DataType)))
        aggregation = draw(st.sampled_from(list(Aggregation))) if kind is PropertyKind.SESSION else Aggregation.LAST
        definition = PropertyDefinition(kind, name, data_type, draw(st.booleans()), aggregation)
        steps.append(("add", definition))
        if not definition.case_insensitive and draw(st.booleans()):
            steps.append(("change", PropertyDefinition(kind, name, data_type, True, aggregation)))
    return steps


@st.composite
def corrections(draw: st.DrawFn) -> list[tuple[str, PropertyDefinition]]:
    """Definitions that are added, get another type, are removed and come back."""
    steps: list[tuple[str, PropertyDefinition]] = []
    there: dict[tuple[PropertyKind, str], PropertyDefinition] = {}
    for kind, name in draw(st.lists(st.sampled_from(FIELDS), min_size=1, max_size=6)):
        old = there.get((kind, name))
        if old is not None and draw(st.booleans()):
            steps.append(("remove", there.pop((kind, name))))
            continue
        aggregation = draw(st.sampled_from(list(Aggregation))) if kind is PropertyKind.SESSION else Aggregation.LAST
        data_type = draw(st.sampled_from(list(DataType)))
        there[kind, name] = PropertyDefinition(kind, name, data_type, False, aggregation)
        steps.append(("add" if old is None else "change", there[kind, name]))
    return steps


def define(
    frontend: Frontend, step: str, definition: PropertyDefinition, catalog: dict[str, PropertyDefinition]
) -> None:
    body: dict[str, Any] = {
        "type": definition.data_type.value,
        "case_insensitive": definition.case_insensitive,
    }
    if definition.kind is PropertyKind.SESSION:
        body["aggregation"] = definition.aggregation.value
    http, path = frontend.server.http, f"{frontend.path}/properties"
    if step == "add":
        answer = http.post(path, json={"kind": definition.kind.value, "field": definition.field, **body})
    elif step == "change":
        answer = http.patch(f"{path}/{definition.name}", json=body)
    else:
        answer = http.delete(f"{path}/{definition.name}")
    assert answer.is_success, answer.text
    catalog[definition.name] = definition
    if step == "remove":
        del catalog[definition.name]


def play(server: Server, data: st.DataObject, events: list[Sent], steps: list[Any]) -> tuple[Frontend, Catalog]:
    """Deliver events, some of them twice, between the changes of definitions."""
    frontend = server.frontend()
    start, prefix = now(), uuid.uuid4().hex[:16]
    for event in events:
        event.timestamp, event.session_id = start + event.offset, prefix + event.session_id
    copies = data.draw(st.lists(st.sampled_from(events), max_size=4))
    queue: list[Any] = data.draw(st.permutations(events + copies))
    places = sorted(data.draw(st.integers(0, len(queue))) for _ in steps)
    catalog: dict[str, PropertyDefinition] = {}
    sent = 0
    for place, step in zip([*places, len(queue)], [*steps, None], strict=True):
        if place > sent:
            frontend.send(*[event.message() for event in queue[sent:place]], sent_at=0)
            sent = place
        if step is not None:
            define(frontend, *step, catalog)
    for event in events:
        event.admit(Catalog(catalog.values()))
    return frontend, Catalog(catalog.values())


def expected_properties(events: list[Sent], catalog: Catalog) -> dict[str, dict[str, Value]]:
    found = {}
    for summary in summarize(events):
        found[summary.session_id] = {
            d.name: had.first if d.aggregation is Aggregation.FIRST else had.last
            for d in catalog.definitions
            if (had := summary.properties.get(d.name)) is not None
        }
    return found


def check_sessions(frontend: Frontend, events: list[Sent], catalog: Catalog) -> None:
    expected = expected_properties(events, catalog)
    for session_id, properties in expected.items():
        session = frontend.get(f"/sessions/{session_id}")
        assert session["session_properties"] == properties
        assert session["event_count"] == len([e for e in events if e.session_id == session_id])
        listed = frontend.get(f"/sessions/{session_id}/events")["items"]
        assert len(listed) == session["event_count"]
        for event in events:
            if event.session_id == session_id:
                (found,) = [e for e in listed if e["event_id"] == event.event_id]
                assert found["event_properties"] == event.event_properties
                assert found["reported_session_properties"] == event.session_properties


@settings(max_examples=HISTORIES, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data(), st.lists(EVENT, min_size=1, max_size=8), additions())
def test_a_property_defined_late_was_always_defined(
    server: Server, data: st.DataObject, events: list[Sent], steps: list[Any]
) -> None:
    frontend, catalog = play(server, data, events, steps)
    check_sessions(frontend, events, catalog)
    ledger = {(line["key"], line["reason"]): line["count"] for line in frontend.get("/discards")["items"]}
    assert ledger == dict(Counter(discard for event in events for discard in event.discards))
    assert DiscardReason.INVALID_VALUE.value not in {reason for _, reason in ledger}


@settings(max_examples=HISTORIES, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data(), st.lists(EVENT, min_size=1, max_size=8), corrections())
def test_a_definition_corrected_late_was_always_right(
    server: Server, data: st.DataObject, events: list[Sent], steps: list[Any]
) -> None:
    frontend, catalog = play(server, data, events, steps)
    check_sessions(frontend, events, catalog)
