"""Whether the kernel's clock is kept right, as the kernel itself says.

``timedatectl`` reads the same flag, but is missing in a container, whose clock is its host's.
"""

import ctypes
from dataclasses import dataclass
from typing import Final

_UNKEPT_FROM_US: Final = 16_000_000
"""The kernel lets the error grow by 0.5 ms a second; from 16 s on (NTP_PHASE_LIMIT) it, and systemd, call the clock
unsynchronised."""


@dataclass(frozen=True, slots=True)
class KernelClock:
    """``max_error_s``: how wrong it is at most, of one that is synchronised."""

    synchronised: bool
    max_error_s: float


class _Timex(ctypes.Structure):
    """The head of struct timex, adjtimex(2); ``modes`` 0 changes nothing."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("rest", ctypes.c_byte * 256),
    )


def read_kernel_clock() -> KernelClock | None:
    """None where it is not told: another system, or a sandbox that does not allow the question."""
    timex = _Timex()
    try:
        answered = ctypes.CDLL(None).adjtimex(ctypes.byref(timex)) >= 0
    except (AttributeError, OSError):
        return None
    return KernelClock(timex.maxerror < _UNKEPT_FROM_US, timex.maxerror / 1e6) if answered else None
