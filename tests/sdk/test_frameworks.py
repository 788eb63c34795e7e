"""The framework helpers, through the examples that show them."""

import logging
import os
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

import sojourn
from sojourn import DataCollectionLevel, UserPrivacyOptions
from tests.sdk.conftest import HOUR, SECOND
from tests.sdk.sink import Sink

sys.path.insert(0, str(Path(__file__).parents[2]))


def kinds(sink: Sink) -> list[str]:
    return [e.name or e.kind for e in sink.events]


def instances(sink: Sink) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for batch in sink.batches:
        found.setdefault(batch.instance_id, []).extend(batch.events)
    return found


def test_the_script(agent, sink):
    from examples import script

    script.main()
    assert agent.flush()
    assert kinds(sink) == [
        "session_start",
        "identify",
        "session_properties",
        "rows",
        "ValueError",
        "Import",
        "imported",
    ]


def visitor(app: Any, cookies: Any = None) -> httpx.AsyncClient:
    """A browser that visits an ASGI application."""
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://shop.example", cookies=cookies)


class TestAsgi:
    @pytest.fixture
    def shop(self):
        from examples import asgi_shop

        return asgi_shop.build()

    async def test_each_visitor_is_an_instance(self, agent, sink, shop):
        ada, bob = visitor(shop), visitor(shop)
        await ada.get("/login?user=ada")
        await bob.get("/login?user=bob")
        await ada.get("/products/1")
        await bob.get("/products/2")
        assert agent.flush()
        found = instances(sink)
        assert len(found) == 2
        for events in found.values():
            assert [e.name or e.kind for e in events] == [
                "session_start",
                "identify",
                "GET /login",
                "viewed",
                "GET /products/{number}",
            ]
            assert len({e.session_id for e in events}) == 1
            assert len({e.user_identifier for e in events[1:]}) == 1
        assert {e.user_identifier for e in sink.of_kind("event")} == {"ada", "bob"}
        action = sink.of_kind("action")[0]
        assert action.attributes["http.response.status_code"] == 200
        assert "httpx" in action.attributes["user_agent.original"]

    async def test_a_session_ends_when_the_handler_says_so(self, agent, sink, shop):
        ada = visitor(shop)
        await ada.get("/login?user=ada")
        await ada.get("/logout")
        await ada.get("/products/1")
        assert agent.flush()
        (events,) = instances(sink).values()
        assert [e.end_reason for e in events if e.kind == "session_end"] == ["end_session"]
        assert [e.user_identifier for e in events if e.name == "viewed"] == [""]
        # The request that ended the session is the last thing in it.
        closed = [e.name for e in events if e.session_id == events[0].session_id]
        assert closed == ["", "", "GET /login", "GET /logout", ""]

    async def test_an_error_is_marked_and_passes_on(self, agent, sink, shop):
        answer = await visitor(shop).get("/broken")
        assert answer.status_code == 500
        assert agent.flush()
        assert sink.of_kind("action")[0].attributes["error.type"] == "RuntimeError"

    async def test_another_worker_goes_on_with_the_session(self, agent, sink, clock):
        from examples import asgi_shop

        first, second = asgi_shop.build(), asgi_shop.build()
        ada = visitor(first)
        await ada.get("/login?user=ada")
        for turn in range(3):
            for app in (second, first):
                ada = visitor(app, ada.cookies)
                clock.advance(4 * 60 * SECOND)
                await ada.get(f"/products/{turn}")
        assert agent.flush()
        (events,) = instances(sink).values()
        assert len({e.session_id for e in events}) == 1
        streams = {e.stream_id for e in events}
        assert len(streams) == 2
        for stream in streams:
            sequences = [e.sequence for e in events if e.stream_id == stream]
            assert sequences == list(range(len(sequences)))

    async def test_a_session_that_another_worker_began_times_out_here(self, agent, sink, clock):
        from examples import asgi_shop

        ada = visitor(asgi_shop.build())
        await ada.get("/products/1")
        ended = clock.wall()
        clock.advance(HOUR)
        await visitor(asgi_shop.build(), ada.cookies).get("/products/2")
        assert agent.flush()
        (end,) = sink.of_kind("session_end")
        assert (end.end_reason, end.timestamp) == ("timeout", ended)
        assert sink.of_kind("session_start")[1].previous_session_id == end.session_id

    async def test_without_consent_no_cookie_is_set(self, agent, sink):
        from starlette.responses import PlainTextResponse

        from sojourn.sdk.frameworks.asgi import SojournMiddleware

        level = DataCollectionLevel.OFF
        app = SojournMiddleware(PlainTextResponse("ok"), agent=agent, privacy=lambda scope: UserPrivacyOptions(level))
        for level in DataCollectionLevel:
            answer = await visitor(app).get("/")
            assert answer.status_code == 200
            assert bool(answer.headers.get_list("set-cookie")) == (level is DataCollectionLevel.USER_BEHAVIOR)

    async def test_skipped_paths_and_rubbish_cookies(self, agent, sink, shop):
        await visitor(shop).get("/static/x")
        assert agent.flush()
        assert sink.events == []
        for rubbish in (
            "sojourn_instance=../../etc",
            "sojourn_session=1.2.3",
            ";;;=",
            "sojourn_instance=" + "\xe9" * 40,
        ):
            await visitor(shop).get("/products/1", headers={"cookie": rubbish.encode("latin-1")})
        assert agent.flush()
        assert len(instances(sink)) == 4


