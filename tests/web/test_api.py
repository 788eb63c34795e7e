"""The JSON API as a whole: every operation of the OpenAPI page, with whatever comes, in the one shape of errors."""

from contextlib import suppress
from urllib.parse import quote

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode

from tests.server import Frontend, Server, event, now


def test_every_error_has_the_one_shape(frontend: Frontend) -> None:
    http = frontend.server.http
    answers = [
        http.get("/api/v1/frontends/nobody/sessions"),
        http.get(f"{frontend.path}/sessions/nothing"),
        http.get(f"{frontend.path}/sessions/nothing/events"),
        http.get(f"{frontend.path}/users/nobody"),
        http.get(f"{frontend.path}/sessions?limit=0"),
        http.get(f"{frontend.path}/sessions?limit=1e9"),
        http.get(f"{frontend.path}/sessions?cursor=nonsense"),
        http.get(f"{frontend.path}/sessions?from=yesterday"),
        http.get(f"{frontend.path}/sessions?live=maybe"),
        http.get(f"{frontend.path}/sessions?colour=red"),
        http.get(f"{frontend.path}/sessions?session_properties.nothing=1"),
        http.get(f"{frontend.path}/properties/nothing"),
        http.post(f"{frontend.path}/properties", json={"kind": "session"}),
        http.post(f"{frontend.path}/properties", json={"kind": "session", "field": "a__b", "type": "string"}),
        http.post(f"{frontend.path}/properties", content=b"{"),
        http.patch(f"{frontend.path}/settings", json={"idle_timeout": "soon"}),
        http.patch(f"{frontend.path}/settings", json={"idle_timeout": 1}),
        http.patch(f"{frontend.path}/settings", json={"colour": 1}),
        http.post("/api/v1/frontends", json={"name": "Not A Name", "type": "web"}),
        http.post("/api/v1/frontends", json={"name": frontend.name, "type": "web"}),
        http.put("/health"),
        http.get("/api/v1/nothing"),
    ]
    for answer in answers:
        assert 400 <= answer.status_code < 500, answer.request.url
        assert answer.headers["content-type"].startswith("application/json"), answer.request.url
        error = answer.json()["error"]
        assert set(error) <= {"code", "message", "field"}, answer.request.url
        assert error["message"], answer.request.url


@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        ("PATCH", "settings", {"Origin": "https://evil.example"}),
        ("PATCH", "settings", {"Sec-Fetch-Site": "cross-site"}),
        ("GET", "settings", {"Host": "evil.example"}),
    ],
)
def test_a_page_of_another_site_changes_nothing(
    frontend: Frontend, method: str, path: str, headers: dict[str, str]
) -> None:
    before = frontend.get("/settings")
    answer = frontend.server.http.request(
        method, f"{frontend.path}/{path}", json={"idle_timeout": "1h"}, headers=headers
    )
    assert answer.status_code == 403
    assert frontend.get("/settings") == before


@pytest.fixture
def busy(frontend: Frontend) -> Frontend:
    """A frontend with sessions of two users, with properties, errors and a gap."""
    frontend.define("session", "tier")
    frontend.define("session", "cart", "number")
    minute = 60_000_000
    for n, (user, tier, cart) in enumerate([("ann", "gold", 10), ("bob", "basic", 99.5), ("ann", "basic", 3)]):
        start = now() - (n + 1) * minute
        properties = {"session_properties.tier": tier, "session_properties.cart": cart}
        frontend.send(
            event(session=f"s{n}", sequence=0, timestamp=start, user_identifier=user),
            event("session_properties", session=f"s{n}", sequence=1, timestamp=start, session_properties=properties),
            event("error" if n == 1 else "action", session=f"s{n}", sequence=2 + n % 2, timestamp=start + 5),
            event("session_end", session=f"s{n}", sequence=4, timestamp=start + 9, end_reason="app_closed"),
            instance_id=f"i{n}",
            device={"type": "mobile" if n else "desktop"},
            os={"name": "Linux"},
            app_version=f"1.{n}",
        )
    return frontend


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({}, ["s0", "s1", "s2"]),
        ({"user": "ann"}, ["s0", "s2"]),
        ({"user": "ann", "session_properties.tier": "basic"}, ["s2"]),
        ({"session_properties.cart:gt": "5"}, ["s0", "s1"]),
        ({"session_properties.cart:le": "10"}, ["s0", "s2"]),
        ({"session_properties.tier:contains": "AS"}, ["s1", "s2"]),
        ({"session_properties.tier:exists": "false"}, []),
        ({"errors": "true"}, ["s1"]),
        ({"missing": "true"}, ["s0", "s1", "s2"]),
        ({"live": "true"}, []),
        ({"reason": "app_closed", "instance": "i2"}, ["s2"]),
        ({"device": "desktop"}, ["s0"]),
        ({"app_version": "1.1"}, ["s1"]),
        ({"min_duration": "10"}, []),
    ],
)
def test_sessions_are_filtered(busy: Frontend, filters: dict[str, str], expected: list[str]) -> None:
    assert [session["session_id"] for session in busy.sessions(**filters)] == expected


def test_aggregation_changed_after_the_fact_changes_old_sessions(frontend: Frontend) -> None:
    frontend.define("session", "step", "number")
    for n in (1, 2, 3):
        frontend.send(event(session_properties={"session_properties.step": n}, sequence=n))
    assert frontend.sessions()[0]["session_properties"] == {"session_properties.step": 3}
    frontend.server.http.patch(
        f"{frontend.path}/properties/session_properties.step", json={"aggregation": "first"}
    ).raise_for_status()
    assert frontend.sessions()[0]["session_properties"] == {"session_properties.step": 1}


def test_a_user_s_identifier_may_be_anything(frontend: Frontend) -> None:
    for identifier in (
        "a/b",
        "../..",
        "100% ?&#",
        "é🙂",
        "<script>",
        "a" * 250,
        "a//b",
        " ",
        "'; DROP TABLE events --",
    ):
        frontend.send(event(user_identifier=identifier))
        assert frontend.get(f"/users/{quote(identifier, safe='')}")["identifier"] == identifier


@pytest.mark.parametrize("name", ["from", "to", "limit", "min_duration"])
@pytest.mark.parametrize("text", ["\N{SUPERSCRIPT TWO}", "\N{CIRCLED DIGIT ONE}", "-1", ""])
def test_a_digit_that_is_no_number_is_refused(frontend: Frontend, name: str, text: str) -> None:
    """Some characters are digits to Python and no number."""
    answer = frontend.server.http.get(f"{frontend.path}/sessions", params={name: text})
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"]["field"] == name


def test_whatever_comes_no_operation_fails(server: Server) -> None:
    """Each operation with bodies and parameters that fit its schema and with such that do not."""
    schema = schemathesis.openapi.from_url(f"{server.url}/api/openapi.json")
    tried = []
    for result in schema.get_all_operations():
        operation = result.ok()
        tried.append(operation.label)
        for mode in GenerationMode:

            @settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck), database=None)
            @given(operation.as_strategy(generation_mode=mode))
            def answers(case: schemathesis.Case) -> None:
                answer = case.call(base_url=server.url, timeout=20)
                assert answer.status_code < 500, (case.as_curl_command(), answer.text, server.log())

            with suppress(Unsatisfiable):
                answers()
    assert len(tried) > 15
