"""What a process that sees people must not leave behind, how much memory it keeps, and how it is asked to stop."""

import ctypes
import os
import resource
import signal
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Final

_PR_SET_DUMPABLE: Final = 4  # prctl(2)
_M_ARENA_MAX: Final = -8  # mallopt(3)
_HEAPS: Final = 2


def leave_nothing_behind() -> None:
    """No core dump, for it would hold pictures; files that are made from now on are for their owner only.

    The limit alone does not bind a dump program that the kernel pipes to (core(5)), so the process is made
    undumpable too (prctl(2)); that also keeps other programs of the same user from reading its memory.
    """
    os.umask(0o077)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def keep_few_heaps() -> None:
    """Have all threads take their memory from the same two heaps (mallopt(3)); to be called before they begin.

    glibc gives threads up to eight heaps for each core, and what is free in one is of no use to another. Another C
    library than glibc is left as it is.
    """
    _glibc("mallopt", _M_ARENA_MAX, _HEAPS)


def give_back_memory() -> None:
    """What is free in the heaps goes back to the kernel (malloc_trim(3)): glibc itself gives back their ends only.

    Takes a millisecond. Another C library than glibc is left as it is.
    """
    _glibc("malloc_trim", 0)


def _glibc(name: str, *arguments: int) -> None:
    function = getattr(ctypes.CDLL(None), name, None)
    if function is not None:
        function(*arguments)


def swapped_to(proc: Path = Path("/proc"), sys: Path = Path("/sys")) -> tuple[str, ...]:
    """The disks and files to which the kernel may write any program's memory, in the clear (proc(5), swaps).

    Memory that is only compressed (zram) and devices that dm-crypt encrypts are left out.
    """
    try:
        _, *lines = (proc / "swaps").read_text().splitlines()
    except (OSError, ValueError):  # a kernel without swap
        return ()
    return tuple(_in_the_clear((line.split()[0] for line in lines), sys))


def _in_the_clear(places: Iterable[str], sys: Path) -> Iterable[str]:
    for place in places:
        block = sys / "block" / Path(place).resolve().name
        try:
            encrypted = (block / "dm" / "uuid").read_text().startswith("CRYPT-")
        except OSError:
            encrypted = False
        if not encrypted and not block.name.startswith("zram"):
            yield place


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
