"""The OpenKit beacon protocol: beacons to batches, and the answers that steer the clients. No decisions here."""

from sojourn.wire.openkit.beacon import read_beacon, read_client_ip
from sojourn.wire.openkit.status import write_status

__all__ = ["read_beacon", "read_client_ip", "write_status"]
