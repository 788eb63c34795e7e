import json
import re

import pytest

from sojourn.rules.definitions import Aggregation, PropertyDefinition
from sojourn.rules.names import PropertyKind
from sojourn.rules.sessions import FrontendType
from sojourn.rules.values import DataType
from sojourn.settings.documents import write_definitions

EVENT, SESSION = PropertyKind.EVENT, PropertyKind.SESSION
TIER = PropertyDefinition(SESSION, "product_tier", DataType.STRING)
TOTAL = PropertyDefinition(EVENT, "cart.total", DataType.NUMBER)


@pytest.fixture
def shop(settings):
    settings.add_frontend("shop", FrontendType.WEB, actor="x")
    return settings


def test_add_defines_a_property_with_all_its_members(run, shop):
    added = run(
        "property", "add", "shop", "session", "product_tier", "--type", "string", "--case-insensitive",
        "--aggregation", "first", "--description", "what they pay",
    )  # fmt: skip
    assert added.exit_code == 0
    assert "1 of 50 definitions are used" in added.stdout
    assert shop.definitions("shop") == [
        PropertyDefinition(SESSION, "product_tier", DataType.STRING, True, Aggregation.FIRST, "what they pay")
    ]


def test_the_group_has_two_names(run, shop):
    assert run("properties", "add", "shop", "event", "cart.total", "--type", "number").exit_code == 0
    assert shop.definitions("shop") == [TOTAL]
    assert "properties" not in run("--help").stdout.replace("The properties", "")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (
            ("add", "shop", "session", "a__b", "--type", "string"),
            "Error: field: session_properties.a__b: each underscore",
        ),
        (("add", "shop", "event", "a" * 90, "--type", "string"), "at most 100 are allowed"),
        (("add", "shop", "event", "cart.total", "--type", "string"), "event_properties.cart.total is already defined"),
        (("add", "shop", "user", "a", "--type", "string"), "'user' is not one of 'event', 'session'"),
        (("add", "shop", "event", "a", "--type", "date"), "'date' is not one of 'string', 'number', 'boolean'"),
        (
            ("add", "shop", "event", "a", "--type", "string", "--aggregation", "first"),
            "only session properties have one",
        ),
        (
            ("add", "shop", "session", "session_properties.a", "--type", "string"),
            "without its prefix 'session_properties.'",
        ),
        (("set", "shop", "event", "cart.total"), "Error: nothing to change"),
        (("set", "shop", "event", "b", "--type", "string"), "Error: field: event_properties.b is not defined"),
        (("remove", "shop", "event", "b"), "Error: field: event_properties.b is not defined"),
        (("list", "kiosk"), "Error: frontend: there is no frontend 'kiosk'"),
        (("import", "shop", "missing.json"), "'missing.json': No such file or directory"),
    ],
)
def test_an_error_is_one_line_that_names_the_field_and_the_limit(run, shop, arguments, told):
    shop.add_definition("shop", TOTAL, actor="x")
    result = run("property", *arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert told in result.stderr
    assert result.stderr.count("\n") == 1
    assert shop.definitions("shop") == [TOTAL]


def test_the_51st_is_refused_with_the_limit(run, shop):
    fifty = [PropertyDefinition(EVENT, f"e{n}", DataType.STRING) for n in range(50)]
    shop.import_definitions("shop", fifty, actor="x")
    result = run("property", "add", "shop", "session", "one.more", "--type", "string")
    assert (result.exit_code, result.stderr) == (2, "Error: field: 51 definitions; a frontend has at most 50\n")


def test_set_remove_and_history(run, shop):
    shop.add_definition("shop", TIER, actor="ann")
    run("property", "set", "shop", "session", "product_tier", "--aggregation", "first", "--case-insensitive")
    run("property", "set", "shop", "session", "product_tier", "--type", "boolean", "--description", "paid?")
    run("property", "set", "shop", "session", "product_tier", "--case-sensitive")
    changed = PropertyDefinition(SESSION, "product_tier", DataType.BOOLEAN, False, Aggregation.FIRST, "paid?")
    assert shop.definitions("shop") == [changed]
    assert (
        run("property", "remove", "shop", "session", "product_tier").stdout
        == "Removed session_properties.product_tier.\n"
    )
    assert shop.definitions("shop") == []
    told = run("property", "history", "shop").stdout.splitlines()
    assert [re.split("  +", line)[2] for line in told[1:]] == ["remove", "change", "change", "change", "add"]
    assert "aggregation 'last' → 'first'" in told[4]
    assert json.loads(run("property", "history", "shop", "--json", "--limit", "1").stdout)[0]["action"] == "remove"


def test_list_shows_what_is_defined_and_no_control_characters(run, shop):
    shop.add_definition("shop", TOTAL, actor="x")
    hostile = PropertyDefinition(SESSION, "tier", DataType.STRING, description="\x1b[31mred\u202e\nnext")
    shop.add_definition("shop", hostile, actor="x")
    listed = run("property", "list", "shop").stdout
    assert len(listed.splitlines()) == 3
    assert "\x1b" not in listed
    assert "\u202e" not in listed
    documents = json.loads(run("property", "list", "shop", "--json").stdout)
    assert [d["name"] for d in documents] == ["event_properties.cart.total", "session_properties.tier"]


def test_an_exported_file_imports_into_another_frontend(run, shop, tmp_path):
    shop.import_definitions("shop", [TIER, TOTAL], actor="x")
    shop.add_frontend("kiosk", FrontendType.OTHER, actor="x")
    assert run("property", "export", "shop", "--output", "properties.json").exit_code == 0
    assert (tmp_path / "properties.json").read_bytes() == write_definitions([TIER, TOTAL])
    assert run("property", "import", "kiosk", "properties.json").stdout.endswith("2 added, 0 changed, 0 removed.\n")
    assert shop.definitions("kiosk") == [TOTAL, TIER]
    assert run("property", "export", "kiosk").stdout_bytes == write_definitions([TIER, TOTAL])


def test_a_dry_run_shows_the_difference_and_fails_where_there_is_one(run, shop):
    old = PropertyDefinition(EVENT, "old", DataType.STRING)
    shop.import_definitions("shop", [old, PropertyDefinition(EVENT, "cart.total", DataType.STRING)], actor="x")
    file = write_definitions([TOTAL, TIER])
    revision = shop.current_revision()
    planned = run("property", "import", "shop", "-", "--prune", "--dry-run", input=file)
    assert planned.exit_code == 1
    assert planned.stdout.splitlines() == [
        "+ session_properties.product_tier: string, shows the last value",
        "~ event_properties.cart.total: type 'string' → 'number'",
        "- event_properties.old: string",
        "Would be 1 added, 1 changed, 1 removed.",
    ]
    assert shop.current_revision() == revision
    done = run("property", "import", "shop", "-", "--prune", input=file)
    assert done.exit_code == 0
    assert done.stdout.splitlines()[:3] == planned.stdout.splitlines()[:3]
    again = run("property", "import", "shop", "-", "--prune", "--dry-run", input=file)
    assert (again.exit_code, again.stdout) == (0, "Would be 0 added, 0 changed, 0 removed.\n")


def test_without_prune_the_rest_stays_and_is_named(run, shop):
    shop.add_definition("shop", TOTAL, actor="x")
    result = run("property", "import", "shop", "-", input=write_definitions([TIER]))
    assert "event_properties.cart.total is not in the file and stays; --prune removes it" in result.stdout
    assert shop.definitions("shop") == [TOTAL, TIER]


@pytest.mark.parametrize(
    ("file", "told"),
    [
        ("{", "Error: file: "),
        ('{"properties": [{"kind": "event", "field": "a__b", "type": "string"}]}', "a__b: each underscore"),
        ('{"properties": [{"kind": "event", "field": "a", "type": "text"}]}', "$.properties[0].type"),
    ],
)
def test_a_bad_file_changes_nothing(run, shop, file, told):
    shop.add_definition("shop", TOTAL, actor="x")
    result = run("property", "import", "shop", "-", "--prune", input=file)
    assert (result.exit_code, result.stdout) == (2, "")
    assert told in result.stderr
    assert shop.definitions("shop") == [TOTAL]


class TestOnAServer:
    """The same commands through the API of a started server."""

    def test_each_command_does_there_what_it_does_here(self, run, frontend):
        there = ["--endpoint", frontend.server.url]
        name = frontend.name
        assert run("property", "list", name, "--json", *there).stdout == "[]\n"
        added = run("property", "add", name, "session", "product_tier", "--type", "string", *there)
        assert (added.exit_code, added.stderr[:5]) == (0, "Next:")
        run("property", "set", name, "session", "product_tier", "--aggregation", "first", *there)
        assert frontend.get("/properties")["items"][0]["aggregation"] == "first"
        file = write_definitions([TOTAL])
        planned = run("property", "import", name, "-", "--prune", "--dry-run", *there, input=file)
        assert planned.exit_code == 1
        assert [d["field"] for d in frontend.get("/properties")["items"]] == ["product_tier"]
        assert run("property", "import", name, "-", "--prune", *there, input=file).exit_code == 0
        assert run("property", "export", name, *there).stdout_bytes == file
        assert run("property", "import", name, "-", "--prune", "--dry-run", *there, input=file).exit_code == 0
        run("property", "remove", name, "event", "cart.total", *there)
        assert frontend.get("/properties")["items"] == []

    def test_what_the_server_refuses_is_told_the_same_way(self, run, frontend):
        there = ["--endpoint", frontend.server.url]
        result = run("property", "add", frontend.name, "session", "a__b", "--type", "string", *there)
        assert (result.exit_code, result.stdout) == (2, "")
        assert result.stderr.startswith("Error: field: session_properties.a__b: each underscore")
        assert run("property", "list", "no-such", *there).stderr == "Error: frontend: there is no frontend 'no-such'\n"

    def test_a_token_that_is_not_known_is_refused(self, run, frontend):
        result = run("property", "list", frontend.name, "--endpoint", frontend.server.url, "--token", "sjt_x")
        assert (result.exit_code, result.stdout) == (2, "")
        assert "token" in result.stderr

    def test_a_definition_made_beside_the_server_is_in_force_there(self, run, frontend):
        data = ["--data", str(frontend.server.data)]
        assert run("property", "add", frontend.name, "event", "beside", "--type", "string", *data).exit_code == 0
        assert [d["field"] for d in frontend.get("/properties")["items"]] == ["beside"]
