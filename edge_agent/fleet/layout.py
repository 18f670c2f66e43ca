"""Who is there: sites, the agents of each, and the zones that each agent watches, drawn from a seed."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from edge_agent.core.events import Place

SITES: Final = ("leeds", "lyon", "turin", "gdansk", "porto", "malmo", "graz", "ghent")
ZONES: Final = (
    "dock", "pallet-line", "packing", "returns", "cold-store", "line-feed", "kitting", "sorting", "waste", "tyre-rack"
)  # fmt: skip

# Shapes of what is drawn: what a place plausibly has, not what was measured anywhere.
_LIFTS_PER_H: Final = (9.0, 0.6)  # median and sigma of a log-normal
_RISKY: Final = (2.2, 12.0)  # beta: mean 0.15, a few zones above 0.3
_UNKNOWN: Final = (2.0, 9.0)  # beta: mean 0.18; a badly hung camera tells nothing of half of its lifts
_SQUAT: Final = (3.0, 6.0)  # beta, of the lifts that are no rounded backs


@dataclass(frozen=True, slots=True)
class FleetSize:
    """How many of each; zones are dealt out to a site's agents in turn.

    site_names, agent_names: for the first ones, instead of made-up names.
    """

    sites: int = 2
    zones_per_site: int = 6
    agents_per_site: int = 2
    site_names: tuple[str, ...] = ()
    agent_names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Zone:
    """One camera's zone. Shares are 0…1.

    lifts_per_h: while the early shift works. risky_share: of told lifts, posture exposure ``high``.
    unknown_share: lifts whose technique its camera cannot tell. squat_share: of those that round no back.
    """

    place: Place
    agent: str
    lifts_per_h: float
    risky_share: float
    unknown_share: float
    squat_share: float


@dataclass(frozen=True, slots=True)
class Site:
    """staffing: of the early, late and night shift, as parts of the early one; 0: there is none."""

    name: str
    agents: tuple[str, ...]
    staffing: tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Intervention:
    """From ``from_s`` (unix time) on the zone's risky share is ``factor`` times what it was."""

    place: Place
    from_s: float
    factor: float = 0.45


@dataclass(frozen=True, slots=True)
class Fleet:
    """Everything there is. ``seed`` also decides what happens there."""

    seed: int
    sites: tuple[Site, ...]
    zones: tuple[Zone, ...]
    interventions: tuple[Intervention, ...] = field(default=())

    def of_agent(self, site: str, agent: str) -> tuple[Zone, ...]:
        """What one agent watches."""
        return tuple(zone for zone in self.zones if (zone.place.site, zone.agent) == (site, agent))


def draw_fleet(seed: int, size: FleetSize, intervention_s: float | None = None) -> Fleet:
    """The same seed and size always give the same fleet.

    intervention_s: unix time from which each site's riskiest zone works with a lift table.
    """
    sites, zones = [], []
    for number in range(size.sites):
        name = size.site_names[number] if number < len(size.site_names) else _name(SITES, number)
        rng = chance(seed, name)
        drawn = tuple(f"edge-{one + 1}" for one in range(size.agents_per_site))
        agents = size.agent_names[: size.agents_per_site] + drawn[len(size.agent_names) :]
        night = float(rng.choice((0.0, 0.3, 0.5)))
        sites.append(Site(name, agents, (1.0, float(rng.uniform(0.6, 0.95)), night)))
        zones += [
            _draw_zone(rng, Place(name, _name(ZONES, one)), agents[one % len(agents)])
            for one in range(size.zones_per_site)
        ]
    return Fleet(seed, tuple(sites), tuple(zones), _interventions(zones, intervention_s))


def chance(seed: int, *words: str | int) -> np.random.Generator:
    """A stream of chance of its own for each thing that happens, so that asking for one does not move another."""
    return np.random.default_rng([seed, *(zlib.crc32(str(word).encode()) for word in words)])


def _draw_zone(rng: np.random.Generator, place: Place, agent: str) -> Zone:
    median, sigma = _LIFTS_PER_H
    return Zone(
        place,
        agent,
        lifts_per_h=float(median * np.exp(rng.normal(0.0, sigma))),
        risky_share=float(rng.beta(*_RISKY)),
        unknown_share=float(rng.beta(*_UNKNOWN)),
        squat_share=float(rng.beta(*_SQUAT)),
    )


def _interventions(zones: Sequence[Zone], from_s: float | None) -> tuple[Intervention, ...]:
    if from_s is None:
        return ()
    riskiest: dict[str, Zone] = {}
    for zone in zones:
        known = riskiest.get(zone.place.site)
        if known is None or zone.risky_share > known.risky_share:
            riskiest[zone.place.site] = zone
    return tuple(Intervention(zone.place, from_s) for zone in riskiest.values())


def _name(names: Sequence[str], number: int) -> str:
    """dock, packing, ..., dock-2, packing-2, ..."""
    rounds, which = divmod(number, len(names))
    return names[which] if rounds == 0 else f"{names[which]}-{rounds + 1}"
