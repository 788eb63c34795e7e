"""What the events of one stretch have in common: the instance, what it runs on, and the clock that stamped them."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from sojourn.sdk.clock import Clock
from sojourn.wire.messages import Device, Sdk, Software

SDK_NAME: Final = "sojourn-python"
SDK_VERSION: Final = "0.1.0"


class Context(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """The head of a batch, as kept in a segment. `clock_offset` is wall minus steady time, in microseconds."""

    instance_id: str
    app_version: str = ""
    device: Device = msgspec.field(default_factory=Device)
    os: Software = msgspec.field(default_factory=Software)
    browser: Software = msgspec.field(default_factory=Software)
    data_collection: str = "user_behavior"
    clock_offset: int = 0
    boot_id: str = ""

    def sent_at(self, clock: Clock) -> int:
        """The time now by the clock that stamped the events, even one that was set since or of a dead process."""
        if self.boot_id == clock.boot_id:
            return clock.steady() + self.clock_offset
        return clock.wall()

    def head(self, clock: Clock) -> Mapping[str, Any]:
        """The fields of a batch beside its events."""
        return {
            "instance_id": self.instance_id,
            "sent_at": self.sent_at(clock),
            "sdk": Sdk(name=SDK_NAME, version=SDK_VERSION),
            "app_version": self.app_version,
            "device": self.device,
            "os": self.os,
            "browser": self.browser,
            "data_collection": self.data_collection,
        }
