"""What a browser's User-Agent says of its device, system and version, for clients that leave that to the server."""

from functools import lru_cache

from ua_parser import parse

from sojourn.wire.messages import Batch, Device, Software

MAX_USER_AGENT = 1_000
"""Characters that are looked at."""

_TABLETS = ("iPad", "Tablet", "Kindle")
_PHONES = ("iPhone", "Smartphone", "Android", "Mobile")
_SYSTEMS_OF_PHONES = ("Android", "iOS", "Windows Phone", "KaiOS")


def complete(batch: Batch, user_agent: str) -> None:
    """Fill in device, system and browser of a batch that names none of them, where a browser sent it."""
    if "Mozilla/" not in user_agent or batch.device.type or batch.os.name or batch.browser.name:
        return
    batch.device, batch.os, batch.browser = read_user_agent(user_agent[:MAX_USER_AGENT])


@lru_cache(maxsize=2048)
def read_user_agent(user_agent: str) -> tuple[Device, Software, Software]:
    """Device, operating system and browser; "" is unknown."""
    found = parse(user_agent)
    system = Software(name=found.os.family, version=_version(found.os)) if found.os else Software()
    browser = (
        Software(name=found.user_agent.family, version=_version(found.user_agent)) if found.user_agent else Software()
    )
    family = found.device.family if found.device else ""
    brand = (found.device.brand or "") if found.device else ""
    kind = "desktop"
    if any(word in user_agent for word in _TABLETS):
        kind = "tablet"
    elif system.name in _SYSTEMS_OF_PHONES or any(word in user_agent for word in _PHONES):
        kind = "mobile" if "Mobile" in user_agent or system.name != "Android" else "tablet"
    device = Device(
        type=kind,
        manufacturer="" if brand.startswith("Generic") else brand,
        model=((found.device.model or "") if found.device else "") or ("" if family == "Other" else family),
    )
    return device, system, browser


def _version(part: object) -> str:
    numbers = (getattr(part, name, None) for name in ("major", "minor"))
    return ".".join(number for number in numbers if number)
