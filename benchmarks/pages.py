"""What the pages of a server with a million sessions take, from the request to the last byte of the answer.

What a page leaves to a part that follows by itself is measured apart, and so named.
"""

import statistics
import time
from collections.abc import Callable
from urllib.parse import urlencode

import httpx

from benchmarks.data import SESSIONS, folders, made, session_id
from tests.server import Server

REPEATS = 9
GOAL = 100
"""Milliseconds for each page."""

Address = Callable[[int], str]
"""The address of the n-th asking: another one each time where a page is of one thing."""

_DEFINITIONS = (
    ("session", "tier", "string"),
    ("session", "cart_value", "number"),
    ("event", "step", "number"),
    ("event", "page", "string"),
)


def ready(server: Server) -> None:
    """Have the frontend of the data, and the definitions of its properties."""
    if server.http.get("/api/v1/frontends/shop/settings").status_code == 404:
        server.command("frontend", "add", "shop", "--type", "web")
        for kind, field, data_type in _DEFINITIONS:
            server.command("property", "add", "shop", kind, field, "--type", data_type)
    server.until(lambda: server.http.get("/frontends/shop/settings/properties").status_code == 200)


def pages(server: Server) -> dict[str, Address]:
    """Every page by name."""
    answer = server.http.get("/api/v1/frontends/shop/users", params={"limit": 200})
    users = [user["identifier"] for user in answer.raise_for_status().json()["items"]]

    def shop(path: str, **params: str) -> Address:
        return lambda _: f"/frontends/shop/{path}" + (f"?{urlencode(params)}" if params else "")

    return {
        "all frontends": lambda _: "/?all",
        "overview, 1 hour": shop("overview", range="1h"),
        "overview, 24 hours": shop("overview", range="24h"),
        "overview, 7 days": shop("overview"),
        "overview, all time": shop("overview", range="all"),
        "sessions": shop("sessions"),
        "sessions, two filters": shop("sessions", **{"session_properties.tier": "gold", "device": "desktop"}),
        "sessions, by duration": shop("sessions", sort="-duration"),
        "one session": lambda n: f"/frontends/shop/session?id={session_id(n * 7919 % SESSIONS)}",
        "users": shop("users"),
        "users, a search": lambda n: f"/frontends/shop/users?search=user{1234 + n}",
        "one user": lambda n: f"/frontends/shop/user?{urlencode({'identifier': users[n]})}",
        "live": shop("live"),
        "SQL": shop("sql"),
        "get started": shop("start"),
        "settings: properties": shop("settings/properties"),
        "settings: discards": shop("settings/discards"),
        "settings: sessions": shop("settings/sessions"),
        "settings: privacy": shop("settings/privacy"),
        "settings: keys": shop("settings/keys"),
        "settings: history": shop("settings/history"),
        "palette, while typing": lambda n: f"/frontends/shop/palette?search=user{1234 + n}",
        "completion, while typing": lambda n: f"/frontends/shop/completion?field=user&value=user{1234 + n}",
        "part: figures of 1 hour": shop("overview/figures", range="1h"),
        "part: figures of 24 hours": shop("overview/figures", range="24h"),
        "part: figures of 7 days": shop("overview/figures"),
        "part: figures of all time": shop("overview/figures", range="all"),
        "part: what goes on now": shop("overview/now"),
    }


def measure(http: httpx.Client, address: Address) -> tuple[float, int]:
    """The median in ms, after one asking that is not counted, and the bytes of the answer."""
    size = len(http.get(address(0)).raise_for_status().content)
    times = []
    for number in range(1, REPEATS + 1):
        start = time.perf_counter()
        http.get(address(number)).raise_for_status()
        times.append(time.perf_counter() - start)
    return statistics.median(times) * 1000, size


def main() -> None:
    with folders() as kept:
        server = Server(made(kept, SESSIONS))
        try:
            ready(server)
            found = {name: measure(server.http, address) for name, address in pages(server).items()}
        finally:
            server.close()
    print("## Pages\n")
    print(f"{SESSIONS:,} sessions; from the request to the last byte, median of {REPEATS}. Goal: {GOAL} ms a page.\n")
    print("| page | ms | KiB of HTML, unpacked |")
    print("|---|---|---|")
    for name, (milliseconds, size) in found.items():
        print(f"| {name} | {milliseconds:.0f} | {size / 1024:.0f} |")


if __name__ == "__main__":
    main()
