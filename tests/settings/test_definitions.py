import pytest

from sojourn.rules.definitions import Aggregation, PropertyDefinition
from sojourn.rules.names import PropertyKind
from sojourn.rules.sessions import FrontendType
from sojourn.rules.values import DataType
from sojourn.settings.errors import ConflictError, NotFoundError, SettingsError

EVENT, SESSION = PropertyKind.EVENT, PropertyKind.SESSION
TIER = PropertyDefinition(SESSION, "product_tier", DataType.STRING, aggregation=Aggregation.FIRST, description="paid")
TOTAL = PropertyDefinition(EVENT, "cart.total", DataType.NUMBER)


@pytest.fixture
def shop(settings):
    settings.add_frontend("shop", FrontendType.WEB, actor="ann")
    return settings


def test_definitions_are_kept_as_they_were_made_and_apart_by_frontend(shop):
    shop.add_frontend("kiosk", FrontendType.OTHER, actor="ann")
    assert shop.add_definition("shop", TIER, actor="ann") == TIER
    shop.add_definition("shop", TOTAL, actor="ann")
    shop.add_definition("kiosk", PropertyDefinition(EVENT, "cart.total", DataType.BOOLEAN, True), actor="ann")
    assert shop.definitions("shop") == [TOTAL, TIER]
    assert shop.definition("shop", SESSION, "product_tier") == TIER
    assert [d.data_type for d in shop.definitions("kiosk")] == [DataType.BOOLEAN]


@pytest.mark.parametrize(
    ("field", "told"),
    [
        ("", "the field name is empty"),
        ("a__b", "each underscore must be followed by a letter or digit"),
        ("a.1", "each dot must be followed by a letter"),
        ("é", "only ASCII letters"),
        ("a" * 100_000, "the name has 100019 characters, with its prefix; at most 100 are allowed"),
        ("a" * 82, "the name has 101 characters, with its prefix; at most 100 are allowed"),
    ],
)
def test_a_bad_field_name_is_refused_with_the_rule(shop, field, told):
    with pytest.raises(SettingsError, match=told) as refused:
        shop.add_definition("shop", PropertyDefinition(SESSION, field, DataType.STRING), actor="ann")
    assert refused.value.field == "field"
    assert len(str(refused.value)) < 300
    assert shop.definitions("shop") == []


def test_the_51st_definition_is_refused_whatever_its_kind(shop):
    for n in range(25):
        shop.add_definition("shop", PropertyDefinition(EVENT, f"e{n}", DataType.STRING), actor="ann")
        shop.add_definition("shop", PropertyDefinition(SESSION, f"s{n}", DataType.STRING), actor="ann")
    with pytest.raises(SettingsError, match="field: 51 definitions; a frontend has at most 50"):
        shop.add_definition("shop", TIER, actor="ann")
    assert len(shop.definitions("shop")) == 50


def test_a_property_is_defined_once(shop):
    shop.add_definition("shop", TIER, actor="ann")
    with pytest.raises(ConflictError, match=r"field: session_properties.product_tier is already defined"):
        shop.add_definition("shop", TIER, actor="ann")


def test_two_definitions_that_a_match_in_any_case_could_confuse_are_refused(shop):
    shop.add_definition("shop", PropertyDefinition(EVENT, "Total", DataType.STRING), actor="ann")
    shop.add_definition("shop", PropertyDefinition(EVENT, "total", DataType.STRING), actor="ann")
    with pytest.raises(SettingsError, match="differ only by case"):
        shop.change_definition("shop", EVENT, "total", case_insensitive=True, actor="ann")
    assert [d.case_insensitive for d in shop.definitions("shop")] == [False, False]


def test_a_definition_changes_member_by_member(shop):
    shop.add_definition("shop", TIER, actor="ann")
    shop.change_definition("shop", SESSION, "product_tier", aggregation=Aggregation.LAST, actor="ann")
    shop.change_definition("shop", SESSION, "product_tier", data_type=DataType.NUMBER, actor="ann")
    changed = shop.change_definition("shop", SESSION, "product_tier", case_insensitive=True, actor="ann")
    expected = PropertyDefinition(SESSION, "product_tier", DataType.NUMBER, True, Aggregation.LAST, "paid")
    assert changed == expected
    assert shop.definitions("shop") == [expected]


def test_an_event_property_has_no_aggregation(shop):
    shop.add_definition("shop", TOTAL, actor="ann")
    with pytest.raises(SettingsError, match="aggregation: only session properties have one"):
        shop.change_definition("shop", EVENT, "cart.total", aggregation=Aggregation.FIRST, actor="ann")


