"""Log lines that cannot break what they tell about."""

import sys
from contextlib import suppress

import structlog


class LossyLogger(structlog.PrintLogger):
    """Prints to what stderr is now. A line the disk does not take is lost; a thread that tells it lives on.

    A full disk made ``log.warning`` raise inside the publisher's error handling: its thread ended, silently,
    and the agent never delivered again.
    """

    def __init__(self, *_: object) -> None:
        super().__init__(sys.stderr)

    def msg(self, message: str) -> None:
        """Print one line if that is possible."""
        with suppress(OSError, ValueError):  # ValueError: stderr is closed
            super().msg(message)

    log = debug = info = warn = warning = msg
    fatal = failure = err = error = critical = exception = msg
