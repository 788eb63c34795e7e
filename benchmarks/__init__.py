"""What is measured, beside a peer or the raw engine in the same run. Tables go to stdout, logs do not."""

import sys

import structlog

structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
