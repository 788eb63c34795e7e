"""The tables of the settings, as SQLAlchemy Core sees them; how they came to be is in `migrations`."""

from typing import Final

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

metadata: Final = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _frontend_id(*, nullable: bool = False) -> Column[int]:
    return Column("frontend_id", Integer, ForeignKey("frontends.id"), nullable=nullable)


def _time(name: str) -> Column[int]:
    return Column(name, BigInteger, nullable=False)


revision: Final = Table(
    "revision",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("number", BigInteger, nullable=False),
)
"""One row. Every change raises its number in its own transaction, which also makes writers wait for each other."""

frontends: Final = Table(
    "frontends",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(50), nullable=False, unique=True),
    Column("type", String(20), nullable=False),
    _time("created"),
    Column("idle_timeout", BigInteger, nullable=False),
    Column("max_duration", BigInteger, nullable=False),
    Column("hash_identifiers", Boolean, nullable=False),
    Column("hash_key", LargeBinary, nullable=False),
    Column("mask_ip", Boolean, nullable=False),
    Column("retention_days", Integer, nullable=True),
    Column("discard_retention_days", Integer, nullable=False),
    Column("archived", Boolean, nullable=False),
)

ingest_keys: Final = Table(
    "ingest_keys",
    metadata,
    Column("id", Integer, primary_key=True),
    _frontend_id(),
    Column("key", String(100), nullable=False, unique=True),
    _time("created"),
    _time("revoked"),
)

property_definitions: Final = Table(
    "property_definitions",
    metadata,
    Column("id", Integer, primary_key=True),
    _frontend_id(),
    Column("kind", String(20), nullable=False),
    Column("field", String(100), nullable=False),
    Column("data_type", String(20), nullable=False),
    Column("case_insensitive", Boolean, nullable=False),
    Column("aggregation", String(20), nullable=False),
    Column("description", Text, nullable=False),
    UniqueConstraint("frontend_id", "kind", "field"),
)

history: Final = Table(
    "history",
    metadata,
    Column("id", Integer, primary_key=True),
    _time("time"),
    Column("actor", String(250), nullable=False),
    _frontend_id(nullable=True),
    Column("subject", String(20), nullable=False),
    Column("name", String(250), nullable=False),
    Column("action", String(20), nullable=False),
    Column("before", JSON(none_as_null=True), nullable=True),
    Column("after", JSON(none_as_null=True), nullable=True),
    Index(None, "frontend_id", "id"),
)

accounts: Final = Table(
    "accounts",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(100), nullable=False, unique=True),
    Column("password_hash", String(250), nullable=False),
    Column("role", String(20), nullable=False),
    _time("created"),
    _time("changed"),
)

api_tokens: Final = Table(
    "api_tokens",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(100), nullable=False, unique=True),
    Column("secret_hash", String(64), nullable=False, unique=True),
    Column("role", String(20), nullable=False),
    _time("created"),
    _time("last_used"),
    _time("expires"),
)

merges: Final = Table(
    "merges",
    metadata,
    Column("id", Integer, primary_key=True),
    _frontend_id(),
    Column("identifier", String(250), nullable=False),
    Column("canonical", String(250), nullable=False),
    _time("created"),
    Column("actor", String(250), nullable=False),
    UniqueConstraint("frontend_id", "identifier"),
)

saved_views: Final = Table(
    "saved_views",
    metadata,
    Column("id", Integer, primary_key=True),
    _frontend_id(),
    Column("name", String(100), nullable=False),
    Column("query", Text, nullable=False),
    _time("created"),
    Column("actor", String(250), nullable=False),
    UniqueConstraint("frontend_id", "name"),
)

server_secrets: Final = Table(
    "server_secrets",
    metadata,
    Column("name", String(100), primary_key=True),
    Column("value", LargeBinary, nullable=False),
)
