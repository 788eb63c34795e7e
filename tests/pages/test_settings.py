"""The administrators' flow: defining event and session properties, discards, timeouts, privacy, keys, history."""

import pytest
from playwright.sync_api import expect

from tests.pages.conftest import Open
from tests.server import Frontend, event


def test_a_session_property_is_defined_as_administrators_do_it(open_page: Open, frontend: Frontend) -> None:
    page = open_page(f"/frontends/{frontend.name}/overview")
    page.get_by_role("link", name="Settings").click()
    page.get_by_role("link", name="Event and session properties").click()
    page.get_by_role("link", name="Add a defined session property").click()
    expect(page.locator("#field-prefix")).to_have_text("session_properties.")
    field = page.get_by_label("Field name", exact=True)
    expect(field).to_be_focused()
    field.press_sequentially("tier__level")
    check = page.locator("#field-check")
    expect(check).to_contain_text("Each underscore must be followed by a letter or digit.")
    field.fill("tier.level")
    expect(check).to_contain_text("session_properties.tier.level can be added (29 of 100 characters)")
    page.get_by_label("Field name validation should be case-insensitive").check()
    page.get_by_label("Datatype").select_option("number")
    page.get_by_label("First value").check()
    page.get_by_role("button", name="Add property").click()
    table = page.get_by_role("table", name="Defined session properties")
    expect(table.get_by_role("row").nth(1)).to_contain_text("session_properties.tier.level")
    assert frontend.get("/properties")["items"] == [
        {
            "name": "session_properties.tier.level",
            "kind": "session",
            "field": "tier.level",
            "type": "number",
            "case_insensitive": True,
            "aggregation": "first",
            "description": "",
        }
    ]


def test_an_event_property_has_no_aggregation_and_can_be_changed_and_removed(
    open_page: Open, frontend: Frontend
) -> None:
    page = open_page(f"/frontends/{frontend.name}/settings/properties")
    page.get_by_role("link", name="Add a defined event property").click()
    assert page.get_by_label("First value").count() == 0
    page.get_by_label("Field name", exact=True).fill("total")
    page.get_by_label("Description").fill("In <b>EUR</b>")
    page.get_by_role("button", name="Add property").click()
    table = page.get_by_role("table", name="Defined event properties")
    expect(table).to_contain_text("In <b>EUR</b>")
    page.get_by_role("link", name="Edit event_properties.total").click()
    page.get_by_label("Datatype").select_option("boolean")
    page.get_by_role("button", name="Save changes").click()
    expect(table).to_contain_text("boolean")
    page.get_by_role("link", name="Remove event_properties.total").click()
    page.get_by_role("button", name="Remove definition").click()
    expect(table).to_have_count(0)
    assert frontend.get("/properties")["items"] == []


@pytest.mark.parametrize("javascript", [True, False])
def test_what_the_rules_refuse_comes_back_with_the_reason(
    open_page: Open, frontend: Frontend, javascript: bool
) -> None:
    frontend.define("event", "Total", case_insensitive=True)
    page = open_page(f"/frontends/{frontend.name}/settings/properties?add=event", javascript=javascript)
    page.get_by_label("Field name", exact=True).fill("total")
    page.get_by_role("button", name="Add property").click()
    expect(page.locator("#field-check")).to_contain_text("differ only by case")
    expect(page.get_by_label("Field name", exact=True)).to_have_value("total")
    assert len(frontend.get("/properties")["items"]) == 1


def test_a_discard_is_defined_from_the_ledger(open_page: Open, frontend: Frontend) -> None:
    frontend.send(
        event(
            session_properties={"session_properties.points": 12, "session_properties.a__b": 1},
            event_properties={"event_properties.voucher": "<i>X</i>"},
        )
    )
    page = open_page(f"/frontends/{frontend.name}/settings/discards")
    ledger = page.get_by_role("table")
    expect(ledger).to_contain_text("event_properties.voucher")
    expect(ledger).to_contain_text('"<i>X</i>"')
    assert page.get_by_role("link", name="Define session_properties.a__b").count() == 0
    page.get_by_role("link", name="Define session_properties.points").click()
    expect(page.get_by_label("Field name", exact=True)).to_have_value("points")
    expect(page.get_by_label("Datatype")).to_have_value("number")
    page.get_by_role("button", name="Add property").click()
    expect(page.get_by_role("status")).to_contain_text("session_properties.points is defined")


def test_timeouts_and_privacy_are_set_and_written_to_the_history(open_page: Open, frontend: Frontend) -> None:
    page = open_page(f"/frontends/{frontend.name}/settings/sessions")
    page.get_by_label("Idle timeout").fill("half an hour")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_contain_text("write it like 90s, 30m, 6h or 1h30m")
    page.get_by_label("Idle timeout").fill("45m")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status")).to_contain_text("Saved")
    assert frontend.get("/settings")["idle_timeout"] == 45 * 60_000_000
    page.get_by_role("link", name="Privacy and retention").click()
    page.get_by_label("Hash user identifiers when they arrive").check()
    page.get_by_label("Keep events for so many days").fill("30")
    page.get_by_role("button", name="Save").click()
    settings = frontend.get("/settings")
    assert settings["hash_identifiers"] is True
    assert settings["retention_days"] == 30
    page.get_by_role("link", name="History").click()
    expect(page.get_by_role("table")).to_contain_text("retention days")
    expect(page.get_by_role("table")).to_contain_text("idle timeout")


def test_keys_are_copied_added_and_revoked(open_page: Open, frontend: Frontend) -> None:
    page = open_page(f"/frontends/{frontend.name}/settings/keys")
    page.get_by_role("button", name="Copy key").click()
    assert page.evaluate("navigator.clipboard.readText()") == frontend.key
    page.get_by_role("button", name="Add key").click()
    rows = page.get_by_role("table").get_by_role("row")
    expect(rows).to_have_count(3)
    page.get_by_role("link", name="Revoke key").first.click()
    page.get_by_role("button", name="Revoke key").click()
    expect(rows.filter(has_text="revoked")).to_have_count(1)
    assert frontend.post({"instance_id": "i", "events": []}).status_code == 401
