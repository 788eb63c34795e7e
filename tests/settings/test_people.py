"""Accounts, tokens, merges, saved views and the erasure of a user."""

import pytest

from sojourn.rules.limits import MINUTE
from sojourn.rules.names import PropertyKind
from sojourn.rules.sessions import FrontendType
from sojourn.settings.errors import ConflictError, NotFoundError, SettingsError
from sojourn.settings.rows import Role

PASSWORD = "correct horse"


def test_an_account_logs_in_with_its_password_alone(settings):
    assert not settings.has_administrator()
    ann = settings.add_account("ann", PASSWORD, Role.ADMIN, actor="root")
    assert settings.has_administrator()
    assert settings.log_in("ann", PASSWORD) == ann
    assert settings.log_in("ann", "correct hors") is None
    assert settings.log_in("ANN", PASSWORD) is None
    assert settings.log_in("bob", "") is None


@pytest.mark.parametrize(
    ("name", "password", "told"),
    [
        ("ann", "123456789", "password: 9 characters; from 10 to 1000 are allowed"),
        ("ann", "a" * 1001, "password: 1001 characters; from 10 to 1000 are allowed"),
        ("", PASSWORD, "name: 0 characters; from 1 to 100 are allowed"),
        ("a" * 101, PASSWORD, "name: 101 characters; from 1 to 100 are allowed"),
        ("a\nb", PASSWORD, "name: it must be printable and not blank"),
        (" ", PASSWORD, "name: it must be printable and not blank"),
    ],
)
def test_a_bad_account_is_refused_with_the_limit(settings, name, password, told):
    with pytest.raises(SettingsError) as refused:
        settings.add_account(name, password, Role.VIEWER, actor="root")
    assert str(refused.value) == told


def test_a_new_password_or_role_is_told_by_the_time_of_change(settings, clock):
    old = settings.add_account("ann", PASSWORD, Role.ADMIN, actor="root")
    clock.now += 7
    new = settings.set_account("ann", password="another password", actor="ann")
    assert (new.changed, new.created, new.role) == (old.changed + 7, old.created, Role.ADMIN)
    assert settings.log_in("ann", PASSWORD) is None
    assert settings.log_in("ann", "another password") == new


def test_the_last_administrator_stays_while_there_are_others(settings):
    settings.add_account("ann", PASSWORD, Role.ADMIN, actor="root")
    settings.add_account("bob", PASSWORD, Role.VIEWER, actor="ann")
    for attempt in (
        lambda: settings.remove_account("ann", actor="ann"),
        lambda: settings.set_account("ann", role=Role.EDITOR, actor="ann"),
    ):
        with pytest.raises(SettingsError, match="role: 'ann' is the last administrator"):
            attempt()
    settings.set_account("bob", role=Role.ADMIN, actor="ann")
    settings.remove_account("ann", actor="bob")
    settings.remove_account("bob", actor="bob")
    assert settings.accounts() == []


def test_no_password_or_token_is_in_the_history(settings):
    settings.add_account("ann", PASSWORD, Role.ADMIN, actor="root")
    settings.set_account("ann", password="another password", actor="ann")
    _, secret = settings.add_token("ci", Role.EDITOR, actor="ann")
    _, key = settings.add_frontend("shop", FrontendType.WEB, actor="ann")
    told = repr(settings.history())
    assert len(settings.history()) == 5
    assert all(hidden not in told for hidden in (PASSWORD, "another password", secret, key))


def test_a_token_is_known_by_its_secret_until_it_expires(settings, clock):
    token, secret = settings.add_token("ci", Role.EDITOR, expires=clock.now + 10, actor="ann")
    assert settings.use_token(secret).role is Role.EDITOR
    assert settings.use_token(secret + "x") is None
    assert settings.use_token("") is None
    clock.now = token.expires
    assert settings.use_token(secret) is None
    assert [t.name for t in settings.tokens()] == ["ci"]
    settings.remove_token("ci", actor="ann")
    assert settings.tokens() == []


def test_the_last_use_of_a_token_is_noted_once_a_minute_and_is_no_change(settings, clock):
    _, secret = settings.add_token("ci", Role.VIEWER, actor="ann")
    revision = settings.current_revision()
    first = clock.now
    settings.use_token(secret)
    clock.now += MINUTE - 1
    settings.use_token(secret)
    assert settings.tokens()[0].last_used == first
    clock.now += 1
    settings.use_token(secret)
    assert settings.tokens()[0].last_used == first + MINUTE
    assert settings.current_revision() == revision


def test_token_names_and_expiry_are_checked(settings, clock):
    settings.add_token("ci", Role.VIEWER, actor="ann")
    with pytest.raises(ConflictError, match="name: there is a token 'ci' already"):
        settings.add_token("ci", Role.VIEWER, actor="ann")
    with pytest.raises(SettingsError, match="expires: it must be in the future"):
        settings.add_token("old", Role.VIEWER, expires=clock.now, actor="ann")
    with pytest.raises(NotFoundError, match="name: there is no token 'old'"):
        settings.remove_token("old", actor="ann")


def test_the_servers_share_a_secret(settings, open_settings):
    secret = settings.server_secret("logins")
    assert len(secret) == 32
    assert open_settings().server_secret("logins") == secret
    assert settings.server_secret("other") != secret


@pytest.fixture
def shop(settings):
    settings.add_frontend("shop", FrontendType.WEB, actor="ann")
    return settings


