"""When a process that watches is so stuck that only a restart helps: what a liveness probe is answered by.

Stuck is a loop that no longer turns, or a look at a frame that does not end, as in a device's driver that hangs: its
camera is then never looked at again, and its core is gone. A camera or a broker that is away is not asked about: a
restart brings neither back, and would cost the other cameras the lifts in progress.
"""

from collections.abc import Sequence
from typing import Final

STUCK_S: Final = 60.0
"""A turn of the loop takes some 0.2 s, a look 20 to 200 ms; a disk that is slow to commit makes a turn of seconds."""


def why_stuck(turned_s_ago: float, looks_began_s_ago: Sequence[float]) -> str | None:
    """Say why only a restart helps; None while all is well.

    turned_s_ago: since the loop's last turn. looks_began_s_ago: since each look began that has not ended.
    """
    if turned_s_ago > STUCK_S:
        return f"the loop has not turned for {turned_s_ago:.0f} s"
    longest_s = max(looks_began_s_ago, default=0.0)
    if longest_s > STUCK_S:
        return f"a look at a frame has not ended for {longest_s:.0f} s"
    return None
