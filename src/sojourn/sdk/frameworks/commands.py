"""For command lines (Click, Typer or none): a decorator that makes a function's run an action.

@app.command()
@reported
def build(target: str) -> None: ...
"""

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar, overload

from sojourn.sdk.api import current_agent, enter_action, send_exception_event

_P = ParamSpec("_P")
_R = TypeVar("_R")


@overload
def reported(function: Callable[_P, _R]) -> Callable[_P, _R]: ...
@overload
def reported(*, name: str) -> Callable[[Callable[_P, _R]], Callable[_P, _R]]: ...
def reported(
    function: Callable[_P, _R] | None = None, *, name: str = ""
) -> Callable[_P, _R] | Callable[[Callable[_P, _R]], Callable[_P, _R]]:
    """Report each run of the function as an action of its name, and an exception that ends it as an error.

    Arguments are not reported: they may hold anything. `SystemExit`, Ctrl-C and the like are no errors.
    """
    if function is None:
        return functools.partial(reported, name=name)
    title = name or function.__name__

    @functools.wraps(function)
    def run(*arguments: _P.args, **named: _P.kwargs) -> _R:
        if current_agent() is None:
            return function(*arguments, **named)
        with enter_action(title):
            try:
                return function(*arguments, **named)
            except Exception as error:
                # How Click and Typer say "stop": an exit code, or a usage error that the user has caused.
                if not hasattr(error, "exit_code"):
                    send_exception_event(error)
                raise

    return run
