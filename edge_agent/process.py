"""What a process that sees people must not leave behind."""

import ctypes
import os
import resource
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
