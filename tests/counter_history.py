"""Days of a site as Prometheus would have kept them, their true counts known: counters that begin, fall and pause."""

import random
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.services import program

SCRAPE_S = 60
Series = tuple[str, str, str]
"""zone, technique, risk"""
MIXES: dict[str, list[tuple[str, str, float]]] = {
    "dock-1": [
        ("hinge", "low", 0.4),
        ("squat", "medium", 0.39),
        ("rounded_back", "high", 0.09),
        ("unknown", "low", 0.12),
    ],
    "pallet-line": [
        ("hinge", "low", 0.2),
        ("squat", "low", 0.4),
        ("rounded_back", "high", 0.3),
        ("unknown", "low", 0.1),
    ],
    "packing": [("squat", "low", 0.45), ("rounded_back", "high", 0.12), ("unknown", "medium", 0.43)],
}
PER_HOUR = {"dock-1": 24, "pallet-line": 30, "packing": 14}


@dataclass
class Lifts:
    """Moments are unix seconds, halfway between two scrapes, so that no edge of an hour falls on one."""

    moments: list[tuple[int, Series]] = field(default_factory=list)

    def within(self, from_s: float, to_s: float) -> Counter[Series]:
        return Counter(series for at_s, series in self.moments if from_s < at_s <= to_s)


def lifts_of(from_s: int, to_s: int, seed: int = 7) -> Lifts:
    """From six to ten at night UTC each day; pallet-line gets worse in the last day."""
    chance = random.Random(seed)
    lifts = Lifts()
    for hour_s in range(from_s - from_s % 3600, to_s, 3600):
        if not 6 <= hour_s // 3600 % 24 < 22:
            continue
        for zone, per_hour in PER_HOUR.items():
            for _ in range(int(chance.gauss(per_hour, per_hour**0.5))):
                at_s = hour_s + SCRAPE_S * chance.randrange(60) + SCRAPE_S // 2
                technique, risk = _drawn(chance, zone, worse=at_s > to_s - 86_400)
                lifts.moments.append((at_s, (zone, technique, risk)))
    lifts.moments.sort()
    return lifts


def _drawn(chance: random.Random, zone: str, *, worse: bool) -> tuple[str, str]:
    mix = MIXES[zone]
    weights = [weight * (2 if worse and zone == "pallet-line" and risk == "high" else 1) for _, risk, weight in mix]
    technique, risk, _ = chance.choices(mix, weights)[0]
    return technique, risk


@dataclass(frozen=True, slots=True)
class Bridge:
    """What one bridge's page showed. begins_s: its counters start. falls_s: they start anew. away: not read then."""

    instance: str
    begins_s: int
    start: int = 0
    falls_s: tuple[int, ...] = ()
    away: tuple[tuple[int, int], ...] = ()

    def samples(self, lifts: Lifts, from_s: int, to_s: int) -> Iterator[tuple[Series, int, int]]:
        """(series, time, value), by series."""
        every = {(zone, technique, risk) for zone, mix in MIXES.items() for technique, risk, _ in mix}
        for series in sorted(every):
            moments = [at_s for at_s, which in lifts.moments if which == series and at_s > self.begins_s]
            value, place = self.start, 0
            for at_s in range(max(from_s, self.begins_s), to_s + 1, SCRAPE_S):
                if at_s in self.falls_s:
                    value = 0
                while place < len(moments) and moments[place] <= at_s:
                    value, place = value + 1, place + 1
                if not any(begin <= at_s < end for begin, end in self.away):
                    yield series, at_s, value


def write_history(
    directory: Path, lifts: Lifts, bridges: list[Bridge], span: tuple[int, int], more: str = ""
) -> None:
    """Blocks in ``directory``/tsdb, made by promtool. span: from and to. more: families of OpenMetrics text."""
    text = directory / "history.om"
    with text.open("w") as out:
        out.write("# TYPE ergo_lifts counter\n")
        for bridge in bridges:
            for (zone, technique, risk), at_s, value in bridge.samples(lifts, *span):
                labels = (
                    f'instance="{bridge.instance}",site="leeds",zone="{zone}",technique="{technique}",risk="{risk}"'
                )
                out.write(f"ergo_lifts_total{{{labels}}} {value} {at_s}\n")
        out.write(f"{more}# EOF\n")
    # It reads the whole text again for each block, and without the option a block is two hours: minutes, not seconds.
    subprocess.run(
        [
            program("promtool"), "tsdb", "create-blocks-from", "--max-block-duration=480h", "openmetrics",
            text, directory / "tsdb",
        ],
        check=True,
        capture_output=True,
    )  # fmt: skip
    text.unlink()


def machines(day_s: int) -> str:
    """What agents and bridge said of themselves on the day that began then, UTC.

    box-2 was down from 7 to 7:30, its camera from 7 to 8; box-1 was started again at 11; the bridge had no broker
    until 6:30, and was not read from 9:40 to 10:20.
    """

    def at(hour: float) -> int:
        return day_s + int(hour * 3600)

    def unknown(at_s: int) -> float:
        return (at_s - at(6)) // 600 if at(6) <= at_s < at(11) else max(0, at_s - at(11)) // 900

    def connected(at_s: int) -> float | None:
        return None if at(9.67) <= at_s < at(10.33) else at_s >= at(6.5)

    bridge = 'instance="first:9109"'
    box_1, box_2 = ('instance="box-1:9108",site="leeds"', 'instance="box-2:9108",site="leeds"')
    families: dict[str, dict[str, Callable[[int], float | None]]] = {
        "edge_agent_lifts_unknown_total": {f'{box_1},reason="view"': unknown},
        "ergo_agent_up": {
            f'{bridge},site="leeds",agent="box-1"': lambda _: 1,
            f'{bridge},site="leeds",agent="box-2"': lambda at_s: not at(7) <= at_s < at(7.5),
        },
        "edge_agent_camera_up": {
            f'{box_1},camera="dock"': lambda _: 1,
            f'{box_2},camera="hall"': lambda at_s: not at(7) <= at_s < at(8),
        },
        "edge_agent_camera_blind_seconds_total": {
            f'{box_2},camera="hall"': lambda at_s: min(max(at_s - at(7), 0), 3600)
        },
        "edge_agent_outbox_dropped_events_total": {f'{box_2},risk="low"': lambda at_s: 3 * (at_s > at(9))},
        "ergo_bridge_rejected_messages_total": {f'{bridge},reason="too_old"': lambda at_s: 4 * (at_s > at(13))},
        "ergo_bridge_connected": {bridge: connected},
    }
    return "".join(_family(name, series, day_s) for name, series in families.items())


def _family(name: str, series: dict[str, Callable[[int], float | None]], day_s: int) -> str:
    """OpenMetrics text of one day; None: not read then."""
    kind, family = ("counter", name.removesuffix("_total")) if name.endswith("_total") else ("gauge", name)
    lines = [f"# TYPE {family} {kind}\n"]
    for labels, value in series.items():
        for at_s in range(day_s, day_s + 86_401, SCRAPE_S):
            seen = value(at_s)
            if seen is not None:
                lines.append(f"{name}{{{labels}}} {seen:g} {at_s}\n")
    return "".join(lines)
