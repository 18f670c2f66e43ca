"""What a process that sees people must not leave behind, and how it is asked to stop."""

import ctypes
import os
import resource
import signal
import threading
from typing import Final

_PR_SET_DUMPABLE: Final = 4  # prctl(2)


def leave_nothing_behind() -> None:
    """No core dump, for it would hold pictures; files that are made from now on are for their owner only.

    The limit alone does not bind a dump program that the kernel pipes to (core(5)), so the process is made
    undumpable too (prctl(2)); that also keeps other programs of the same user from reading its memory.
    """
    os.umask(0o077)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def when_asked_to_stop() -> tuple[threading.Event, list[int]]:
    """An event that SIGINT and SIGTERM set, and which of them came."""
    stop = threading.Event()
    received: list[int] = []

    def ask_to_stop(number: int, _frame: object) -> None:
        received.append(number)
        stop.set()
        signal.signal(number, signal.default_int_handler)  # a second Ctrl-C does not wait

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, ask_to_stop)
    return stop, received
