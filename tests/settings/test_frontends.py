import pytest

from sojourn.rules.limits import DAY, HOUR, MINUTE
from sojourn.rules.sessions import FrontendType, SessionPolicy
from sojourn.settings.errors import ConflictError, NotFoundError, SettingsError


def test_a_new_frontend_has_the_timeouts_of_its_type_and_one_key(settings, clock):
    web, key = settings.add_frontend("shop", FrontendType.WEB, actor="ann")
    other, _ = settings.add_frontend("kiosk", FrontendType.OTHER, actor="ann")
    assert web.policy == SessionPolicy(30 * MINUTE, 6 * HOUR)
    assert other.policy == SessionPolicy(10 * MINUTE, 6 * HOUR)
    assert (web.type, web.created, web.discard_retention_days, web.retention_days) == ("web", clock.now, 7, None)
    assert [(k.key, k.frontend, k.revoked) for k in settings.keys("shop")] == [(key, "shop", 0)]
    assert [f.name for f in settings.frontends()] == ["kiosk", "shop"]


@pytest.mark.parametrize("name", ["", "Shop", "a b", "ümlaut", "a\n", "a" * 51, "../etc", "a_b"])
def test_a_bad_frontend_name_is_refused_with_the_limit(settings, name):
    with pytest.raises(SettingsError, match=r"name: .*from 1 to 50 of a-z, 0-9 and - are allowed"):
        settings.add_frontend(name, FrontendType.WEB, actor="ann")
    assert settings.frontends() == []


def test_a_frontend_name_of_50_is_taken_and_a_second_time_refused(settings):
    settings.add_frontend("a" * 50, FrontendType.WEB, actor="ann")
    before = settings.current_revision()
    with pytest.raises(ConflictError, match=r"name: there is a frontend 'a+' already"):
        settings.add_frontend("a" * 50, FrontendType.MOBILE, actor="ann")
    assert settings.current_revision() == before


def test_settings_of_a_frontend_change_one_by_one(settings):
    settings.add_frontend("shop", FrontendType.WEB, actor="ann")
    settings.set_frontend("shop", idle_timeout=5 * MINUTE, actor="ann")
    settings.set_frontend("shop", retention_days=90, hash_identifiers=True, type=FrontendType.MOBILE, actor="ann")
    shop = settings.set_frontend("shop", mask_ip=False, discard_retention_days=0, actor="ann")
    assert shop == settings.frontend("shop")
    assert shop.policy == SessionPolicy(5 * MINUTE, 6 * HOUR)
    assert (shop.retention_days, shop.hash_identifiers, shop.mask_ip, shop.discard_retention_days) == (
        90,
        True,
        False,
        0,
    )
    assert shop.type is FrontendType.MOBILE
    assert settings.set_frontend("shop", retention_days=None, actor="ann").retention_days is None


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"idle_timeout": 999_999}, "idle_timeout: 999ms; from 1s to 7d are allowed"),
        ({"idle_timeout": 0}, "idle_timeout: 0s; from 1s to 7d are allowed"),
        ({"max_duration": 7 * DAY + 1}, "max_duration: 7d; from 1s to 7d are allowed"),
        ({"max_duration": 8 * DAY}, "max_duration: 8d; from 1s to 7d are allowed"),
        ({"retention_days": 0}, "retention_days: 0; from 1 to 3650 are allowed"),
        ({"retention_days": 3651}, "retention_days: 3651; from 1 to 3650 are allowed"),
        ({"discard_retention_days": -1}, "discard_retention_days: -1; from 0 to 90 are allowed"),
        ({"discard_retention_days": 91}, "discard_retention_days: 91; from 0 to 90 are allowed"),
    ],
)
def test_a_setting_out_of_range_is_refused_with_the_field_and_the_limit(settings, change, told):
    before, _ = settings.add_frontend("shop", FrontendType.WEB, actor="ann")
    with pytest.raises(SettingsError) as refused:
        settings.set_frontend("shop", actor="ann", **change)
    assert str(refused.value) == told
    assert refused.value.field == next(iter(change))
    assert settings.frontend("shop") == before


def test_an_unknown_frontend_is_named(settings):
    with pytest.raises(NotFoundError, match="frontend: there is no frontend 'shop'"):
        settings.set_frontend("shop", mask_ip=False, actor="ann")


def test_an_archived_frontend_is_listed_only_where_asked_for(settings):
    settings.add_frontend("shop", FrontendType.WEB, actor="ann")
    settings.set_frontend("shop", archived=True, actor="ann")
    assert settings.frontends() == []
    assert [f.archived for f in settings.frontends(archived=True)] == [True]


def test_keys_are_added_and_revoked_one_by_one(settings, clock):
    _, first = settings.add_frontend("shop", FrontendType.WEB, actor="ann")
    second = settings.add_key("shop", actor="ann")
    clock.now += 1
    settings.revoke_key("shop", first, actor="ann")
    settings.revoke_key("shop", first, actor="ann")
    assert [k.key for k in settings.keys("shop")] == [second]
    assert [(k.key, k.revoked) for k in settings.keys("shop", revoked=True)] == [(first, clock.now), (second, 0)]
    assert len([h for h in settings.history("shop", subject="key") if h.action == "remove"]) == 1


def test_a_key_of_another_frontend_is_not_revoked(settings):
    _, key = settings.add_frontend("shop", FrontendType.WEB, actor="ann")
    settings.add_frontend("kiosk", FrontendType.WEB, actor="ann")
    with pytest.raises(NotFoundError, match="key: frontend 'kiosk' has no such ingest key"):
        settings.revoke_key("kiosk", key, actor="ann")
    assert len(settings.keys("shop")) == 1


def test_a_frontend_has_at_most_20_good_keys(settings):
    _, first = settings.add_frontend("shop", FrontendType.WEB, actor="ann")
    for _ in range(19):
        settings.add_key("shop", actor="ann")
    with pytest.raises(SettingsError, match="key: frontend 'shop' has 20 ingest keys; at most 20 are allowed"):
        settings.add_key("shop", actor="ann")
    settings.revoke_key("shop", first, actor="ann")
    settings.add_key("shop", actor="ann")
    assert len(settings.keys("shop")) == 20


@pytest.mark.parametrize("actor", ["", "a" * 251])
def test_a_change_needs_somebody_who_makes_it(settings, actor):
    with pytest.raises(SettingsError, match=r"actor: .*from 1 to 250 are allowed"):
        settings.add_frontend("shop", FrontendType.WEB, actor=actor)
