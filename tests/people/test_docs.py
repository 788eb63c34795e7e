"""Every command of the pages about users, discards and privacy is answered as it stands."""

import re
import shlex
from itertools import pairwise
from pathlib import Path

import pytest

from tests.server import Server, event
from tests.test_docs import my_app

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("page", ["users", "discards", "privacy"])
def test_every_curl_is_answered(server: Server, page: str) -> None:
    frontend = my_app(server)
    frontend.send(
        event(session="SESSION", user_identifier="ada@example.com", session_properties={"session_properties.u": 1})
    )
    text = (ROOT / "docs" / f"{page}.md").read_text().replace("\\\n", " ")
    commands = [shlex.split(line) for line in re.findall(r"^curl .+", text, re.M)]
    assert commands
    for _, *words in commands:
        options = dict(pairwise(words))
        (url,) = [word for word in words if word.startswith("http")]
        answer = server.http.request(
            options.get("-X", "GET"),
            url.replace("http://127.0.0.1:8321", ""),
            content=options.get("-d"),
            headers={"Content-Type": "application/json"},
            timeout=120,
        )
        assert answer.is_success, (url, answer.text)
        if answer.content:
            answer.json()
