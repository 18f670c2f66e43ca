"""Which device runs a network: the first of those asked for that is here and answers rightly.

OpenVINO's own AUTO starts on CPU, moves over by itself, and falls back in silence. Here the order is walked once, at
the start, each step is proven by the self-test, and every fallback is told.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import openvino as ov

from edge_agent.errors import RunError
from edge_agent.pose.network import Graph, Network
from edge_agent.pose.selftest import check


@dataclass(frozen=True, slots=True)
class Fallback:
    """A device that was asked for and is here, but was not taken, and why."""

    model: str
    device: str
    error: RunError


@dataclass(frozen=True, slots=True)
class Opened:
    """A network on the first device that answers rightly, and the devices tried before it."""

    network: Network
    fallbacks: tuple[Fallback, ...]


def candidates(wanted: str, available: Sequence[str]) -> tuple[str, ...]:
    """Devices in the order to try: of ``AUTO:NPU,GPU,CPU`` those that are here.

    Any other device string is taken at its word, and so is a list of which nothing is here: then OpenVINO's own
    error says so.
    """
    kind, _, listed = wanted.partition(":")
    if kind != "AUTO" or not listed:
        return (wanted,)
    here = {name.partition(".")[0] for name in available}
    return tuple(name for name in listed.split(",") if name.partition(".")[0] in here) or (wanted,)


def open_first(core: ov.Core, graph: Graph, wanted: str) -> Opened:
    """Open the graph where it answers rightly. Raises the last device's RunError where none does."""
    fallbacks: list[Fallback] = []
    for device in candidates(wanted, core.available_devices):
        try:
            network = Network(core, graph, device)
            check(network)
        except RunError as error:
            fallbacks.append(Fallback(graph.name, device, error))
        else:
            return Opened(network, tuple(fallbacks))
    raise fallbacks[-1].error
