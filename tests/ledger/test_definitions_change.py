"""The law with definitions that change in the middle: as if the last ones had been there from the start."""

import os
import time
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain
from operator import itemgetter
from string import ascii_lowercase
from typing import Any

from hypothesis import strategies as st

from sojourn.rules.definitions import Aggregation, Catalog, PropertyDefinition
from sojourn.rules.names import PropertyKind
from sojourn.rules.properties import clean_properties
from sojourn.rules.summaries import summarize
from sojourn.rules.values import DataType, Value
from tests.rules.histories import assert_all_hold
from tests.server import Frontend, Server, now

HISTORIES = int(os.environ.get("SOJOURN_HISTORIES", "200"))
"""How many random histories each test tries; the nightly target asks for more."""
SHARING = 16
"""Histories that share a frontend, each with properties of its own: as many as the cap on definitions lets in."""
AT_ONCE = 5 * SHARING
"""Histories that are played beside each other, so that they wait for the disk together."""
PATIENCE_SECONDS = 10
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


@dataclass
class History:
    """Events, in the order in which they arrive, some of them twice; and changes of definitions between them."""

    events: list[Sent]
    arriving: list[Sent]
    steps: list[tuple[str, PropertyDefinition]]
    places: list[int]
    """Before which of the arriving ones each step is made."""
    catalog: dict[str, PropertyDefinition] = field(default_factory=dict)

    def belongs_to(self, letter: str, start: int, prefix: str) -> None:
        """Be one of several in a frontend: what it names ends in its letter."""
        for event in self.events:
            event.timestamp, event.session_id = start + event.offset, prefix + event.session_id
            event.session_sent = {key + letter: value for key, value in event.session_sent.items()}
            event.event_sent = {key + letter: value for key, value in event.event_sent.items()}
        self.steps = [(step, replace(d, field=d.field + letter)) for step, d in self.steps]

    def arriving_before(self, step: int) -> list[Sent]:
        """What arrives between the step before and this one."""
        places = [0, *self.places, len(self.arriving)]
        return self.arriving[places[step] : places[step + 1]] if step < len(places) - 1 else []

    def take(self, step: int) -> None:
        if step < len(self.steps):
            kind, definition = self.steps[step]
            self.catalog[definition.name] = definition
            if kind == "remove":
                del self.catalog[definition.name]


@st.composite
def histories(draw: st.DrawFn, changes: st.SearchStrategy[list[tuple[str, PropertyDefinition]]]) -> History:
    events = draw(st.lists(EVENT, min_size=1, max_size=8))
    steps = draw(changes)
    arriving = draw(st.permutations(events + draw(st.lists(st.sampled_from(events), max_size=4))))
    places = sorted(draw(st.lists(st.integers(0, len(arriving)), min_size=len(steps), max_size=len(steps))))
    return History(events, arriving, steps, places)


def document(definition: PropertyDefinition) -> dict[str, Any]:
    found: dict[str, Any] = {
        "kind": definition.kind.value,
        "field": definition.field,
        "type": definition.data_type.value,
        "case_insensitive": definition.case_insensitive,
    }
    if definition.kind is PropertyKind.SESSION:
        found["aggregation"] = definition.aggregation.value
    return found


def play(frontend: Frontend, together: list[History]) -> None:
    """Deliver what arrives before the first changes of all, make those changes, and so on."""
    start = now()
    for letter, history in zip(ascii_lowercase, together, strict=False):
        history.belongs_to(letter, start, uuid.uuid4().hex[:16])
    for step in range(max(len(history.steps) for history in together) + 1):
        arriving = [event.message() for history in together for event in history.arriving_before(step)]
        if arriving:
            frontend.send(*arriving, sent_at=0)
        for history in together:
            history.take(step)
        defined = [document(d) for history in together for d in history.catalog.values()]
        answer = frontend.server.http.put(
            f"{frontend.path}/properties", params={"prune": "true"}, json={"properties": defined}
        )
        assert answer.is_success, answer.text
    for history in together:
        for event in history.events:
            event.admit(Catalog(history.catalog.values()))


def problem_of(history: History, found: dict[str, dict[str, Any]], ledger: dict[tuple[str, str], int] | None) -> str:
    """What the sessions, and the ledger where it is told, have otherwise than the reference."""
    catalog = Catalog(history.catalog.values())
    for summary in summarize(history.events):
        properties = {
            d.name: had.first if d.aggregation is Aggregation.FIRST else had.last
            for d in catalog.definitions
            if (had := summary.properties.get(d.name)) is not None
        }
        expected = {
            "session_properties": properties,
            "event_count": summary.event_count,
            # A list, so that an event which is shown twice is no longer one.
            "events": sorted(
                (
                    (event.event_id, event.event_properties, event.session_properties)
                    for event in history.events
                    if event.session_id == summary.session_id
                ),
                key=itemgetter(0),
            ),
        }
        if found[summary.session_id] != expected:
            return f"found {found[summary.session_id]}\nand not {expected}"
    discarded = Counter(discard for event in history.events for discard in event.discards)
    if ledger is not None and ledger != dict(discarded):
        return f"discarded {ledger}\nand not {dict(discarded)}"
    return ""


def sessions_of(frontend: Frontend) -> dict[str, dict[str, Any]]:
    """All sessions of a frontend, each with its events."""
    return {
        session["session_id"]: {
            "session_properties": session["session_properties"],
            "event_count": session["event_count"],
            "events": sorted(
                (
                    (event["event_id"], event["event_properties"], event["reported_session_properties"])
                    for event in frontend.get(f"/sessions/{session['session_id']}/events")["items"]
                ),
                key=itemgetter(0),
            ),
        }
        for session in frontend.sessions(limit=2 * SHARING)
    }


def problems_of_sharing(server: Server, sharing: list[History], *, with_ledger: bool) -> list[str]:
    frontend = server.frontend()
    play(frontend, sharing)
    # A change of definitions answers before its replay has ended where that takes long.
    began = time.monotonic()
    while True:
        problems = problems_shown(frontend, sharing, with_ledger=with_ledger)
        if not any(problems) or time.monotonic() - began > PATIENCE_SECONDS:
            return problems
        time.sleep(0.1)


def problems_shown(frontend: Frontend, sharing: list[History], *, with_ledger: bool) -> list[str]:
    found = sessions_of(frontend)
    ledgers: dict[str, dict[tuple[str, str], int]] = {letter: {} for letter in ascii_lowercase}
    for line in frontend.get("/discards", limit=500)["items"]:
        ledgers[line["key"][-1]][line["key"], line["reason"]] = line["count"]
    return [
        problem_of(history, found, ledgers[letter] if with_ledger else None)
        for letter, history in zip(ascii_lowercase, sharing, strict=False)
    ]


def assert_law(server: Server, drawn: st.SearchStrategy[History], *, with_ledger: bool) -> None:
    def problems(together: list[History]) -> list[str]:
        shares = [together[first : first + SHARING] for first in range(0, len(together), SHARING)]
        with ThreadPoolExecutor(len(shares)) as threads:
            play_one = partial(problems_of_sharing, server, with_ledger=with_ledger)
            return list(chain.from_iterable(threads.map(play_one, shares)))

    assert_all_hold(drawn, HISTORIES, AT_ONCE, problems)


def test_a_property_defined_late_was_always_defined(server: Server) -> None:
    assert_law(server, histories(additions()), with_ledger=True)


def test_a_definition_corrected_late_was_always_right(server: Server) -> None:
    assert_law(server, histories(corrections()), with_ledger=False)
