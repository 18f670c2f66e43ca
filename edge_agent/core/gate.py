"""Whether a cheaper form of a network may stand in for it: the same techniques told, and really faster."""

from collections.abc import Iterable, Mapping, Sequence

from edge_agent.core.figures import Share
from edge_agent.core.records import Lift
from edge_agent.core.scoring import ToldLift, TrueLift, match

LEAST_AGREEMENT = 0.995
"""Share of lifts told the same: the project's own bar for a cheaper form. FP32 itself misses it on pictures one grey
level brighter (docs/benchmarks.md)."""

LEAST_LIFTS = 200
"""Half a per cent of them is one lift. Of fewer, a share of 0.995 cannot be told from a share of 1."""

MOST_COST = 0.9
"""CPU time as a multiple of FP32's. On a shared machine ratios within 10 % of 1 are a draw (docs/benchmarks.md)."""


def same_technique(reference: Sequence[Lift], other: Sequence[Lift]) -> Share:
    """Of all lifts of one clip told by either, those told by both with the same technique, ``unknown`` included."""
    truth = [TrueLift(lift.start_s, lift.peak_s, lift.end_s, lift.technique, lift.center_x) for lift in reference]
    told = [
        ToldLift(lift.start_s, lift.peak_s, lift.end_s, lift.center_x, lift.technique, lift.confidence)
        for lift in other
    ]
    pairs = match(truth, told)
    same = sum(truth[i].technique == told[j].technique for i, j in pairs)
    return Share(same, len(truth) + len(told) - len(pairs))


def together(shares: Iterable[Share]) -> Share:
    """All clips' lifts as one share."""
    listed = list(shares)
    return Share(sum(share.part for share in listed), sum(share.whole for share in listed))


def too_dear(cost_ratios: Mapping[str, float]) -> list[str]:
    """What is not really faster. ``cost_ratios``: time as a multiple of FP32's, by what is asked of the network."""
    return [
        f"{asked} takes {ratio:.2f} times as long as in FP32, at most {MOST_COST} is allowed"
        for asked, ratio in cost_ratios.items()
        if not ratio <= MOST_COST  # also where it is no number
    ]


def too_different(agreement: Share) -> list[str]:
    """Why the techniques told do not prove it to be as good."""
    if agreement.whole < LEAST_LIFTS:
        return [f"the clips show {agreement.whole} lifts, {LEAST_LIFTS} are needed to resolve half a per cent"]
    if agreement.part < LEAST_AGREEMENT * agreement.whole:
        return [f"{agreement.part} of {agreement.whole} lifts are told the same, {LEAST_AGREEMENT:.1%} are needed"]
    return []
