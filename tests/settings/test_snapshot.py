import threading

import pytest

from sojourn.rules.definitions import PropertyDefinition
from sojourn.rules.limits import MINUTE, SECOND
from sojourn.rules.names import PropertyKind
from sojourn.rules.sessions import FrontendType
from sojourn.rules.values import DataType
from sojourn.settings import Cache
from sojourn.settings.errors import UnavailableError

TOTAL = PropertyDefinition(PropertyKind.EVENT, "total", DataType.NUMBER, case_insensitive=True)


def test_a_snapshot_has_all_that_ingest_needs(settings):
    _, key = settings.add_frontend("shop", FrontendType.WEB, actor="ann")
    second = settings.add_key("shop", actor="ann")
    settings.add_frontend("gone", FrontendType.WEB, actor="ann")
    settings.set_frontend("gone", archived=True, actor="ann")
    settings.set_frontend("shop", idle_timeout=MINUTE, hash_identifiers=True, actor="ann")
    settings.add_definition("shop", TOTAL, actor="ann")
    snapshot = settings.snapshot()
    shop = snapshot.by_key[key]
    assert snapshot.by_key == {key: shop, second: shop}
    assert snapshot.by_name == {"shop": shop}
    assert snapshot.by_id == {shop.id: shop}
    assert shop.policy.idle_timeout == MINUTE
    assert shop.catalog.find("event_properties.TOTAL") == TOTAL
    assert (shop.hash_identifiers, len(shop.hash_key), shop.mask_ip) == (True, 32, True)
    assert shop.hash_key.hex() not in repr(shop)
    assert repr(shop.hash_key) not in repr(shop)
    assert snapshot.revision == settings.current_revision()


def test_a_revoked_key_is_in_no_snapshot(settings):
    _, key = settings.add_frontend("shop", FrontendType.WEB, actor="ann")
    settings.revoke_key("shop", key, actor="ann")
    assert settings.snapshot().by_key == {}


def test_the_hash_key_of_a_frontend_never_changes_and_is_its_own(settings, open_settings):
    settings.add_frontend("a", FrontendType.WEB, actor="ann")
    settings.add_frontend("b", FrontendType.WEB, actor="ann")
    keys = {name: f.hash_key for name, f in settings.snapshot().by_name.items()}
    settings.set_frontend("a", hash_identifiers=True, actor="ann")
    assert {name: f.hash_key for name, f in open_settings().snapshot().by_name.items()} == keys
    assert keys["a"] != keys["b"]


def test_a_change_of_another_server_is_seen_after_the_poll_interval(settings, open_settings):
    now = 0
    cache = Cache(settings, clock=lambda: now)
    assert cache.current().by_name == {}
    open_settings().add_frontend("shop", FrontendType.WEB, actor="ann")
    now = SECOND // 2 - 1
    assert cache.current().by_name == {}
    now = SECOND // 2
    assert list(cache.current().by_name) == ["shop"]


def test_a_server_sees_its_own_change_at_once_when_it_asks_for_it(settings):
    cache = Cache(settings, clock=lambda: 0)
    cache.current()
    settings.add_frontend("shop", FrontendType.WEB, actor="ann")
    assert list(cache.refresh().by_name) == ["shop"]
    assert list(cache.current().by_name) == ["shop"]


class Source:
    """Settings whose database can be slow or away."""

    def __init__(self, settings):
        self._settings = settings
        self.reads = 0
        self.away = False
        self.block = None
        self.entered = threading.Event()

    def current_revision(self):
        if self.away:
            raise UnavailableError("away")
        self.entered.set()
        if self.block:
            self.block.wait(10)
        return self._settings.current_revision()

    def snapshot(self):
        if self.away:
            raise UnavailableError("away")
        self.reads += 1
        return self._settings.snapshot()


def test_a_revision_that_did_not_change_is_not_read_again(settings):
    now = 0
    source = Source(settings)
    cache = Cache(source, clock=lambda: now)
    first = cache.current()
    for now in range(SECOND, 10 * SECOND, SECOND):  # noqa: B007 - the clock reads it
        assert cache.current() is first
    assert source.reads == 1


def test_while_the_database_is_away_the_last_snapshot_stays(settings, caplog):
    now = 0
    source = Source(settings)
    cache = Cache(source, clock=lambda: now)
    first = cache.current()
    source.away = True
    now = SECOND
    assert cache.current() is first
    assert "settings unavailable" in caplog.text
    source.away = False
    settings.add_frontend("shop", FrontendType.WEB, actor="ann")
    now = 2 * SECOND
    assert list(cache.current().by_name) == ["shop"]


def test_a_first_snapshot_that_cannot_be_read_is_an_error(settings):
    source = Source(settings)
    source.away = True
    with pytest.raises(UnavailableError, match="away"):
        Cache(source).current()


def test_nobody_waits_for_the_one_that_reads(settings):
    now = 0
    source = Source(settings)
    cache = Cache(source, clock=lambda: now)
    first = cache.current()
    settings.add_frontend("shop", FrontendType.WEB, actor="ann")
    source.block = threading.Event()
    now = SECOND
    reader = threading.Thread(target=cache.current)
    reader.start()
    assert source.entered.wait(10)
    assert cache.current() is first
    source.block.set()
    reader.join(10)
    assert list(cache.current().by_name) == ["shop"]
