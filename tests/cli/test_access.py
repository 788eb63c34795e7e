"""Accounts and tokens."""

import json

import pytest

from sojourn.settings.rows import Role

PASSWORD = "correct horse"


def test_an_account_is_added_with_a_password_from_a_pipe(run, settings):
    added = run("account", "add", "ann", "--password-stdin", input=f"{PASSWORD}\n")
    assert (added.exit_code, added.stdout) == (0, "Account ann (admin) is there.\n")
    assert settings.log_in("ann", PASSWORD).role is Role.ADMIN
    assert PASSWORD not in added.output


def test_an_account_is_added_with_a_password_typed_twice(run, settings):
    added = run("account", "add", "bob", "--role", "viewer", input=f"{PASSWORD}\n{PASSWORD}\n")
    assert added.exit_code == 0
    assert settings.log_in("bob", PASSWORD).role is Role.VIEWER
    assert PASSWORD not in added.output


@pytest.mark.parametrize(
    ("arguments", "given", "told"),
    [
        (("add", "ann", "--password-stdin"), "short\n", "Error: password: 5 characters; from 10 to 1000 are allowed\n"),
        (("add", "ann", "--password-stdin"), "", "Error: password: 0 characters; from 10 to 1000 are allowed\n"),
        (("add", " ", "--password-stdin"), PASSWORD, "Error: name: it must be printable and not blank\n"),
        (("set", "bob"), "", "Error: nothing to change: give --role or --password (see sojourn account set --help)\n"),
        (("set", "zoe", "--role", "admin"), "", "Error: name: there is no account 'zoe'\n"),
        (
            ("set", "bob", "--role", "viewer"),
            "",
            "Error: role: 'bob' is the last administrator; make another one first\n",
        ),
    ],
)
def test_an_error_is_one_line_that_names_the_field_and_the_limit(run, settings, arguments, given, told):
    settings.add_account("bob", PASSWORD, Role.ADMIN, actor="x")
    result = run("account", *arguments, input=given)
    assert (result.exit_code, result.stdout, result.stderr) == (2, "", told)


def test_accounts_are_listed_changed_and_removed(run, settings):
    settings.add_account("ann", PASSWORD, Role.ADMIN, actor="x")
    settings.add_account("bob", PASSWORD, Role.VIEWER, actor="x")
    assert run("account", "set", "bob", "--role", "admin").exit_code == 0
    assert run("account", "set", "bob", "--password-stdin", input="another password\n").exit_code == 0
    assert settings.log_in("bob", "another password").role is Role.ADMIN
    assert run("account", "list").stdout.split() == ["NAME", "ROLE", "ann", "admin", "bob", "admin"]
    assert "hash" not in run("account", "list", "--json").stdout
    assert run("account", "remove", "ann").exit_code == 0
    assert [a.name for a in settings.accounts()] == ["bob"]


def test_a_token_is_shown_once_and_good_until_revoked(run, settings):
    added = run("token", "add", "ci", "--role", "editor")
    secret = added.stdout.strip()
    assert settings.use_token(secret).role is Role.EDITOR
    listed = run("token", "list")
    assert secret not in listed.output
    assert listed.stdout.splitlines()[1].startswith("ci    editor")
    assert run("token", "revoke", "ci").exit_code == 0
    assert settings.use_token(secret) is None
    assert run("token", "revoke", "ci").stderr == "Error: name: there is no token 'ci'\n"


def test_a_token_for_a_while(run, settings):
    document = json.loads(run("token", "add", "ci", "--expires", "90d", "--json").stdout)
    token = settings.use_token(document["token"])
    assert token.role is Role.VIEWER
    assert token.expires - token.created == pytest.approx(90 * 86_400_000_000, abs=60_000_000)
    assert run("token", "add", "x", "--expires", "soon").stderr.startswith("Error: expires: 'soon' is not a duration")
