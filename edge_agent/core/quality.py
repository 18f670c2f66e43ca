"""How far a number can be trusted, said beside it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from edge_agent.core.fleet import AgentState
from edge_agent.core.tally import MIN_TOLD, Tally

Level = Literal["good", "caution", "poor"]
LEVELS: Final[tuple[Level, ...]] = ("good", "caution", "poor")

UNKNOWN_POOR: Final = 0.5
"""Of more than half of the lifts nothing is told: the alert TooManyLiftsUnknown begins here."""
UNKNOWN_CAUTION: Final = 0.25
"""On the clips we measured, which hold steep and frontal views, about a quarter of the found lifts was not told
(README, Accuracy): more than that points to a view worse than those."""


@dataclass(frozen=True, slots=True)
class Flag:
    """The worst of what is known, and all of it in words."""

    level: Level
    reasons: tuple[str, ...] = ()

    @classmethod
    def of(cls, found: Iterable[tuple[Level, str]]) -> "Flag":
        """From (level, reason) each; the worst comes first."""
        worst_first = sorted(found, key=lambda each: -LEVELS.index(each[0]))
        return cls(worst_first[0][0] if worst_first else LEVELS[0], tuple(reason for _, reason in worst_first))


def unknown_found(tally: Tally) -> list[tuple[Level, str]]:
    """What the lifts that could not be told say about the others; nothing of fewer than MIN_TOLD."""
    share = tally.unknown
    if share.value is None or share.whole < MIN_TOLD or share.value <= UNKNOWN_CAUTION:
        return []
    level: Level = "poor" if share.value > UNKNOWN_POOR else "caution"
    return [(level, f"{share.part} of {share.whole} lifts could not be told: shares speak of the rest only")]


def fleet_found(agents: Sequence[AgentState], now: datetime) -> list[tuple[Level, str]]:
    """What is not seen now, in words. ``now`` in the site's own time."""
    if not agents:
        return [("caution", "no agent is known to watch now")]
    found: list[tuple[Level, str]] = []
    down = [agent for agent in agents if not agent.up]
    blind: Level = "poor" if len(down) == len(agents) else "caution"
    found += [(blind, f"agent {agent.agent} of {agent.site} is silent{_since(agent, now)}") for agent in down]
    for agent in agents:
        if agent.up and agent.cameras_down:
            all_blind = agent.cameras_down == agent.health.cameras and len(agents) == 1
            cameras = "camera" if agent.health.cameras == 1 else "cameras"
            where = f"{agent.cameras_down} of {agent.health.cameras} {cameras} of agent {agent.agent} of {agent.site}"
            verb = "is" if agent.cameras_down == 1 else "are"
            found.append(("poor" if all_blind else "caution", f"{where} {verb} down"))
    return found


def spoken(moment: datetime, now: datetime) -> str:
    """As people say it: the time of today, else with its day."""
    return f"{moment:%H:%M}" if moment.date() == now.date() else f"{moment.day} {moment:%B, %H:%M}"


def _since(agent: AgentState, now: datetime) -> str:
    if not agent.silent_since_s:
        return ""
    return f" since {spoken(datetime.fromtimestamp(agent.silent_since_s, now.tzinfo), now)}"
