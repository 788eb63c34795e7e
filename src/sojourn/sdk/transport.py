"""One request to the server, and what its answer means for the batch. No queue, no waiting, no repeating.

urllib3 and its like are imported in the thread that sends, so that an application does not wait for them.
"""

import threading
import zlib
from types import ModuleType
from typing import TYPE_CHECKING, Final

import msgspec

from sojourn.wire.messages import Receipt

if TYPE_CHECKING:
    import urllib3

CONNECT_TIMEOUT: Final = 5.0
READ_TIMEOUT: Final = 30.0
"""Seconds."""
COMPRESS_FROM: Final = 1_000
"""Bytes from which a body is compressed."""
GZIP: Final = 31
"""The `wbits` of zlib that mean the gzip format."""
RETRIED: Final = frozenset({408, 425, 429})
"""The answers of the 4xx range that say "later" and not "never"."""
LOOPBACK: Final = ("127.", "localhost", "[::1]")

importing: Final = threading.Lock()
"""Held while the network modules are imported: a child that was forked in the middle could never import them."""
_receipt = msgspec.json.Decoder(Receipt)


class Delivered(msgspec.Struct, frozen=True):
    """Everything accepted is durable on the server."""

    receipt: Receipt


class Refused(msgspec.Struct, frozen=True):
    """The server will never take this body (4xx)."""

    status: int
    message: str


class Failed(msgspec.Struct, frozen=True):
    """Not now: a dead network, 5xx, 408, 425, 429, or an answer that is not Sojourn's. `retry_after` in seconds."""

    message: str
    retry_after: float | None = None


Outcome = Delivered | Refused | Failed


class Transport:
    """Posts bodies to one endpoint over a kept-alive connection."""

    __slots__ = ("_headers", "_pool", "url")

    def __init__(self, endpoint: str, frontend: str, key: str) -> None:
        self.url = endpoint.rstrip("/") + "/v1/events"
        self._headers = {
            "Authorization": f"Bearer {key}",
            "X-Sojourn-Frontend": frontend,
            "Content-Type": "application/json",
            "User-Agent": "sojourn-python",
        }
        self._pool: urllib3.PoolManager | None = None

    def post(self, body: bytes, wall: int, longest: float | None = None) -> Outcome:
        """Send one body. `wall` (microseconds) is the time now; `longest` the seconds that the whole may take."""
        urllib3 = _import_network()
        headers = self._headers
        if len(body) >= COMPRESS_FROM:
            packer = zlib.compressobj(1, wbits=GZIP)
            body = packer.compress(body) + packer.flush()
            headers = headers | {"Content-Encoding": "gzip"}
        timeout = urllib3.Timeout(connect=CONNECT_TIMEOUT, read=READ_TIMEOUT, total=longest)
        try:
            answer = self._manager().request(
                "POST", self.url, body=body, headers=headers, timeout=timeout, retries=False, redirect=False
            )
            return _judge(answer.status, answer.data, answer.headers.get("Retry-After"), wall)
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            return Failed(f"{self.url} cannot be reached: {error}")

    def close(self) -> None:
        """Close the connections."""
        if self._pool is not None:
            self._pool.clear()
            self._pool = None

    def forget_after_fork(self) -> None:
        """In a forked child: the connections are the parent's."""
        self._pool = None

    def _manager(self) -> "urllib3.PoolManager":
        if self._pool is None:
            from urllib.request import getproxies, proxy_bypass

            urllib3 = _import_network()
            scheme, _, rest = self.url.partition("://")
            proxy = getproxies().get(scheme)
            host = rest.partition("/")[0]
            if proxy and not host.startswith(LOOPBACK) and not proxy_bypass(host):
                self._pool = urllib3.ProxyManager(proxy, num_pools=2)
            else:
                self._pool = urllib3.PoolManager(num_pools=2)
        return self._pool


def _import_network() -> ModuleType:
    """urllib3, with what it and this module import later on."""
    with importing:
        import email.utils  # noqa: F401
        import encodings.idna  # noqa: F401
        import urllib.request  # noqa: F401

        import urllib3

        return urllib3


def _judge(status: int, data: bytes, retry_after: str | None, wall: int) -> Outcome:
    if 200 <= status < 300:
        try:
            return Delivered(_receipt.decode(data))
        except msgspec.DecodeError:
            # A login page of a network or a wrong address: taking it for an acknowledgement would lose the events.
            return Failed(f"HTTP {status} without a receipt: the endpoint is not a Sojourn server")
    message = f"HTTP {status}{_explanation(data)}"
    if 400 <= status < 500 and status not in RETRIED:
        return Refused(status, message)
    return Failed(message, _seconds(retry_after, wall))


def _explanation(data: bytes) -> str:
    """What the server says in its JSON error, if it is one."""
    try:
        error = msgspec.json.decode(data)["error"]
        field = f" (in {error['field']})" if error.get("field") else ""
        return f": {error['message']}{field}"
    except (msgspec.DecodeError, KeyError, TypeError, AttributeError):
        return ""


def _seconds(retry_after: str | None, wall: int) -> float | None:
    """The seconds of a Retry-After header, which may also be a date."""
    if not retry_after:
        return None
    if retry_after.strip().isdecimal():
        return float(retry_after)
    from email.utils import parsedate_to_datetime

    try:
        return max(0.0, parsedate_to_datetime(retry_after).timestamp() - wall / 1_000_000)
    except ValueError:
        return None
