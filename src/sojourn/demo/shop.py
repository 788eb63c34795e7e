"""The demo shop: users who log in on two devices each, look around, buy, fail, log out and fall asleep."""

import random
import signal
import sys
import threading
import time
import uuid
from dataclasses import dataclass
from typing import Final

import sojourn
from sojourn.demo.history import send_history
from sojourn.wire.messages import Device, Software

PEOPLE: Final = (
    "ada@example.com",
    "grace@example.com",
    "linus@example.com",
    "margaret@example.com",
    "alan@example.com",
)
PRODUCTS: Final = ("Walnut desk", "Reading lamp", "Wool blanket", "Fountain pen", "Kettle", "Notebook")
PHONES: Final = (
    (Device(type="mobile", manufacturer="Google", model="Pixel 9"), Software(name="Android", version="16")),
    (Device(type="mobile", manufacturer="Apple", model="iPhone 17"), Software(name="iOS", version="26.1")),
)
DESKTOPS: Final = (
    (Device(type="desktop", manufacturer="Lenovo", model="T14"), Software(name="Linux", version="6.12")),
    (Device(type="desktop", manufacturer="Apple", model="MacBook Air"), Software(name="macOS", version="26")),
)
BROWSERS: Final = (Software(name="Firefox", version="145"), Software(name="Chrome", version="142"))


@dataclass(slots=True)
class Visitor:
    """One person on one device, with patience measured in seconds."""

    agent: sojourn.Agent
    person: str
    dice: random.Random
    closing: threading.Event

    def pause(self, least: float, most: float) -> None:
        """Wait as a person does; less where the shop closes."""
        self.closing.wait(self.dice.uniform(least, most))

    def live(self) -> None:
        """Visit again and again until the shop closes."""
        self.pause(0, 6)
        while not self.closing.is_set():
            self.visit()
            # Sometimes long enough for the idle timeout: the next visit is a new session, tagged again.
            self.pause(*self.dice.choice(((2, 5), (4, 9), (22, 40))))

    def visit(self) -> None:
        """One visit: look around, log in, perhaps buy, perhaps log out."""
        agent, dice = self.agent, self.dice
        page = dice.choice(("Home", "Offers", "Search"))
        agent.start_view(page)
        agent.send_session_property_event(
            sojourn.SessionPropertyEventData(
                session_properties={"session_properties.landing_page": page, "session_properties.NEWSLETTER": True}
            )
        )
        self.pause(0.5, 2)
        if dice.random() < 0.85:
            agent.identify_user(self.person)
            agent.send_session_property_event(
                {"session_properties.product_tier": "premium" if self.person < "h" else "basic"}
            )
        cart = 0.0
        for _ in range(dice.randint(1, 4)):
            product = dice.choice(PRODUCTS)
            agent.start_view(product)
            agent.send_http_request_event(
                {"method": "GET", "url": "https://shop.example/api/products", "status_code": 200, "duration": 0.12}
            )
            self.pause(0.5, 3)
            cart += dice.choice((19.9, 49.0, 149.99))
            agent.send_event(
                sojourn.EventData("add to cart")
                .add_event_property("event_properties.product", product)
                .add_event_property("event_properties.cart.total_value", round(cart, 2))
            )
            agent.send_session_property_event({"session_properties.cart_value": round(cart, 2)})
        if dice.random() < 0.6:
            self.buy(cart)
        if dice.random() < 0.3:
            agent.end_session()

    def buy(self, cart: float) -> None:
        """Check out, which sometimes fails."""
        with self.agent.enter_action("Checkout") as checkout:
            with checkout.enter_action("Address"):
                self.pause(0.3, 1.2)
            with checkout.enter_action("Payment") as payment:
                self.pause(0.3, 1.5)
                payment.report_value("amount", round(cart, 2))
                if self.dice.random() < 0.2:
                    payment.report_error("card declined")
            # Not defined on purpose: the ledger of discards shows it, and one click defines it.
            self.agent.send_event({"name": "order", "event_properties": {"event_properties.coupon": "AUTUMN"}})


def main() -> None:
    """Run until terminated: `python -m sojourn.demo.shop ENDPOINT KEY STATE_DIR`."""
    endpoint, key, state = sys.argv[1:4]
    closing = threading.Event()
    for ending in (signal.SIGTERM, signal.SIGINT):
        signal.signal(ending, lambda *_: closing.set())
    send_history(endpoint, key, closing)
    agent = sojourn.start(endpoint, "shop", key, app_version="4.2.0", state_dir=state, capture_crashes=False)
    visitors = []
    for number, person in enumerate(PEOPLE):
        for device, system in (PHONES[number % 2], DESKTOPS[number % 2]):
            instance = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{person} {device.model}"))
            own = agent.for_instance(instance, device=device, os=system, browser=BROWSERS[number % 2])
            visitors.append(Visitor(own, person, random.Random(f"{time.time_ns()} {instance}"), closing))
    threads = [threading.Thread(target=visitor.live, daemon=True) for visitor in visitors]
    for thread in threads:
        thread.start()
    closing.wait()
    sojourn.shutdown(timeout=2)


if __name__ == "__main__":
    main()
