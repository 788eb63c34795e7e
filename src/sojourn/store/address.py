"""The address of a ClickHouse server or cluster: `clickhouse://user:password@host:8123/database?cluster=NAME`."""

import re
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote, urlsplit

DATABASE = "sojourn"
"""The database of a store whose address names none."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PORT, _SECURE_PORT = 8123, 8443
_FORM = "clickhouse://user:password@host:8123,other:8123/database?cluster=NAME"


class AddressError(ValueError):
    """An address that cannot be understood. The message never holds the password."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where each node of the store answers HTTP, and as whom to ask. Without a cluster there is one node."""

    hosts: tuple[tuple[str, int], ...]
    user: str
    password: str = field(repr=False)
    database: str
    cluster: str | None
    secure: bool
    ca_cert: str | None

    @property
    def stored_database(self) -> str:
        """Where a node keeps its own rows; of a cluster, `database` holds what spans all nodes."""
        return f"{self.database}_shard" if self.cluster else self.database


def read_address(url: str) -> Address:
    """Read an address; `clickhouses://` is the same over TLS. Raises AddressError."""
    scheme, _, rest = url.partition("://")
    if scheme not in ("clickhouse", "clickhouses"):
        raise AddressError(f"store_url: begins with {scheme[:20]!r}; expected {_FORM}")
    secure = scheme == "clickhouses"
    parts = urlsplit(f"//{rest}")
    credentials, _, places = parts.netloc.rpartition("@")
    user, _, password = credentials.partition(":")
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    cluster, ca_cert = options.pop("cluster", None), options.pop("ca_cert", None)
    if options:
        raise AddressError(f"store_url: the option {min(options)!r} is unknown; there are cluster and ca_cert")
    database = parts.path.strip("/") or DATABASE
    for what, name in (("database", database), ("cluster", cluster)):
        if name is not None and not _NAME.fullmatch(name):
            raise AddressError(f"store_url: {what}: {name[:50]!r} is not a name of ASCII letters, digits and _")
    hosts = tuple(_host(place, _SECURE_PORT if secure else _PORT) for place in places.split(","))
    if len(hosts) > 1 and cluster is None:
        raise AddressError("store_url: several hosts are nodes of a cluster; say which one with ?cluster=NAME")
    return Address(hosts, unquote(user) or "default", unquote(password), database, cluster, secure, ca_cert)


def _host(place: str, default_port: int) -> tuple[str, int]:
    try:
        parts = urlsplit(f"//{place}")
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise AddressError(f"store_url: {place[:50]!r} is no host and port; expected {_FORM}") from error
    if not host:
        raise AddressError(f"store_url: a host is missing; expected {_FORM}")
    return host, port or default_port