class TestWsgi:
    def test_each_visitor_is_an_instance(self, agent, sink):
        from examples import wsgi_shop

        app = wsgi_shop.build()
        for user in ("ada", "bob"):
            with app.test_client() as visitor:
                for path in ("/products/1", "/report"):
                    answer = visitor.get(path, environ_overrides={"REMOTE_USER": user})
                    assert answer.status_code == 200
                    assert answer.get_data()
                    answer.close()
        assert agent.flush()
        found = instances(sink)
        assert len(found) == 2
        for events in found.values():
            assert [e.name or e.kind for e in events] == [
                "session_start",
                "identify",
                "viewed",
                "GET /products/1",
                "line 0",
                "line 1",
                "line 2",
                "GET /report",
            ]
        assert {e.user_identifier for e in sink.of_kind("event")} == {"ada", "bob"}
        # The module-level functions mean the default agent again.
        assert sojourn.current_agent() is agent


def test_logged_errors(agent, sink):
    from examples import logged_errors
    from sojourn.sdk.frameworks.logs import SojournHandler

    handler = SojournHandler()
    logging.getLogger().addHandler(handler)
    try:
        logged_errors.pay()
        agent.send_event({"name": "e", "bad": 1})
        logging.getLogger("sojourn").error("not about the application")
    finally:
        logging.getLogger().removeHandler(handler)
    assert agent.flush()
    first, second = sink.of_kind("error")
    assert first.attributes["exception.message"] == "no answer after 3 s"
    assert first.attributes["exception.type"] == "shop.payment"
    assert second.attributes["exception.type"] == "ConnectionError"
    assert second.attributes["exception.message"] == "payment failed"


def test_typer(agent, sink):
    from typer.testing import CliRunner

    from examples import command_line

    runner = CliRunner()
    assert runner.invoke(command_line.app, ["build", "docs"]).stdout == "built docs\n"
    assert runner.invoke(command_line.app, ["build", "nothing"]).exit_code == 2
    assert isinstance(runner.invoke(command_line.app, ["build", "broken"]).exception, RuntimeError)
    assert runner.invoke(command_line.app, ["publish", "1.0"]).exit_code == 0
    assert agent.flush()
    assert kinds(sink) == ["session_start", "build", "build", "RuntimeError", "build", "published", "Publish a release"]


def test_click(agent, sink):
    from click.testing import CliRunner

    from examples import click_tool

    runner = CliRunner()
    assert runner.invoke(click_tool.tool, ["build", "docs"]).output == "built docs\n"
    assert runner.invoke(click_tool.tool, ["build", "nothing"]).exit_code == 1
    assert agent.flush()
    assert kinds(sink) == ["session_start", "build", "build"]


def test_commands_run_without_an_agent_too(monkeypatch):
    from sojourn.sdk import api
    from sojourn.sdk.frameworks.commands import reported

    monkeypatch.setattr(api, "_default", None)
    assert reported(lambda: 7)() == 7


def test_qt(start, sink, monkeypatch):
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    from PySide6.QtCore import QTimer
    from PySide6.QtWidgets import QApplication

    from examples import desktop_qt

    agent = start(capture_crashes=True)
    errors = []
    monkeypatch.setattr(agent.crash_capture, "_before", lambda *error: errors.append(error))
    application = QApplication.instance() or QApplication([])
    shop = desktop_qt.build(application)
    shop.show()
    QTimer.singleShot(0, shop.click)
    QTimer.singleShot(0, lambda: 1 / 0)
    QTimer.singleShot(50, application.quit)
    application.exec()
    assert shop.text() == "Bought"
    assert len(errors) == 1
    assert sink.wait_for(lambda: sink.of_kind("session_end"))
    assert sorted(kinds(sink)) == sorted(["session_start", "price", "Buy", "ZeroDivisionError", "Shop", "session_end"])
    assert sink.of_kind("error")[0].attributes["exception.handled"] is False
    assert sink.events[-1].end_reason == "app_closed"


async def test_textual(agent, sink):
    from examples import terminal_textual

    app = terminal_textual.Shop()
    async with app.run_test() as pilot:
        await pilot.press("c")
        await pilot.press("p")
        await pilot.press("escape")
    agent.end_session()
    assert agent.flush()
    names = kinds(sink)
    assert names[0] == "session_start"
    assert {"price", "Pay", "Cart"} <= set(names)
    assert [e.kind for e in sink.events if e.name == "Cart"] == ["view"]


async def test_an_error_that_ends_a_textual_application_is_a_crash(agent, sink):
    from examples import terminal_textual

    app = terminal_textual.Shop()

    async def break_down() -> None:
        async with app.run_test() as pilot:
            await pilot.press("c")
            await pilot.press("b")

    with pytest.raises(RuntimeError, match="out of stock"):
        await break_down()
    assert agent.flush()
    assert sink.of_kind("crash")[0].attributes["exception.message"] == "out of stock"
    assert sink.events[-1].end_reason == "crash"


@pytest.mark.parametrize("web", [False, True])
async def test_flet(agent, sink, web):
    from flet.messaging.connection import Connection
    from flet.messaging.session import Session
    from flet.pubsub.pubsub_hub import PubSubHub

    from examples import flet_shop

    class Unconnected(Connection):
        """A page whose window nobody has opened."""

        def send_message(self, message: Any) -> None:
            pass

    connection = Unconnected()
    connection.page_url = "http://127.0.0.1:8550"
    connection.pubsubhub = PubSubHub()
    session = Session(connection)
    page = session.page
    page.web = web
    flet_shop.main(page)
    page.route = "/cart"
    await page._trigger_event("route_change", {"route": "/cart"})
    assert page.title == "Shop /cart"
    page.controls[0].on_click()
    await page._trigger_event("error", "a widget broke")
    await page._trigger_event("close", None)
    assert agent.flush()
    assert kinds(sink) == ["session_start", "/", "price", "Buy", "flet", "/cart", "session_end"]
    assert (set(instances(sink)) == {agent.instance_id}) is not web
