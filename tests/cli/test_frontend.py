import json

import pytest

from sojourn.rules.limits import HOUR, MINUTE
from sojourn.rules.sessions import FrontendType


def test_add_prints_the_key_that_is_good_from_then_on(run, settings):
    added = run("frontend", "add", "shop", "--type", "web")
    assert added.exit_code == 0
    key = added.stdout.split()[-1]
    assert settings.snapshot().by_key[key].name == "shop"
    assert key in added.stderr
    assert added.stderr.startswith("Next: ")


def test_add_prints_json_for_a_program(run, settings):
    added = run("frontend", "add", "shop", "--type", "mobile", "--json")
    document = json.loads(added.stdout)
    assert document == {"frontend": "shop", "type": "mobile", "key": settings.keys("shop")[0].key}
    assert added.stderr == ""


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("add", "Shop", "--type", "web"), "Error: name: 'Shop': from 1 to 50 of a-z, 0-9 and - are allowed\n"),
        (("add", "kiosk", "--type", "web"), "Error: name: there is a frontend 'kiosk' already\n"),
        (
            ("add", "shop", "--type", "tv"),
            "Error: Invalid value for '--type': 'tv' is not one of 'web', 'mobile', 'desktop'",
        ),
        (("add", "shop"), "Error: Missing option '--type'."),
        (
            ("set", "kiosk", "--idle-timeout", "30"),
            "Error: idle_timeout: '30' is not a duration; write it like 90s, 30m,",
        ),
        (("set", "kiosk", "--idle-timeout", "500ms"), "Error: idle_timeout: 500ms; from 1s to 7d are allowed\n"),
        (("set", "kiosk", "--max-duration", "8d"), "Error: max_duration: 8d; from 1s to 7d are allowed\n"),
        (("set", "kiosk", "--retention-days", "0"), "Error: retention_days: 0; from 1 to 3650 are allowed\n"),
        (("set", "kiosk", "--retention-days", "ever"), "Error: retention_days: 'ever' is neither a number of days nor"),
        (("set", "kiosk", "--discard-retention-days", "91"), "Error: discard_retention_days: 91; from 0 to 90 are"),
        (("set", "kiosk"), "Error: nothing to change: give at least one option"),
        (("set", "shop", "--mask-ip"), "Error: frontend: there is no frontend 'shop'\n"),
        (("key", "revoke", "kiosk", "sjk_x"), "Error: key: frontend 'kiosk' has no such ingest key\n"),
        (("what",), "Error: No such command 'what'. (see sojourn frontend --help)\n"),
    ],
)
def test_an_error_is_one_line_that_names_the_field_and_the_limit(run, settings, arguments, told):
    settings.add_frontend("kiosk", FrontendType.OTHER, actor="ann")
    revision = settings.current_revision()
    result = run("frontend", *arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(told)
    assert result.stderr.count("\n") == 1
    assert settings.current_revision() == revision


def test_set_changes_what_is_given_and_the_history_tells_who(run, settings, monkeypatch):
    monkeypatch.setenv("LOGNAME", "ann")
    settings.add_frontend("shop", FrontendType.WEB, actor="x")
    result = run("frontend", "set", "shop", "--idle-timeout", "5m", "--max-duration", "1h30m", "--hash-identifiers")
    assert result.exit_code == 0
    shop = settings.frontend("shop")
    assert (shop.policy.idle_timeout, shop.policy.max_duration) == (5 * MINUTE, HOUR + 30 * MINUTE)
    assert (shop.hash_identifiers, shop.mask_ip, shop.retention_days) == (True, True, None)
    assert settings.history("shop")[0].actor == "ann (command line)"
    assert "5m" in result.stdout
    run(
        "frontend",
        "set",
        "shop",
        "--retention-days",
        "90",
        "--keep-ip",
        "--discard-retention-days",
        "0",
        "--type",
        "other",
    )
    shop = settings.frontend("shop")
    assert (shop.retention_days, shop.mask_ip, shop.discard_retention_days, shop.type) == (90, False, 0, "other")
    run("frontend", "set", "shop", "--retention-days", "forever", "--archive")
    shop = settings.frontend("shop")
    assert (shop.retention_days, shop.archived) == (None, True)
    run("frontend", "set", "shop", "--restore")
    assert not settings.frontend("shop").archived


def test_list_shows_the_frontends_in_use(run, settings):
    settings.add_frontend("shop", FrontendType.WEB, actor="x")
    settings.add_frontend("old", FrontendType.DESKTOP, actor="x")
    settings.set_frontend("old", archived=True, actor="x")
    assert run("frontend", "list").stdout.splitlines()[1].split()[:4] == ["shop", "web", "30m", "6h"]
    assert [f["name"] for f in json.loads(run("frontend", "list", "--json").stdout)] == ["shop"]
    listed = json.loads(run("frontend", "list", "--json", "--archived").stdout)
    assert [(f["name"], f["archived"], f["idle_timeout"]) for f in listed] == [
        ("old", True, 10 * MINUTE),
        ("shop", False, 30 * MINUTE),
    ]


def test_keys_come_and_go(run, settings):
    _, first = settings.add_frontend("shop", FrontendType.WEB, actor="x")
    second = run("frontend", "key", "add", "shop").stdout.strip()
    third = json.loads(run("frontend", "key", "add", "shop", "--json").stdout)["key"]
    assert run("frontend", "key", "list", "shop").stdout.split() == ["KEY", first, second, third]
    revoked = run("frontend", "key", "revoke", "shop", first)
    assert revoked.stdout == "Revoked; 2 good keys are left.\n"
    assert [k["key"] for k in json.loads(run("frontend", "key", "list", "shop", "--json").stdout)] == [second, third]
    assert first not in settings.snapshot().by_key
