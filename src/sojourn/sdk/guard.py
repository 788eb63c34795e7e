"""The wall between the SDK and the application: nothing that goes wrong inside is raised outside."""

import functools
from collections.abc import Callable
from typing import Concatenate, ParamSpec, Protocol, TypeVar

from sojourn.sdk.data import DataError
from sojourn.sdk.notices import Notices


class HasNotices(Protocol):
    """Something that can tell the developer what went wrong."""

    @property
    def notices(self) -> Notices: ...


_Self = TypeVar("_Self", bound=HasNotices)
_P = ParamSpec("_P")


def guarded(method: Callable[Concatenate[_Self, _P], None]) -> Callable[Concatenate[_Self, _P], None]:
    """A method that tells what was wrong with its arguments, or with the SDK, once, and returns in any case."""

    @functools.wraps(method)
    def call(self: _Self, *arguments: _P.args, **named: _P.kwargs) -> None:
        try:
            method(self, *arguments, **named)
        except DataError as error:
            self.notices.tell(f"data:{error}", "%s; the call is ignored", error)
        except Exception:
            self.notices.failed(f"in {method.__name__}")

    return call  # type: ignore[return-value]
