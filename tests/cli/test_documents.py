"""Every example of the documents, run from top to bottom as a reader would, must print what is printed there."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.test_remote import Peer
from tests.server import Server

DOCS = Path(__file__).parents[2] / "docs"
DEFAULT_ENDPOINT = "http://127.0.0.1:8321"


def examples(document):
    """Each command of the `console` blocks with the lines that it is said to print."""
    found = []
    for block in re.findall(r"^```console\n(.*?)^```$", document, re.DOTALL | re.MULTILINE):
        for line in block.splitlines():
            if line.startswith("$ "):
                found.append((line[2:], []))
            else:
                found[-1][1].append(line)
    return found


def pattern_of(said):
    """What was said as a pattern, in which `…` stands for anything, and on a line of its own for any lines."""
    lines = [r"(?:.*\n)*?" if line == "…" else ".*".join(map(re.escape, line.split("…"))) + r"\n" for line in said]
    return "".join(lines)


@pytest.fixture
def peer():
    peer = Peer()
    yield peer
    peer.close()


@pytest.mark.parametrize("name", ["command-line.md", "property-definitions.md"])
def test_the_examples_of_a_document_print_what_it_says(name, run, tmp_path, peer):
    there = examples((DOCS / name).read_text())
    assert len(there) > 5
    server = Server(tmp_path / "data")
    try:
        for command, said in there:
            endpoint = server.url
            # The answers to these depend on events that no document can show; their contract is tested elsewhere.
            if command.startswith(("sojourn sql", "sojourn user")):
                endpoint = peer.url
                peer.body = b"user_identifier,sessions\nuser@example.com,12\n" if " sql " in command else b'{"a": 1}'
            printed = run_as_written(command.replace(DEFAULT_ENDPOINT, server.url), endpoint, run)
            printed = printed.replace(server.url, DEFAULT_ENDPOINT)
            assert re.fullmatch(pattern_of(said), printed), f"$ {command}\n{printed}"
    finally:
        server.close()


def run_as_written(command, endpoint, run):
    """What a command prints and what it says on standard error, together, as a terminal shows them."""
    if not set(command) & set("|>"):
        program, *arguments = shlex.split(command)
        if program == "sojourn":
            return run(*arguments, env={"SOJOURN_ENDPOINT": endpoint}).output
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    done = subprocess.run(
        ["bash", "-c", command], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60
    )
    return done.stdout.decode()


@pytest.mark.parametrize("group", ["frontend", "frontend key", "property", "account", "token", "user"])
def test_every_command_of_a_group_is_in_the_document(run, group):
    document = (DOCS / "command-line.md").read_text() + (DOCS / "property-definitions.md").read_text()
    listed = run(*group.split(), "--help").stdout.partition("Commands:\n")[2]
    for name in re.findall(r"^  (\w+) ", listed, re.MULTILINE):
        assert f"sojourn {group} {name}" in document
