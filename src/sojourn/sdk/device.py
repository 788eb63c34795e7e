"""Facts about the machine: device and operating system, read once at start-up without starting a process."""

import os
import platform
import sys
from pathlib import Path

from sojourn.wire.messages import Device, Software


def this_device() -> Device:
    """What this machine is. A Linux machine without a display counts as a server."""
    system = sys.platform
    has_display = system in ("win32", "darwin") or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
    if hasattr(sys, "getandroidapilevel") or system in ("android", "ios"):
        kind = "mobile"
    else:
        kind = "desktop" if has_display else "server"
    return Device(type=kind, manufacturer=_dmi("sys_vendor"), model=_dmi("product_name") or platform.machine())


def this_os() -> Software:
    """Name and version of the operating system, as its users know them."""
    if sys.platform == "linux":
        try:
            release = platform.freedesktop_os_release()
            return Software(name=release.get("NAME", "Linux"), version=release.get("VERSION_ID", ""))
        except OSError:
            return Software(name="Linux", version=platform.release())
    if sys.platform == "darwin":
        return Software(name="macOS", version=platform.mac_ver()[0])
    return Software(name=platform.system(), version=platform.release())


def _dmi(field: str) -> str:
    try:
        return Path("/sys/class/dmi/id", field).read_text().strip()[:100]
    except OSError:
        return ""
