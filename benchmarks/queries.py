"""Questions of the pages and the API at ten million events, and how they grow from a tenth of them."""

import statistics
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.data import DAYS, EVENTS_OF_SESSION, SESSIONS, SESSIONS_OF_USER, folders, made, session_id
from sojourn.query.events import events_of_session
from sojourn.query.filters import PropertyFilter, SessionFilters
from sojourn.query.scope import Scope
from sojourn.query.sessions import newest_sessions
from sojourn.rules.definitions import Catalog, PropertyDefinition
from sojourn.rules.limits import MINUTE
from sojourn.rules.names import PropertyKind
from sojourn.rules.sessions import SessionPolicy
from sojourn.rules.values import DataType
from sojourn.store.engine import Engine, embedded_url
from sojourn.store.store import Store

WARM_UP = 10
REPEATS = 31

GOALS = {
    "newest 50 sessions, two filters": 50,
    "all sessions of one user": 20,
    "one timeline": 20,
    "distinct users per day": 300,
}
"""Milliseconds at full scale."""

Question = Callable[[int], object]

CATALOG = Catalog(
    [
        PropertyDefinition(PropertyKind.SESSION, "tier", DataType.STRING),
        PropertyDefinition(PropertyKind.SESSION, "cart_value", DataType.NUMBER),
        PropertyDefinition(PropertyKind.EVENT, "step", DataType.NUMBER),
        PropertyDefinition(PropertyKind.EVENT, "page", DataType.STRING),
    ]
)
POLICY = SessionPolicy(idle_timeout=30 * MINUTE, max_duration=360 * MINUTE)


def questions(engine: Engine, sessions: int) -> dict[str, Question]:
    """What is asked. The argument makes each asking another one, so that no cache answers it."""
    scope = Scope(engine, "shop", CATALOG, POLICY, time.time_ns() // 1000)
    known = [row[0] for row in engine.query("SELECT value FROM session_index WHERE aspect = 'user' LIMIT 1000")]

    def newest(number: int) -> object:
        tier = PropertyFilter("session_properties.tier", "eq", "gold" if number % 2 else "free")
        page = newest_sessions(scope, SessionFilters(properties=(tier,), device="desktop"), limit=50)
        assert len(page.items) == 50
        return page

    def sessions_of_user(number: int) -> object:
        page = newest_sessions(scope, SessionFilters(user=known[number * 7 % len(known)]), limit=50)
        assert page.items
        return page

    def timeline(number: int) -> object:
        page = events_of_session(scope, session_id(number * 7919 % sessions))
        assert page is not None
        assert len(page.items) == EVENTS_OF_SESSION
        return page

    def users_per_day(_: int) -> object:
        rows = engine.query(
            "SELECT intDiv(first_event, 86400000000) AS day, uniqExact(value) FROM session_index "
            "WHERE frontend = 'shop' AND aspect = 'user' GROUP BY day ORDER BY day"
        )
        assert len(rows) >= DAYS
        return rows

    return {
        "newest 50 sessions, two filters": newest,
        "all sessions of one user": sessions_of_user,
        "one timeline": timeline,
        "distinct users per day": users_per_day,
    }


def measure(question: Question) -> float:
    """The median in ms of a server that has been asked such questions before."""
    for number in range(-WARM_UP, 0):
        question(number)
    times = []
    for number in range(REPEATS):
        start = time.perf_counter()
        question(number)
        times.append(time.perf_counter() - start)
    return statistics.median(times) * 1000


def run(folder: Path, sessions: int) -> dict[str, float]:
    """Medians in ms by question, over the data of a folder."""
    store = Store(embedded_url(folder / "events"))
    try:
        return {name: measure(question) for name, question in questions(store.engine, sessions).items()}
    finally:
        store.close()


def main() -> None:
    with folders() as kept:
        tenth = run(made(kept, SESSIONS // 10), SESSIONS // 10)
        full = run(made(kept, SESSIONS), SESSIONS)
    events, users = SESSIONS * EVENTS_OF_SESSION, SESSIONS // SESSIONS_OF_USER
    print("## Questions\n")
    print(f"{events:,} events, {SESSIONS:,} sessions, {users:,} users, over {DAYS} days; warm, median of {REPEATS}.\n")
    print("| question | ms | goal | ms at a tenth of the data | growth |")
    print("|---|---|---|---|---|")
    for name, goal in GOALS.items():
        ratio = full[name] / tenth[name]
        print(f"| {name} | {full[name]:.1f} | {goal} | {tenth[name]:.1f} | {ratio:.2f} |")


if __name__ == "__main__":
    main()
