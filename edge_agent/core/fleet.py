"""What agents say of themselves, as far as a count's trustworthiness hangs on it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

_MOST: Final = 1_000_000
"""Anyone on the site's network can send a health record: no number in it may grow a page."""


@dataclass(frozen=True, slots=True)
class AgentHealth:
    """From an agent's last health record.

    waiting: lifts that wait there, held back for privacy (at last until the zone has enough) or for the broker.
    """

    zones: tuple[str, ...] = ()
    cameras: int = 0
    cameras_up: int = 0
    waiting: int = 0


@dataclass(frozen=True, slots=True)
class AgentState:
    """up: online and heard of lately. silent_since_s: unix time of its last word, 0 where that is not known."""

    site: str
    agent: str
    up: bool
    silent_since_s: float
    health: AgentHealth

    @property
    def cameras_down(self) -> int:
        """Of an agent that is down, all."""
        return self.health.cameras - (self.health.cameras_up if self.up else 0)


def health_of(record: Mapping[str, Any], zones: Iterable[str]) -> AgentHealth:
    """Read a record that may be forged: what is no sensible number counts as 0, half a word on cameras as none."""
    cameras = _number(record.get("cameras")) if "cameras_up" in record else 0
    return AgentHealth(
        tuple(zones),
        cameras,
        min(_number(record.get("cameras_up")), cameras),
        _number(record.get("outbox_held")) + _number(record.get("outbox_ready")),
    )


def _number(value: object) -> int:
    return min(value, _MOST) if type(value) is int and value > 0 else 0
