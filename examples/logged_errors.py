"""What the application logs as an error is reported as one, with its exception.

SOJOURN_KEY=… python examples/logged_errors.py
"""

import logging

import sojourn
from sojourn.sdk.frameworks.logs import SojournHandler

logger = logging.getLogger("shop.payment")


def pay() -> None:
    """Log two errors and a warning; the warning is not reported."""
    logger.warning("the provider is slow")
    logger.error("no answer after %d s", 3)
    try:
        raise ConnectionError("refused")
    except ConnectionError:
        logger.exception("payment failed")


if __name__ == "__main__":
    sojourn.start(frontend="shop")
    logging.getLogger().addHandler(SojournHandler())
    pay()
