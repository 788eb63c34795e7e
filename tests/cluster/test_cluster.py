"""A cluster of two shards: what lies where, and what an address must say."""

import json
import uuid

import pytest

from sojourn.rules.definitions import Catalog, PropertyDefinition
from sojourn.rules.names import PropertyKind
from sojourn.rules.values import DataType
from sojourn.store.analyst_views import AnalystFrontend, view_queries
from sojourn.store.cluster import ShapeError, define_of_sessions
from sojourn.store.engine import Engine
from sojourn.store.migrate import migrate
from tests.cluster.conftest import cluster_url, database
from tests.cluster.law import HISTORIES, assert_law, define_law_properties
from tests.cluster.nodes import Node
from tests.server import Server, event


def test_the_law_holds_over_two_shards(sharded: Server) -> None:
    shop = sharded.frontend()
    define_law_properties(shop)
    assert_law(shop, HISTORIES)


def test_a_session_is_on_one_shard_and_both_have_some(sharded: Server, shards: list[Node]) -> None:
    frontend = sharded.frontend()
    for number in range(3):
        frontend.send(*[event(session=f"s{n}", sequence=number, user_identifier=f"u{n % 4}") for n in range(30)])
    where = f"WHERE frontend = '{frontend.name}' FORMAT TSV"
    for table, column in (
        ("events", "source_id"),
        ("session_states", "session_id"),
        ("session_summaries", "session_id"),
    ):
        held = [set(node.ask(f"SELECT {column} FROM {table} {where}", "sojourn_shard").split()) for node in shards]
        assert held[0]
        assert held[1]
        assert not held[0] & held[1]
        assert len(held[0] | held[1]) == 30
    assert {s["event_count"] for s in frontend.sessions(limit=100)} == {3}
    assert len(frontend.sessions(limit=100, user="u1")) == 8
    users = {u["identifier"]: u["session_count"] for u in frontend.get("/users")["items"]}
    assert users == {"u0": 8, "u1": 8, "u2": 7, "u3": 7}


def test_a_view_of_one_session_is_made_where_the_session_is(shards: list[Node]) -> None:
    """Such as that of analysts, whose question about an event's session the engine cannot ask of other nodes."""
    engine = Engine(cluster_url(shards, database()))
    migrate(engine)
    definition = PropertyDefinition(PropertyKind.SESSION, "plan", DataType.STRING)
    define_of_sessions(
        engine,
        "CREATE OR REPLACE VIEW user_events AS "
        + view_queries([AnalystFrontend("f", Catalog([definition]), 60_000_000)])["user_events"],
    )
    engine.insert("events", b"\n".join(_event(number) for number in range(12)))
    plans = "SELECT session_id, count(), any(`session_properties.plan`) FROM user_events GROUP BY 1 ORDER BY 1"
    assert engine.query(plans) == [(f"s{number}", 3, "gold") for number in range(4)]
    engine.close()


def _event(number: int) -> bytes:
    properties = {"session_properties.plan": '"gold"'} if number < 4 else {}
    fields = {"frontend": "f", "source_id": f"s{number % 4}", "stream_id": "x", "sequence": number // 4}
    return json.dumps({**fields, "event_id": str(uuid.uuid4()), "session_properties": properties}).encode()


def test_a_table_that_grew_is_spanned_anew(shards: list[Node]) -> None:
    engine = Engine(cluster_url(shards, name := database()))
    migrate(engine)
    for node in shards:
        node.ask("ALTER TABLE events ADD COLUMN colour String DEFAULT 'red'", f"{name}_shard")
    migrate(engine)
    engine.insert("events", b'{"source_id":"a"}\n{"source_id":"b","colour":"blue"}')
    assert sorted(engine.query("SELECT source_id, colour FROM events")) == [("a", "red"), ("b", "blue")]
    engine.close()


def test_deletions_reach_every_shard(shards: list[Node]) -> None:
    engine = Engine(cluster_url(shards, database()))
    migrate(engine)
    engine.insert("events", b"\n".join(b'{"frontend":"f","source_id":"%d"}' % n for n in range(20)))
    engine.command("ALTER TABLE events DELETE WHERE source_id != '7' SETTINGS mutations_sync = 2")
    assert engine.query("SELECT source_id FROM events") == [("7",)]
    engine.close()


def test_an_address_that_names_some_nodes_only_is_refused(shards: list[Node]) -> None:
    engine = Engine(cluster_url(shards[:1], database()))
    with pytest.raises(ShapeError, match=f"missing: 127.0.0.1:{shards[1].tcp_port}"):
        migrate(engine)
    engine.close()


def test_a_cluster_that_is_not_there_is_refused(shards: list[Node]) -> None:
    engine = Engine(cluster_url(shards, database()).replace("cluster=shop", "cluster=other"))
    with pytest.raises(ShapeError, match="no cluster 'other'"):
        migrate(engine)
    engine.close()


def test_shards_that_changed_are_refused(shards: list[Node]) -> None:
    name = database()
    engine = Engine(cluster_url(shards, name))
    migrate(engine)
    for node in shards:
        node.ask("TRUNCATE TABLE cluster_shape", f"{name}_shard")
        node.ask("INSERT INTO cluster_shape VALUES ('shard 1 of [(1, 1)]')", f"{name}_shard")
    with pytest.raises(ShapeError, match="does not move rows between shards"):
        migrate(engine)
    engine.close()
