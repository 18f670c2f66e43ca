"""How fast each network answers on this box, beside how fast it was when it first ran here.

A box slows down unseen: a fan full of dust, a power profile, a driver that fell back. Lifts are then shed, and nobody
knows why.
"""

import json
import time
from dataclasses import dataclass
from pathlib import Path

import openvino as ov

from edge_agent.pose.network import Network
from edge_agent.pose.selftest import answer_of

_TRIES = 5
SLOWED = 1.5
"""From this multiple of the first time on, it is worth a warning."""
SLOWED_FIX = "look for heat, a power-saving profile, or a changed driver; `edge-agent doctor` measures again"


@dataclass(frozen=True, slots=True)
class Speed:
    """One network's fastest answer of five, milliseconds; ``first_ms`` is None where none is on record."""

    network: Network
    answer_ms: float
    first_ms: float | None

    @property
    def slowdown(self) -> float:
        """The time as a multiple of the first; 1 where that is not known."""
        return self.answer_ms / self.first_ms if self.first_ms else 1.0


def measure(network: Network, records: Path) -> Speed:
    """Raises InferenceError. ``records``: the folder with what `remember` wrote.

    On CPU its own time counts: another program at work while this one starts, as after a power cut, is no slow box.
    """
    clock = time.process_time if network.device == "CPU" else time.perf_counter
    times_ms = []
    for _ in range(_TRIES):
        begun_s = clock()
        answer_of(network)
        times_ms.append((clock() - begun_s) * 1000)
    return Speed(network, min(times_ms), _read(records).get(_key(network)))


def remember(speeds: list[Speed], records: Path) -> None:
    """Keep what was measured for the first time. Raises OSError where the folder cannot be written."""
    known = _read(records)
    fresh = {_key(speed.network): round(speed.answer_ms, 3) for speed in speeds if speed.first_ms is None}
    if not fresh:
        return
    part = _file(records).with_suffix(".part")
    part.write_text(json.dumps(known | fresh, indent=1) + "\n", encoding="utf-8")
    part.replace(_file(records))


def _key(network: Network) -> str:
    """Another version of OpenVINO is another speed, and so is INT8."""
    version, int8 = ov.__version__.split("-")[0], ", INT8" if network.precision == "int8" else ""
    return f"{network.name}, {network.outputs} outputs, {network.device}{int8}, OpenVINO {version}"


def _file(records: Path) -> Path:
    return records.expanduser() / "speed.json"


def _read(records: Path) -> dict[str, float]:
    try:
        known = json.loads(_file(records).read_text(encoding="utf-8"))
        return {str(key): float(value) for key, value in known.items()}
    except (OSError, ValueError, AttributeError, TypeError):
        return {}  # no record, or a spoilt one: it is made anew
