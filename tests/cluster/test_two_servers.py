"""Two servers over one ClickHouse and one PostgreSQL: whoever is asked, and whoever was told, it is the same."""

import json
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.cluster.law import HISTORIES, assert_law, define_law_properties
from tests.cluster.nodes import Node
from tests.privacy.test_erasure import erase, name_of, traces
from tests.server import Frontend, Server, event, now


class Alternating(Frontend):
    """A frontend whose batches go to two servers in turn, and whose answers both must give."""

    def __init__(self, first: Frontend, other: Server) -> None:
        super().__init__(first.server, first.name, first.key)
        self._both = [first, Frontend(other, first.name, first.key)]

    def send(self, *events: dict[str, Any], **batch: Any) -> dict[str, Any]:
        self._both.reverse()
        return self._both[0].send(*events, **batch)

    def get(self, path: str = "", **params: Any) -> Any:
        answers = [frontend.get(path, **params) for frontend in self._both]
        assert answers[0] == answers[1]
        return answers[0]


def shared_frontend(pair: tuple[Server, Server]) -> Alternating:
    """A frontend that was added through the first server, once the other one knows it."""
    first = pair[0].frontend()
    other = Frontend(pair[1], first.name, first.key)
    pair[1].until(lambda: other.post({"instance_id": "i", "events": []}).status_code == 200, seconds=2)
    return Alternating(first, pair[1])


def test_the_law_holds_for_batches_that_go_to_both(pair: tuple[Server, Server]) -> None:
    shop = shared_frontend(pair)
    define_law_properties(shop)
    await_definitions(pair, shop, 2)
    assert_law(shop, HISTORIES)


def await_definitions(pair: tuple[Server, Server], frontend: Frontend, count: int) -> None:
    """Until the ingest of both servers takes the defined session properties, which is no more than 2 s."""
    samples = {"string": "a", "number": 1, "boolean": True}
    defined = frontend.get("/properties")["items"]
    assert len(defined) == count
    probe = event(session="probe", session_properties={one["name"]: samples[one["type"]] for one in defined})
    for server in pair:
        known = Frontend(server, frontend.name, frontend.key)
        server.until(lambda known=known: not known.send(probe)["discards"], seconds=2)


def test_a_definition_is_in_force_on_the_other_server_within_two_seconds(pair: tuple[Server, Server]) -> None:
    shop = shared_frontend(pair)
    other = Frontend(pair[1], shop.name, shop.key)
    sent = {"session_properties.plan": "gold"}
    assert other.send(event(session_properties=sent, session="before"))["discards"]
    shop.define("session", "plan")
    pair[1].until(lambda: not other.send(event(session_properties=sent, session="after"))["discards"], seconds=2)
    # What was discarded before is replayed by one of them, and shown by both.
    pair[1].until(lambda: other.get("/sessions/before")["session_properties"] == sent, seconds=5)
    assert shop.get("/sessions/before")["session_properties"] == sent
    # The ledger forgets a value once its event has it.
    pair[1].until(lambda: other.get("/discards")["items"] == [], seconds=5)
    assert shop.get("/discards")["items"] == []


def test_lists_users_and_the_ledger_are_the_same_on_both(pair: tuple[Server, Server]) -> None:
    shop = shared_frontend(pair)
    for number in range(6):
        identified = event("identify", session=f"s{number}", user_identifier=f"user-{number % 2}")
        shop.send(identified, event(session=f"s{number}", event_properties={"event_properties.unknown": number}))
    assert {s["session_id"] for s in shop.sessions()} == {f"s{number}" for number in range(6)}
    users = shop.get("/users")["items"]
    assert sorted((user["identifier"], user["session_count"]) for user in users) == [("user-0", 3), ("user-1", 3)]
    assert [line["count"] for line in shop.get("/discards")["items"]] == [6]


def test_sessions_that_the_servers_derive_join_what_came_to_either(pair: tuple[Server, Server]) -> None:
    """Without session ids: two visits, until an event in between that came to the other server joins them."""
    shop = shared_frontend(pair)
    shop.change(idle_timeout="30m")
    minute, start, instance = 60_000_000, now() - 3_600_000_000, f"i-{uuid.uuid4()}"

    def visit(minutes: int) -> dict[str, Any]:
        return {**event(timestamp=start + minutes * minute, stream=""), "session_id": ""}

    shop.send(visit(0), instance_id=instance)
    shop.send(visit(40), instance_id=instance)
    await_counts(pair, shop, [1, 1])
    shop.send(visit(20), instance_id=instance)
    await_counts(pair, shop, [3])


