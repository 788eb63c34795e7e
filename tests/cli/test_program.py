"""The program as a whole: where the data is, what is missing, and how fast it starts."""

import json
import os
import re
import subprocess
import sys

import pytest

from sojourn.rules.sessions import FrontendType
from sojourn.settings import Settings, settings_url
from tests.cli.conftest import run_process

WITHOUT_SERVER = """
import sys
for name in "sqlalchemy alembic argon2 chdb clickhouse_connect litestar rich structlog uvicorn".split():
    sys.modules[name] = None
from sojourn.cli import main
main(sys.argv[1:], prog_name="sojourn")
"""


def run_plain(*arguments):
    """Run the program as a plain install has it, without the extra `server`."""
    return subprocess.run(
        [sys.executable, "-c", WITHOUT_SERVER, *arguments], capture_output=True, text=True, timeout=60
    )


@pytest.mark.parametrize("command", [("serve",), ("frontend", "add", "shop", "--type", "web"), ("token", "add", "ci")])
def test_a_plain_install_says_what_a_server_command_needs(command):
    result = run_plain(*command)
    assert result.returncode == 2
    assert result.stderr.splitlines()[-1].startswith("Error: ")
    assert result.stderr.endswith("pip install 'sojourn[server]'\n")
    assert "Traceback" not in result.stderr


def test_a_plain_install_defines_properties_on_a_server(frontend):
    there = ("--endpoint", frontend.server.url)
    added = run_plain("property", "add", frontend.name, "event", "cart.total", "--type", "number", *there)
    assert added.returncode == 0, added.stderr
    listed = run_plain("property", "list", frontend.name, "--json", *there)
    assert [d["name"] for d in json.loads(listed.stdout)] == ["event_properties.cart.total"]


def test_help_imports_no_server_package():
    script = (
        "import sys\nfrom sojourn.cli import main\ntry:\n main(['frontend', '--help'])\nfinally:\n print(*sys.modules)"
    )
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    assert "sojourn.cli.frontends" in loaded
    assert not {"sqlalchemy", "alembic", "litestar", "chdb", "rich", "urllib3", "sojourn.cli.properties"} & set(loaded)


def test_the_data_folder_is_an_option_a_variable_or_data(tmp_path):
    folders = ("option", "variable", "data")
    add = ("frontend", "add", "shop", "--type", "web", "--json")
    keys = [
        json.loads(run_process(*add, "--data", "option", cwd=tmp_path).stdout)["key"],
        json.loads(run_process(*add, cwd=tmp_path, env={**os.environ, "SOJOURN_DATA": "variable"}).stdout)["key"],
        json.loads(run_process(*add, cwd=tmp_path).stdout)["key"],
    ]
    for folder, key in zip(folders, keys, strict=True):
        with Settings(settings_url(tmp_path / folder)) as settings:
            assert [k.key for k in settings.keys("shop")] == [key]


def test_the_settings_can_be_elsewhere(run, tmp_path, monkeypatch):
    url = f"sqlite:///{tmp_path}/elsewhere/s.sqlite"
    assert run("frontend", "add", "shop", "--type", "web", "--settings-url", url).exit_code == 0
    monkeypatch.setenv("SOJOURN_SETTINGS_URL", url)
    assert "shop" in run("frontend", "list").stdout
    assert run("frontend", "list", "--settings-url", "mysql://x").stderr.startswith(
        "Error: settings_url: 'mysql' is not"
    )


def test_a_mistyped_data_folder_is_not_made(run, tmp_path):
    result = run("frontend", "list", "--data", "dta")
    assert result.exit_code == 2
    assert result.stderr.startswith("Error: data: there are no settings in dta; give the server's folder with --data")
    assert not (tmp_path / "dta").exists()


def test_a_data_folder_that_cannot_be_is_one_line(run, tmp_path):
    (tmp_path / "file").write_text("")
    result = run("frontend", "add", "shop", "--type", "web", "--data", "file/data")
    assert result.exit_code == 1
    assert re.fullmatch(r"Error: .*file/data/settings\.sqlite: [\w ]+\n", result.stderr)


def test_every_command_names_a_next_step_or_prints_only_json(run, settings):
    settings.add_frontend("shop", FrontendType.WEB, actor="x")
    for command in (
        ("frontend", "list"),
        ("frontend", "key", "list", "shop"),
        ("property", "list", "shop"),
        ("property", "history", "shop"),
        ("account", "list"),
        ("token", "list"),
        ("doctor",),
    ):
        told = run(*command)
        assert told.stderr.splitlines()[-1].startswith("Next: "), command
        as_json = run(*command, "--json")
        assert json.loads(as_json.stdout) is not None
        assert as_json.stderr == ""


def test_a_reader_that_goes_away_is_no_error(tmp_path):
    script = 'for n in range(30000): print("x" * 100)'
    program = f"from sojourn.cli import app\nimport click\n@app.app.command()\ndef much():\n  {script}\n"
    program += "app.COMMANDS['much'] = ('much', 'much')\nimport sys, types\n"
    program += "m = types.ModuleType('sojourn.cli.much'); m.much = much; sys.modules[m.__name__] = m\napp.app(['much'])"
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.read(10)
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait(30) == 1


def test_version_and_help(run):
    assert re.fullmatch(r"sojourn, version [\d.]+\n", run("--version").stdout)
    assert run("frontend", "-h").exit_code == 0
    assert run("nonsense").stderr == "Error: No such command 'nonsense'. (see sojourn --help)\n"
    alone = run()
    assert alone.exit_code == 2
    assert "serve" in alone.stderr


def test_serve_refuses_to_be_reached_before_anybody_can_log_in(run):
    result = run("serve", "--host", "0.0.0.0", "--data", "data")
    assert result.exit_code == 2
    assert result.stderr.splitlines()[-1].startswith("Error: host: 0.0.0.0 can be reached from other machines")


def test_serve_takes_a_port_that_there_is(run):
    assert "Invalid value for '--port'" in run("serve", "--port", "70000").stderr


class TestDoctor:
    def test_all_is_well_beside_a_running_server(self, run, frontend):
        result = run("doctor", "--json", "--data", str(frontend.server.data), "--endpoint", frontend.server.url)
        found = {f["check"]: f["state"] for f in json.loads(result.stdout)}
        assert found.pop("disk space") in ("ok", "note")
        assert set(found.values()) == {"ok"}
        assert set(found) == {"python", "packages", "data folder", "settings", "server"}
        assert result.exit_code == 0

    def test_what_is_not_there_yet_is_no_fault_and_is_not_made(self, run, tmp_path):
        result = run("doctor", "--endpoint", "http://127.0.0.1:1")
        assert result.exit_code == 0
        assert "none yet; begin with: sojourn frontend add" in result.stdout
        assert list(tmp_path.iterdir()) == []

    def test_a_folder_that_cannot_be_written_and_settings_that_cannot_be_read_are_faults(self, run, tmp_path):
        (tmp_path / "data").mkdir()
        (tmp_path / "data" / "settings.sqlite").write_text("this is no database, however long one looks at it" * 100)
        result = run("doctor", "--endpoint", "http://127.0.0.1:1", "--json")
        assert result.exit_code == 1
        assert [f["check"] for f in json.loads(result.stdout) if f["state"] == "bad"] == ["settings"]
        (tmp_path / "file").write_text("")
        result = run("doctor", "--endpoint", "http://127.0.0.1:1", "--json", "--data", "file/x")
        assert [f["check"] for f in json.loads(result.stdout) if f["state"] == "bad"] == ["data folder"]
