"""Schema, several servers at once, and what the database is allowed to say."""

import multiprocessing
import sqlite3
import stat
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from sojourn.rules.definitions import PropertyDefinition
from sojourn.rules.names import PropertyKind
from sojourn.rules.sessions import FrontendType
from sojourn.rules.values import DataType
from sojourn.settings import Settings, migrations, settings_url
from sojourn.settings.errors import ConflictError, SettingsError, UnavailableError
from sojourn.settings.tables import metadata


def run_sql(url, statement):
    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"), poolclass=NullPool)
    with engine.begin() as connection:
        connection.execute(text(statement))


def test_the_steps_end_in_the_tables_that_the_code_knows(empty_url):
    Settings(empty_url).close()
    engine = create_engine(empty_url.replace("postgresql:", "postgresql+psycopg:"), poolclass=NullPool)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
        names = {name for (name,) in connection.execute(text(NAMES[engine.dialect.name]))}
    assert "ix_history_frontend_id_id" in names


NAMES = {
    "sqlite": "SELECT name FROM sqlite_master",
    "postgresql": "SELECT relname FROM pg_class",
}


def test_the_newest_step_is_the_one_that_a_start_looks_for():
    scripts = ScriptDirectory(migrations.__path__[0])
    assert scripts.get_heads() == [migrations.HEAD]


def open_and_close(url, ready, failures):
    ready.wait()
    try:
        Settings(url).close()
    except Exception as error:
        failures.put(repr(error))


def test_servers_that_start_at_once_make_the_schema_once(empty_url):
    processes = multiprocessing.get_context("spawn")
    ready, failures = processes.Event(), processes.SimpleQueue()
    servers = [processes.Process(target=open_and_close, args=(empty_url, ready, failures)) for _ in range(4)]
    for server in servers:
        server.start()
    ready.set()
    for server in servers:
        server.join(30)
    assert failures.empty(), failures.get()
    with Settings(empty_url) as settings:
        assert settings.current_revision() == 1


def test_threads_that_start_at_once_make_the_schema_once(empty_url):
    barrier = threading.Barrier(8)

    def start(_):
        barrier.wait()
        with Settings(empty_url) as settings:
            return settings.current_revision()

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(start, range(8))) == [1] * 8


def test_a_new_file_that_another_is_writing_to_is_waited_for(tmp_path):
    """For the change to a log, SQLite itself would give up at once."""
    path = tmp_path / "settings.sqlite"
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    threading.Timer(0.3, lambda: other.execute("COMMIT")).start()
    with Settings(f"sqlite:///{path}") as settings:
        assert settings.current_revision() == 1


def test_servers_that_define_at_once_never_pass_the_limit(settings, open_settings):
    settings.add_frontend("shop", FrontendType.WEB, actor="ann")
    for n in range(45):
        settings.add_definition("shop", PropertyDefinition(PropertyKind.EVENT, f"e{n}", DataType.STRING), actor="ann")
    servers = [open_settings() for _ in range(4)]
    before = settings.current_revision()

    def define(n):
        new = PropertyDefinition(PropertyKind.SESSION, f"s{n}", DataType.STRING)
        try:
            servers[n % 4].add_definition("shop", new, actor="ann")
        except SettingsError as error:
            return str(error)
        return "taken"

    with ThreadPoolExecutor(8) as pool:
        told = list(pool.map(define, range(16)))
    assert told.count("taken") == 5
    assert set(told) == {"taken", "field: 51 definitions; a frontend has at most 50"}
    assert len(settings.definitions("shop")) == 50
    assert settings.current_revision() == before + 5


def test_servers_that_add_one_frontend_at_once_make_it_once(open_settings):
    servers = [open_settings() for _ in range(4)]

    def add(server):
        try:
            return server.add_frontend("shop", FrontendType.WEB, actor="ann")[1]
        except ConflictError:
            return None

    with ThreadPoolExecutor(4) as pool:
        keys = [key for key in pool.map(add, servers) if key]
    assert [k.key for k in servers[0].keys("shop")] == keys
    assert len(keys) == 1


def test_a_change_is_there_after_a_restart(settings, open_settings):
    settings.add_frontend("shop", FrontendType.WEB, actor="ann")
    settings.close()
    assert [f.name for f in open_settings().frontends()] == ["shop"]


def test_the_schema_of_a_newer_version_is_left_alone(settings, url):
    settings.close()
    run_sql(url, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(UnavailableError, match="schema '9999', which this version of Sojourn does not know"):
        Settings(url)


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("mysql://localhost/x", "'mysql' is not supported; use sqlite:///path or postgresql://"),
        ("sqlite://", "'sqlite' is not supported"),
        ("what", "not a database URL"),
    ],
)
def test_an_address_that_is_none_is_refused(url, told):
    with pytest.raises(SettingsError, match=f"settings_url: {told}"):
        Settings(url)


def test_a_database_that_is_away_is_told_as_that(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UnavailableError, match=r"File exists|Not a directory"):
        Settings(settings_url(tmp_path / "file"))
    with pytest.raises(UnavailableError, match="the settings cannot be reached"):
        Settings(f"postgresql://sojourn@/x?host={tmp_path}")


def test_a_file_that_is_no_database_is_told_as_that(tmp_path):
    (tmp_path / "settings.sqlite").write_text("no database, however long one looks at it\n" * 100)
    with pytest.raises(UnavailableError, match="the settings cannot be reached: file is not a database"):
        Settings(settings_url(tmp_path))


def test_the_file_is_private_and_its_log_is_kept_beside_it(tmp_path):
    with Settings(settings_url(tmp_path / "data")) as settings:
        settings.add_frontend("shop", FrontendType.WEB, actor="ann")
        files = sorted((tmp_path / "data").iterdir())
        assert [f.name for f in files] == ["settings.sqlite", "settings.sqlite-shm", "settings.sqlite-wal"]
        assert {stat.S_IMODE(f.stat().st_mode) for f in files} == {0o600}


def test_a_forgotten_user_is_in_no_byte_of_the_files(tmp_path):
    with Settings(settings_url(tmp_path)) as settings:
        settings.add_frontend("shop", FrontendType.WEB, actor="ann")
        for n in range(200):
            settings.merge("shop", f"other-{n}", "ann@example.com" if n % 2 else "bob@example.com", actor="ann")
        assert b"ann@example.com" in all_bytes(tmp_path)
        settings.forget_user("shop", "ann@example.com", actor="ann")
        assert b"ann@example.com" not in all_bytes(tmp_path)
        assert b"bob@example.com" in all_bytes(tmp_path)


def all_bytes(folder):
    return b"".join(file.read_bytes() for file in folder.iterdir())


def test_a_reader_is_not_held_up_by_a_writer(tmp_path):
    with Settings(settings_url(tmp_path)) as settings:
        settings.add_frontend("shop", FrontendType.WEB, actor="ann")
        writer = sqlite3.connect(tmp_path / "settings.sqlite", isolation_level=None)
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("UPDATE frontends SET mask_ip = 0")
        assert settings.frontend("shop").mask_ip is True
        writer.execute("COMMIT")
        writer.close()
        assert settings.frontend("shop").mask_ip is False