@pytest.mark.parametrize("description", ["a" * 1001, "a\0b", "\ud800"])
def test_a_description_that_cannot_be_kept_is_refused(shop, description):
    with pytest.raises(SettingsError, match=r"^description: "):
        shop.add_definition(
            "shop", PropertyDefinition(EVENT, "a", DataType.STRING, description=description), actor="ann"
        )


def test_a_removed_definition_is_gone_and_can_be_made_again(shop):
    shop.add_definition("shop", TIER, actor="ann")
    shop.remove_definition("shop", SESSION, "product_tier", actor="ann")
    assert shop.definitions("shop") == []
    with pytest.raises(NotFoundError, match=r"field: session_properties.product_tier is not defined"):
        shop.remove_definition("shop", SESSION, "product_tier", actor="ann")
    with pytest.raises(NotFoundError, match="is not defined"):
        shop.change_definition("shop", SESSION, "product_tier", description="x", actor="ann")
    shop.add_definition("shop", TIER, actor="ann")
    assert shop.definitions("shop") == [TIER]


def test_the_history_tells_who_changed_what_and_when(shop, clock):
    shop.add_definition("shop", TOTAL, actor="ann")
    clock.now += 5
    shop.change_definition("shop", EVENT, "cart.total", data_type=DataType.STRING, actor="bob")
    shop.remove_definition("shop", EVENT, "cart.total", actor="cid")
    removed, changed, added = shop.history("shop", subject="definition")
    assert [(e.actor, e.action, e.name) for e in (added, changed, removed)] == [
        ("ann", "add", "event_properties.cart.total"),
        ("bob", "change", "event_properties.cart.total"),
        ("cid", "remove", "event_properties.cart.total"),
    ]
    assert (added.before, added.after["type"]) == (None, "number")
    assert (changed.before, changed.after) == ({"type": "number"}, {"type": "string"})
    assert (removed.before["type"], removed.after) == ("string", None)
    assert changed.time == added.time + 5


def test_a_change_that_changes_nothing_leaves_no_trace(shop):
    shop.add_definition("shop", TOTAL, actor="ann")
    before = shop.current_revision(), shop.history("shop")
    shop.change_definition("shop", EVENT, "cart.total", data_type=DataType.NUMBER, actor="ann")
    shop.set_frontend("shop", mask_ip=True, actor="ann")
    assert (shop.current_revision(), shop.history("shop")) == before


def test_an_import_adds_changes_and_with_prune_removes(shop):
    old = PropertyDefinition(EVENT, "old", DataType.STRING)
    total = PropertyDefinition(EVENT, "cart.total", DataType.STRING)
    shop.add_definition("shop", old, actor="ann")
    shop.add_definition("shop", total, actor="ann")
    difference = shop.import_definitions("shop", [TOTAL, TIER], actor="ci")
    assert (difference.added, difference.changed, difference.removed, difference.kept) == (
        [TIER],
        [(total, TOTAL)],
        [],
        [old],
    )
    assert shop.definitions("shop") == [TOTAL, old, TIER]
    assert shop.import_definitions("shop", [TIER, TOTAL], prune=True, actor="ci").removed == [old]
    assert shop.definitions("shop") == [TOTAL, TIER]
    assert shop.import_definitions("shop", [TIER, TOTAL], prune=True, actor="ci").is_empty


def test_a_dry_run_tells_the_same_and_changes_nothing(shop):
    before = shop.current_revision()
    planned = shop.import_definitions("shop", [TOTAL, TIER], prune=True, dry_run=True, actor="ci")
    assert (shop.definitions("shop"), shop.current_revision()) == ([], before)
    assert shop.import_definitions("shop", [TOTAL, TIER], prune=True, actor="ci") == planned


def test_an_import_is_all_or_nothing(shop):
    fifty = [PropertyDefinition(EVENT, f"e{n}", DataType.STRING) for n in range(50)]
    shop.add_definition("shop", TIER, actor="ann")
    with pytest.raises(SettingsError, match="51 definitions; a frontend has at most 50"):
        shop.import_definitions("shop", fifty, actor="ci")
    with pytest.raises(SettingsError, match="a__b"):
        shop.import_definitions("shop", [TOTAL, PropertyDefinition(EVENT, "a__b", DataType.STRING)], actor="ci")
    with pytest.raises(ConflictError, match=r"event_properties.cart.total is there twice"):
        shop.import_definitions("shop", [TOTAL, TOTAL], actor="ci")
    assert shop.definitions("shop") == [TIER]
    shop.import_definitions("shop", fifty, prune=True, actor="ci")
    assert len(shop.definitions("shop")) == 50
