"""Addresses of ClickHouse servers and clusters."""

import pytest

from sojourn.store.address import AddressError, read_address


def test_a_server() -> None:
    address = read_address("clickhouse://ann:p%40ss@db.example:9999/shop")
    assert (address.hosts, address.user, address.password) == ((("db.example", 9999),), "ann", "p@ss")
    assert (address.database, address.stored_database, address.cluster, address.secure) == ("shop", "shop", None, False)


def test_what_is_left_out() -> None:
    address = read_address("clickhouses://db")
    assert (address.hosts, address.user, address.password) == ((("db", 8443),), "default", "")
    assert (address.database, address.secure) == ("sojourn", True)


def test_a_cluster_keeps_rows_in_a_database_of_each_node() -> None:
    address = read_address("clickhouse://a,[::1]:81,c/x?cluster=main")
    assert address.hosts == (("a", 8123), ("::1", 81), ("c", 8123))
    assert (address.cluster, address.database, address.stored_database) == ("main", "x", "x_shard")


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("http://a", "begins with 'http'"),
        ("clickhouse://", "host is missing"),
        ("clickhouse://a,b/x", "cluster=NAME"),
        ("clickhouse://a,,b/x?cluster=c", "host is missing"),
        ("clickhouse://a:port", "no host and port"),
        ("clickhouse://a/x-y", "database: 'x-y'"),
        ("clickhouse://a/x?cluster=c'd", 'cluster: "c\'d"'),
        ("clickhouse://a/x?replicas=2", "'replicas' is unknown"),
    ],
)
def test_what_cannot_be_understood_is_said_without_the_password(url: str, says: str) -> None:
    with pytest.raises(AddressError) as refused:
        read_address(url.replace("://", "://ann:secret@", 1))
    assert says in str(refused.value)
    assert "secret" not in str(refused.value)