def test_merged_identifiers_are_followed_to_the_last_and_undone_one_by_one(shop):
    shop.merge("shop", "a@old", "a@new", actor="ann")
    shop.merge("shop", "a@new", "a", actor="ann")
    shop.merge("shop", "A", "a@old", actor="ann")
    resolved = {"a@old": "a", "a@new": "a", "A": "a"}
    assert shop.snapshot().by_name["shop"].merges == resolved
    shop.undo_merge("shop", "a@new", actor="ann")
    assert shop.snapshot().by_name["shop"].merges == {"a@old": "a@new", "A": "a@new"}
    assert [(m.identifier, m.canonical) for m in shop.merges("shop")] == [("a@old", "a@new"), ("A", "a@old")]
    assert [h.action for h in shop.history("shop", subject="merge")] == ["remove", "add", "add", "add"]


@pytest.mark.parametrize(
    ("identifier", "canonical", "told"),
    [
        ("a", "c", "identifier: 'a' is merged into 'b' already"),
        ("b", "a", "canonical: 'a' and 'b' are one person already"),
        ("c", "c", "canonical: 'c' and 'c' are one person already"),
        ("", "c", "identifier: 0 characters; from 1 to 250 are allowed"),
        ("c", "d" * 251, "canonical: 251 characters; from 1 to 250 are allowed"),
    ],
)
def test_a_merge_that_makes_no_sense_is_refused(shop, identifier, canonical, told):
    shop.merge("shop", "a", "b", actor="ann")
    with pytest.raises(SettingsError) as refused:
        shop.merge("shop", identifier, canonical, actor="ann")
    assert str(refused.value) == told
    assert len(shop.merges("shop")) == 1


def test_undoing_what_was_not_merged_is_told(shop):
    with pytest.raises(NotFoundError, match="identifier: 'a' is not merged into another"):
        shop.undo_merge("shop", "a", actor="ann")


def test_views_are_saved_under_a_name_and_replaced(shop, clock):
    shop.save_view("shop", "mine", "user=ann", actor="ann")
    clock.now += 1
    shop.save_view("shop", "mine", "user=bob", actor="ann")
    shop.save_view("shop", "All", "", actor="ann")
    assert [(v.name, v.query) for v in shop.views("shop")] == [("All", ""), ("mine", "user=bob")]
    shop.remove_view("shop", "mine", actor="ann")
    assert [v.name for v in shop.views("shop")] == ["All"]
    with pytest.raises(NotFoundError):
        shop.remove_view("shop", "mine", actor="ann")
    with pytest.raises(SettingsError, match="query: 4001 characters; from 0 to 4000 are allowed"):
        shop.save_view("shop", "long", "q" * 4001, actor="ann")


def test_a_forgotten_user_is_in_no_row_while_others_stay(shop):
    shop.merge("shop", "ann@example.com", "ann", actor="root")
    shop.merge("shop", "bob@example.com", "bob", actor="root")
    shop.save_view("shop", "hers", "user=ann%40example.com&live=1", actor="root")
    shop.save_view("shop", "ann@example.com today", "", actor="root")
    shop.save_view("shop", "annual", "user=joann%40example.com", actor="root")
    digest = shop.forget_user("shop", "ann@example.com", actor="root")
    assert [m.identifier for m in shop.merges("shop")] == ["bob@example.com"]
    assert [v.name for v in shop.views("shop")] == ["annual"]
    told = repr(shop.history("shop"))
    assert "ann@example.com" not in told.replace("joann", "")
    assert "bob@example.com" in told
    audit = shop.history("shop")[0]
    assert (audit.subject, audit.action, audit.actor, audit.name) == ("user", "remove", "root", f"hmac-sha256:{digest}")


@pytest.mark.parametrize("identifier", ["", "a" * 251])
def test_what_cannot_be_an_identifier_erases_nothing(shop, identifier):
    shop.save_view("shop", "all of it", "user=", actor="root")
    with pytest.raises(SettingsError, match=r"identifier: .*from 1 to 250 are allowed"):
        shop.forget_user("shop", identifier, actor="root")
    assert len(shop.views("shop")) == 1


@pytest.mark.parametrize("hostile", ["a\0b", "\ud800", "' OR 1=1 --", "%", "\u202e", "x" * 100_000])
def test_a_hostile_text_is_simply_not_found(shop, hostile):
    assert shop.log_in(hostile, hostile) is None
    assert shop.use_token(hostile) is None
    for attempt in (
        lambda: shop.frontend(hostile),
        lambda: shop.revoke_key("shop", hostile, actor="root"),
        lambda: shop.remove_definition("shop", PropertyKind.EVENT, hostile, actor="root"),
        lambda: shop.remove_view("shop", hostile, actor="root"),
        lambda: shop.remove_token(hostile, actor="root"),
        lambda: shop.remove_account(hostile, actor="root"),
        lambda: shop.undo_merge("shop", hostile, actor="root"),
    ):
        with pytest.raises(NotFoundError) as told:
            attempt()
        assert len(str(told.value)) < 500


@pytest.mark.parametrize("identifier", ["Zoë \U0001f600", "a'b\"c", "<script>", "a\nb", "\u202eabc", "é" * 250])
def test_identifiers_of_all_kinds_are_merged_and_forgotten(shop, identifier):
    shop.merge("shop", identifier, "canonical", actor="root")
    assert shop.snapshot().by_name["shop"].merges == {identifier: "canonical"}
    shop.forget_user("shop", identifier, actor="root")
    assert shop.merges("shop") == []
    assert [h.subject for h in shop.history("shop")] == ["user", "key", "frontend"]
