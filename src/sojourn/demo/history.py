"""The shop's last days, so that its charts begin before it: sent as an SDK does that comes back from being offline."""

import json
import random
import threading
import time
import uuid
from collections.abc import Iterator
from typing import Any, Final

import urllib3

from sojourn.rules.limits import DAY, HOUR, SECOND

DAYS: Final = 6
SESSIONS_OF_DAY: Final = 40
_SPACE: Final = uuid.UUID("5f0c2d3e-8a1b-4c6d-9e7f-102030405060")


def send_history(endpoint: str, key: str, closing: threading.Event) -> None:
    """Send it, once the server answers. Its ids follow from the calendar: sent again, it is the same history."""
    http = urllib3.PoolManager(retries=False, timeout=10)
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    today = time.time_ns() // 1000 // DAY
    for day in range(today - DAYS, today):
        for batch in _batches(day):
            while not closing.is_set():
                body = json.dumps({**batch, "sent_at": time.time_ns() // 1000}).encode()
                try:
                    if http.request("POST", f"{endpoint}/v1/events", body=body, headers=headers).status < 500:
                        break
                except urllib3.exceptions.HTTPError:
                    pass
                closing.wait(0.3)


def _batches(day: int) -> Iterator[dict[str, Any]]:
    dice = random.Random(day)
    for number in range(SESSIONS_OF_DAY - 12 * (day % 7 in (2, 3)) + dice.randint(-5, 5)):
        person = dice.randint(1, 60)
        phone = dice.random() < 0.4
        start = day * DAY + int(dice.triangular(6, 23, 19) * HOUR)
        session = str(uuid.uuid5(_SPACE, f"{day} {number}"))
        yield {
            "instance_id": str(uuid.uuid5(_SPACE, f"{person} {phone}")),
            "sdk": {"name": "sojourn-demo"},
            "app_version": "4.1.0" if day % 6 < 3 else "4.2.0",
            "device": {"type": "mobile", "model": "Pixel 9"} if phone else {"type": "desktop", "model": "T14"},
            "os": {"name": "Android", "version": "16"} if phone else {"name": "Linux", "version": "6.12"},
            "browser": {"name": "Chrome" if dice.random() < 0.6 else "Firefox", "version": "142"},
            "events": list(_events(dice, session, start, f"customer{person}@example.com")),
        }


def _events(dice: random.Random, session: str, start: int, person: str) -> Iterator[dict[str, Any]]:
    user = person if dice.random() < 0.8 else ""
    at, steps = start, dice.randint(3, 15)
    for sequence in range(steps):
        kind = "session_start" if sequence == 0 else "session_end" if sequence == steps - 1 else "event"
        event: dict[str, Any] = {"kind": kind, "name": dice.choice(("add to cart", "search", "open product"))}
        if kind == "session_start":
            event = {"kind": kind, "start_reason": "start_up"}
        elif kind == "session_end":
            event = {"kind": kind, "end_reason": dice.choice(("timeout", "timeout", "end_session", "app_closed"))}
        elif dice.random() < 0.06:
            event = {"kind": "error", "attributes": {"exception.type": "PaymentError", "exception.message": "declined"}}
        elif sequence == 1:
            values = {
                "session_properties.product_tier": dice.choice(("basic", "basic", "premium")),
                "session_properties.cart_value": round(dice.uniform(5, 300), 2),
            }
            event = {"kind": "session_properties", "session_properties": values}
        yield {
            **event,
            "event_id": str(uuid.uuid5(_SPACE, f"{session} {sequence}")),
            "timestamp": at,
            "session_id": session,
            "stream_id": session[:8],
            "sequence": sequence,
            "user_identifier": user if sequence else "",
        }
        # Within the shop's short timeouts, or the server would split the session.
        at += int(min(dice.expovariate(1 / 7), 12) * SECOND)
