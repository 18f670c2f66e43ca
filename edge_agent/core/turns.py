"""Whose frame is looked at next where there are more cameras than cores: the written policy of overload.

A few frames of every camera wait for their turn (`core.backlog`): what is shed are older ones, counted at the
camera as ``newer_frame``. Which cameras lose more of them is decided here: those in which nobody bends lose first,
for a bend is what a lift is judged by; but for the sake of others no camera waits longer than ``LONGEST_WAIT_S``. A
box too small even for that goes round: whoever has waited longest is next.
"""

from collections.abc import Sequence
from dataclasses import dataclass

LONGEST_WAIT_S = 0.5
"""The way down of a lift takes 0.6 s and more: somebody standing is seen before they are at its bottom."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A camera with a new frame that nobody looks at yet.

    ``waited_s``: since its last look began, of a still camera since its frame came. ``bending``: somebody was bending
    in that look.
    """

    camera: str
    waited_s: float
    bending: bool


def next_turn(waiting: Sequence[Waiting]) -> Waiting:
    """Who has waited too long, then who bends, then who has waited longest. ``waiting`` is not empty."""
    return max(waiting, key=_urgency)


def _urgency(one: Waiting) -> tuple[bool, bool, float]:
    overdue = one.waited_s >= LONGEST_WAIT_S
    return overdue, one.bending and not overdue, one.waited_s
