"""The first schema."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def _frontend_id(table: str, *, nullable: bool = False) -> list[sa.schema.SchemaItem]:
    return [
        sa.Column("frontend_id", sa.Integer, nullable=nullable),
        sa.ForeignKeyConstraint(["frontend_id"], ["frontends.id"], name=f"fk_{table}_frontend_id"),
    ]


def _id(table: str) -> list[sa.schema.SchemaItem]:
    return [sa.Column("id", sa.Integer, nullable=False), sa.PrimaryKeyConstraint("id", name=f"pk_{table}")]


def _unique(table: str, *columns: str) -> sa.UniqueConstraint:
    return sa.UniqueConstraint(*columns, name=f"uq_{table}_{'_'.join(columns)}")


def _time(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=False)


def upgrade() -> None:
    """Make all tables and the one row of the revision."""
    revisions = op.create_table(
        "revision",
        sa.Column("id", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_revision"),
    )
    op.bulk_insert(revisions, [{"id": 1, "number": 1}])
    op.create_table(
        "frontends",
        *_id("frontends"),
        sa.Column("name", sa.String(50), nullable=False),
        sa.Column("type", sa.String(20), nullable=False),
        _time("created"),
        sa.Column("idle_timeout", sa.BigInteger, nullable=False),
        sa.Column("max_duration", sa.BigInteger, nullable=False),
        sa.Column("hash_identifiers", sa.Boolean, nullable=False),
        sa.Column("hash_key", sa.LargeBinary, nullable=False),
        sa.Column("mask_ip", sa.Boolean, nullable=False),
        sa.Column("retention_days", sa.Integer, nullable=True),
        sa.Column("discard_retention_days", sa.Integer, nullable=False),
        sa.Column("archived", sa.Boolean, nullable=False),
        _unique("frontends", "name"),
    )
    op.create_table(
        "ingest_keys",
        *_id("ingest_keys"),
        *_frontend_id("ingest_keys"),
        sa.Column("key", sa.String(100), nullable=False),
        _time("created"),
        _time("revoked"),
        _unique("ingest_keys", "key"),
    )
    op.create_table(
        "property_definitions",
        *_id("property_definitions"),
        *_frontend_id("property_definitions"),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("field", sa.String(100), nullable=False),
        sa.Column("data_type", sa.String(20), nullable=False),
        sa.Column("case_insensitive", sa.Boolean, nullable=False),
        sa.Column("aggregation", sa.String(20), nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        _unique("property_definitions", "frontend_id", "kind", "field"),
    )
    op.create_table(
        "history",
        *_id("history"),
        _time("time"),
        sa.Column("actor", sa.String(250), nullable=False),
        *_frontend_id("history", nullable=True),
        sa.Column("subject", sa.String(20), nullable=False),
        sa.Column("name", sa.String(250), nullable=False),
        sa.Column("action", sa.String(20), nullable=False),
        sa.Column("before", sa.JSON, nullable=True),
        sa.Column("after", sa.JSON, nullable=True),
    )
    op.create_index("ix_history_frontend_id_id", "history", ["frontend_id", "id"])
    op.create_table(
        "accounts",
        *_id("accounts"),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("password_hash", sa.String(250), nullable=False),
        sa.Column("role", sa.String(20), nullable=False),
        _time("created"),
        _time("changed"),
        _unique("accounts", "name"),
    )
    op.create_table(
        "api_tokens",
        *_id("api_tokens"),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("secret_hash", sa.String(64), nullable=False),
        sa.Column("role", sa.String(20), nullable=False),
        _time("created"),
        _time("last_used"),
        _time("expires"),
        _unique("api_tokens", "name"),
        _unique("api_tokens", "secret_hash"),
    )
    op.create_table(
        "merges",
        *_id("merges"),
        *_frontend_id("merges"),
        sa.Column("identifier", sa.String(250), nullable=False),
        sa.Column("canonical", sa.String(250), nullable=False),
        _time("created"),
        sa.Column("actor", sa.String(250), nullable=False),
        _unique("merges", "frontend_id", "identifier"),
    )
    op.create_table(
        "saved_views",
        *_id("saved_views"),
        *_frontend_id("saved_views"),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("query", sa.Text, nullable=False),
        _time("created"),
        sa.Column("actor", sa.String(250), nullable=False),
        _unique("saved_views", "frontend_id", "name"),
    )
    op.create_table(
        "server_secrets",
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("value", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_server_secrets"),
    )
