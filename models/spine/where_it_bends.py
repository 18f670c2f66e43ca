"""How far flexion is told amiss, by where along the spine it happens: lifts of people nobody was trained on.

Usage: python models/spine/where_it_bends.py EXTRACTED.npz...    (in the product's own environment)
"""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from heldout import errors_of, held_out_people, lifts_of
from rich.console import Console
from rich.progress import track
from rich.table import Table
from rows import Rows, rows_of

from edge_agent.core.figures import Errors
from edge_agent.pose.network import new_core
from edge_agent.pose.spine_encoder import SpineEncoder
from edge_agent.spine_card import AIM

# True flexion at the bottom, degrees: to the neutral limit, to the rounded one, and on.
FLEXIONS = (-10, 20, 35, 50, 90)
# Of the flexion, how much is in the upper half of the spine: quarters of the simulated people have about so much.
SHARES = (0.0, 0.37, 0.44, 0.5, 1.0)


@dataclass(frozen=True)
class Told:
    """Spine flexion at the bottom of one lift, and how much of it is in the upper half of the spine, 0 to 1."""

    true_deg: float
    upper_share: float
    told_deg: float


def errors_in(lifts: Sequence[Told], flexion: tuple[int, int], share: tuple[float, float]) -> Errors:
    """Of the lifts between these limits."""
    return errors_of(
        lift.told_deg - lift.true_deg
        for lift in lifts
        if flexion[0] <= lift.true_deg < flexion[1] and share[0] <= lift.upper_share < share[1]
    )


def table_of(lifts: Sequence[Told]) -> Table:
    """A row for each span of true flexion, a column for each part of the back."""
    table = Table(title=f"flexion told less true: mean, mean size, lifts; within {AIM[1]}° of the side")
    table.add_column("true flexion")
    for share in pairwise(SHARES):
        table.add_column(f"{share[0]:.0%}-{share[1]:.0%} in the upper half", justify="right")
    for flexion in pairwise(FLEXIONS):
        cells = [errors_in(lifts, flexion, share) for share in pairwise(SHARES)]
        words = [f"{e.bias:+.1f}  {e.mean_absolute:.1f}  {e.count}" if e.count else "-" for e in cells]
        table.add_row(f"{flexion[0]} to {flexion[1]}°", *words)
    return table


def told(rows: Rows, encoder: SpineEncoder) -> Iterator[Told]:
    """Of every held-out lift seen from where an answer is expected."""
    for lift in lifts_of(rows, held_out_people(rows), encoder):
        if AIM[0] <= lift.at_bottom("view_from_side_deg") < AIM[1]:
            flexion = lift.told(encoder.head).spine_flexion_deg.value
            yield Told(lift.at_bottom("spine_flexion_deg"), lift.at_bottom("upper_back_share"), flexion)


def main() -> None:
    """Tell every lift, and print the table."""
    lifts = list(track(told(rows_of(sys.argv[1:]), SpineEncoder(new_core())), "looking", total=None))
    Console().print(table_of(lifts))


if __name__ == "__main__":
    main()
