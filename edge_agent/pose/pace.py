"""Two forms of one network against each other: what an answer costs, taking turns."""

import time
from collections.abc import Sequence
from statistics import median

from edge_agent.core.records import Image
from edge_agent.pose.network import Network

_ROUNDS = 15


def cost_ratio(network: Network, reference: Network, pictures: Sequence[Image]) -> float:
    """The network's time for all pictures as a multiple of the reference's: the median of fifteen rounds.

    They take turns, so what else the machine does meets both. On CPU its own time counts. Raises InferenceError.
    """
    for one in (network, reference):
        _time_s(one, pictures)  # the first inferences cost more: memory is first touched
    return median(_time_s(network, pictures) / _time_s(reference, pictures) for _ in range(_ROUNDS))


def _time_s(network: Network, pictures: Sequence[Image]) -> float:
    clock = time.process_time if network.device == "CPU" else time.perf_counter
    begun_s = clock()
    for picture in pictures:
        network.infer([picture])
    return clock() - begun_s
