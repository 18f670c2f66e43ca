"""Whether an update stays: it must become healthy in time, remain so, and see again what was seen before it.

A camera that was down before is no reason to go back, and no version would bring it up.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Glance:
    """One look at the page of an agent or a bridge, ``time_s`` after its start."""

    time_s: float
    trouble: str | None = None
    """None: it says that it is healthy."""
    cameras_up: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it; ``why`` is empty where it passed."""

    why: str = ""

    @property
    def passed(self) -> bool:
        """Whether the update may stay."""
        return not self.why


@dataclass(frozen=True, slots=True)
class Probation:
    """What is asked of a service that has just been started."""

    within_s: float = 0.0
    hold_s: float = 0.0
    cameras: frozenset[str] = frozenset()

    def outcome(self, glance: Glance, healthy_since_s: float | None) -> Outcome | None:
        """None while it cannot be told yet. healthy_since_s: of the first healthy glance, None before it."""
        if healthy_since_s is None:
            late = glance.time_s >= self.within_s
            return Outcome(f"not healthy within {self.within_s:.0f} s: {glance.trouble}") if late else None
        held_s = glance.time_s - healthy_since_s
        if glance.trouble is not None:
            return Outcome(f"no longer healthy after {held_s:.0f} s: {glance.trouble}")
        if held_s < self.hold_s:
            return None
        unseen = ", ".join(sorted(self.cameras - glance.cameras_up))
        return Outcome(f"not seen: {unseen}" if unseen else "")