def test_who_watches_one_server_sees_what_the_other_takes(pair: tuple[Server, Server]) -> None:
    shop = shared_frontend(pair)
    names = [f"e{number}" for number in range(4)]
    sent = [event(name=name, sequence=number, session="s") for number, name in enumerate(names)]
    with pair[1].http.stream("GET", f"/frontends/{shop.name}/live/stream?kind=event") as stream:
        lines = (line for line in stream.iter_lines() if line.startswith(("data:", "event:")))
        for one in sent:
            shop.send(one)
            shown = json.loads(next(lines)[5:])
            assert (shown["name"], shown["session_id"]) == (one["name"], one["session_id"])
        shop.send(*sent, event(name="e4", sequence=4, session="s"))
        assert json.loads(next(lines)[5:])["name"] == "e4", "a copy is not shown again"
        # Of more than a page can show, the oldest are left out, and counted.
        shop.send(*(event(name="many", sequence=number, session="t") for number in range(1_300)))
        assert next(lines) == "event: left_out"
        left_out = int(next(lines)[5:])
        many = [json.loads(next(lines)[5:]) for _ in range(1_300 - left_out)]
        assert [one["name"] for one in many] == ["many"] * len(many)
        shop.send(event(name="last", sequence=9, session="s"))
        assert json.loads(next(lines)[5:])["name"] == "last"


def await_counts(pair: tuple[Server, Server], frontend: Frontend, counts: list[int]) -> None:
    """Until both servers show sessions with so many events."""
    for server in pair:
        shown = Frontend(server, frontend.name, frontend.key)
        server.until(lambda shown=shown: [s["event_count"] for s in shown.sessions()] == counts, seconds=5)


def test_who_is_erased_through_one_server_stays_out_of_what_the_other_takes_meanwhile(
    pair: tuple[Server, Server], node: Node
) -> None:
    """While the first server erases, the other one goes on to get events of before: with and without session ids."""
    shop = shared_frontend(pair)
    shop.define("session", "plan")
    other = Frontend(pair[1], shop.name, shop.key)
    ann, bob = name_of("ann"), name_of("bob")

    def sent(who: str, number: int) -> list[dict[str, Any]]:
        sent_at = now() - 3_600_000_000
        fields = {"user_identifier": who, "session_properties": {"session_properties.plan": 1}}
        return [
            event(session=f"{who[:3]}-{number}", timestamp=sent_at, **fields),
            event(session="", stream="", timestamp=sent_at, **fields),
        ]

    shop.send(*sent(ann, 0), instance_id="phone", sent_at=0)
    shop.send(*sent(bob, 0), instance_id="desk", sent_at=0)
    pair[1].until(lambda: len(other.sessions()) == 4, seconds=5)
    begun = pair[1].http.post(f"/frontends/{shop.name}/exports", data={"format": "csv", "query": ""})
    place = begun.headers["location"].replace("/export?", "/export/file?")
    assert ann in pair[1].until(lambda: (found := pair[1].http.get(place)).status_code == 200 and found).text
    refused = threading.Event()

    def go_on() -> int:
        number = 0
        while not refused.is_set() and number < 20_000:
            number += 1
            receipt = other.send(*sent(ann, number), instance_id="phone", sent_at=0)
            other.send(*sent(bob, number % 20), instance_id="desk", sent_at=0)
            if len(receipt["rejected"]) == 2:
                refused.set()
        return number

    with ThreadPoolExecutor(1) as beside:
        going = beside.submit(go_on)
        proof = erase(Frontend(pair[0], shop.name, shop.key), ann)["proof"]
        assert going.result() > 1
    assert refused.is_set()
    assert sum(line["before"] for line in proof)
    pair[1].until(lambda: pair[1].http.get(place).status_code == 404, seconds=2)
    pair[1].until(lambda: traces(node.data, ann) == [], seconds=60)
    assert [user["identifier"] for user in shop.get("/users")["items"]] == [bob]
    assert {session["user_identifier"] for session in shop.sessions(limit=100)} == {bob}
