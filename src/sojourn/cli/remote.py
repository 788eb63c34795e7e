"""The JSON API of a running server, asked over HTTP. Which questions there are is the commands' business."""

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import click
import msgspec
import urllib3

from sojourn.cli.opening import Refused

DEFAULT_ENDPOINT = "http://127.0.0.1:8321"

endpoint_option = click.option(
    "--endpoint",
    envvar="SOJOURN_ENDPOINT",
    default=DEFAULT_ENDPOINT,
    show_default=True,
    show_envvar=True,
    metavar="URL",
    help="The address of the server.",
)
token_option = click.option(
    "--token", envvar="SOJOURN_TOKEN", show_envvar=True, metavar="TOKEN", help="An API token of the server."
)


def server_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command `--endpoint` and `--token`."""
    return endpoint_option(token_option(command))


class Unreachable(click.ClickException):
    """The server did not answer, or failed."""


class Api:
    """The API of one server. Raises Refused for what the server refuses and Unreachable where it cannot answer."""

    def __init__(self, endpoint: str, token: str | None) -> None:
        if not endpoint.startswith(("http://", "https://")):
            raise Refused(f"endpoint: {endpoint!r} is no address; it starts with http:// or https://")
        self._endpoint = endpoint.rstrip("/")
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._pool = urllib3.PoolManager(timeout=urllib3.Timeout(connect=5, read=600), retries=False)

    def frontend(self, name: str, *path: str) -> str:
        """The path of something of a frontend, each part quoted."""
        return "/".join(["/api/v1/frontends", quote(name, safe=""), *(quote(part, safe="") for part in path)])

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """The JSON of an answer; None where it is empty."""
        response = self.stream(method, path, body)
        text = response.read()
        response.release_conn()
        try:
            return msgspec.json.decode(text) if text else None
        except msgspec.DecodeError as error:
            raise Unreachable(f"{self._endpoint}{path} answered with something that is not JSON") from error

    def stream(self, method: str, path: str, body: Any = None) -> urllib3.BaseHTTPResponse:
        """An answer whose body is still to be read."""
        headers = dict(self._headers)
        if body is not None:
            headers["Content-Type"] = "application/json"
        try:
            response = self._pool.request(
                method,
                self._endpoint + path,
                body=None if body is None else msgspec.json.encode(body),
                headers=headers,
                preload_content=False,
                redirect=False,
            )
        except urllib3.exceptions.HTTPError as error:
            raise Unreachable(f"{self._endpoint} cannot be reached: {_reason(error)}") from error
        if 200 <= response.status < 300:
            return response
        message = _message(response.read()) or f"status {response.status} from {self._endpoint}{path}"
        raise (Refused if response.status < 500 else Unreachable)(message)


def _reason(error: urllib3.exceptions.HTTPError) -> str:
    # urllib3 puts the object first: "<…HTTPConnection(…) at 0x…>: Failed to …".
    return str(error).rsplit(">: ", 1)[-1].rsplit("): ", 1)[-1]


class _Error(msgspec.Struct):
    message: str


class _ErrorBody(msgspec.Struct):
    error: _Error


def _message(body: bytes) -> str | None:
    try:
        return msgspec.json.decode(body, type=_ErrorBody).error.message
    except msgspec.DecodeError:
        return None
