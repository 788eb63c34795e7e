"""Erasure and retention over two shards: what is to go is gone from every node, rows and bytes, and all else stays."""

from collections.abc import Sequence
from typing import Any

from sojourn.rules.limits import DAY, HOUR, MINUTE
from sojourn.store.dooming import Doomed
from sojourn.store.engine import Engine
from tests.cluster.conftest import cluster_url
from tests.cluster.nodes import Node
from tests.privacy.test_erasure import erase, name_of, traces
from tests.server import Frontend, Server, event, now

STORED = "sojourn_shard"
SOURCES = 12


def rows(nodes: Sequence[Node], table: str, frontend: Frontend, condition: str = "1") -> list[int]:
    """How many rows each node has in a table of its own."""
    sql = f"SELECT count() FROM {table} WHERE frontend = '{frontend.name}' AND {condition}"
    return [int(node.ask(sql, STORED)) for node in nodes]


def bytes_left(nodes: Sequence[Node], *texts: str) -> list[str]:
    return [path for node in nodes for path in traces(node.data, *texts)]


def visit(minutes: int, **fields: Any) -> dict[str, Any]:
    """An event of a client that manages no sessions."""
    return event(session="", stream="", timestamp=now() - 3 * HOUR + minutes * MINUTE, **fields)


def test_an_erased_user_is_on_no_node(sharded: Server, shards: list[Node]) -> None:
    frontend = sharded.frontend(idle_timeout="5m")
    ann, bob = name_of("ann"), name_of("bob")
    late = []
    for number in range(SOURCES):
        for person in (ann, bob):
            source, instance = f"{number}-{person[:3]}", f"phone-{number}-{person[:3]}"
            sent = [
                event(session=source, sequence=n, user_identifier=person, name=f"mail to {person}") for n in range(3)
            ]
            frontend.send(*sent[:2], event(session=source, sequence=3, event_properties={"event_properties.x": person}),
                          instance_id=instance)  # fmt: skip
            late += sent[2:] if person == ann else []
        # Clients without session ids, on devices that both use.
        frontend.send(visit(0, user_identifier=bob), visit(20, user_identifier=ann), sent_at=0, instance_id=f"{number}")
    sharded.until(lambda: len(frontend.sessions(limit=500)) == 4 * SOURCES)
    of_ann = f"user_identifier = '{ann}'"
    assert all(rows(shards, "events", frontend, of_ann))
    assert all(rows(shards, "derived_sessions", frontend, of_ann))
    assert bytes_left(shards[:1], ann)
    assert bytes_left(shards[1:], ann)
    of_bob = {s["session_id"]: s for s in frontend.sessions(limit=500, user=bob)}
    assert len(of_bob) == 2 * SOURCES

    answer = erase(frontend, ann)

    assert [(line["after"], line["mentions"]) for line in answer["proof"]] == [(0, 0)] * len(answer["proof"])
    assert bytes_left(shards, ann) == []
    assert rows(shards, "events", frontend, of_ann) == [0, 0]
    assert sum(rows(shards, "events", frontend)) == 3 * SOURCES + SOURCES
    assert sum(rows(shards, "discards", frontend)) == SOURCES
    sharded.until(lambda: {s["session_id"]: s for s in frontend.sessions(limit=500)} == of_bob)
    assert [user["identifier"] for user in frontend.get("/users")["items"]] == [bob]
    assert bytes_left(shards, ann) == []

    receipt = frontend.send(*late, instance_id="phone")
    assert [refused["reason"] for refused in receipt["rejected"]] == ["erased"] * SOURCES
    assert bytes_left(shards, ann) == []
    assert frontend.get(f"/sessions/{next(iter(of_bob))}") == of_bob[next(iter(of_bob))]


def test_what_is_too_old_goes_from_every_node(sharded: Server, shards: list[Node]) -> None:
    short, forever = sharded.frontend(retention_days=7), sharded.frontend()
    for frontend in (short, forever):
        for number in range(SOURCES):
            old = event(session=f"old-{number}", timestamp=now() - 10 * DAY)
            bare = event(session="", stream="", timestamp=now() - 10 * DAY)
            frontend.send(old, bare, event(session=f"new-{number}"), sent_at=0, instance_id=f"i{number}")
    sharded.until(lambda: [len(f.sessions(limit=500)) for f in (short, forever)] == [3 * SOURCES] * 2)
    assert all(rows(shards, "events", short, f"client_timestamp < {now() - 7 * DAY}"))
    sharded.stop()
    sharded.start()
    new = {f"new-{number}" for number in range(SOURCES)}
    sharded.until(lambda: {s["session_id"] for s in short.sessions(limit=500)} == new)
    # The states go last of all, one node after the other.
    stale = "NOT startsWith(session_id, 'new')"
    sharded.until(lambda: rows(shards, "session_states", short, stale) == [0, 0])
    assert sum(rows(shards, "session_states", short)) >= SOURCES
    assert sum(rows(shards, "events", short)) == SOURCES
    assert rows(shards, "events", short, f"client_timestamp < {now() - 7 * DAY}") == [0, 0]
    assert rows(shards, "derived_sessions", short) == [0, 0]
    assert sum(rows(shards, "session_index", short, "NOT startsWith(session_id, 'new')")) == 0
    assert sum(rows(shards, "events", forever)) == 3 * SOURCES
    assert len(forever.sessions(limit=500)) == 3 * SOURCES


def test_an_erasure_that_a_crash_cut_off_is_finished_and_no_other_servers_is_touched(
    sharded: Server, shards: list[Node]
) -> None:
    frontend = sharded.frontend()
    ann, bob = name_of("ann"), name_of("bob")
    for number in range(SOURCES):
        for person in (ann, bob):
            frontend.send(event(session=f"{number}-{person[:3]}", user_identifier=person), instance_id=person[:3])
    sharded.stop()
    engine = Engine(cluster_url(shards))
    Doomed(engine, f"{now() - HOUR:016d}-cut-off").user(frontend.name, [ann], [])
    going_on = Doomed(engine)
    going_on.user(frontend.name, [bob], [])
    sharded.start()
    assert {session["user_identifier"] for session in frontend.sessions(limit=100)} == {bob}
    assert engine.query("SELECT DISTINCT erasure FROM doomed_sources") == [(going_on.erasure,)]
    going_on.forget()
    engine.close()
