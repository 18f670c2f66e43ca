"""Lifts of the people on whom the network was never trained, as the product tells them, beside their truth.

Usage: python models/spine/heldout.py EXTRACTED.npz...    (in the product's own environment)
prints the names of the held-out people, for ``extract.py --people``.
"""

import sys
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from rows import LEAST_DROP_M, Rows, by_person, held_out, rows_of

from edge_agent.core.bodyview import BodyView
from edge_agent.core.figures import Errors, Share
from edge_agent.core.kinematics import Kinematics, TellAngles, middle
from edge_agent.core.technique import Measures, TechniqueThresholds, Verdict, judge
from edge_agent.pose.spine_encoder import SpineEncoder
from edge_agent.spine_card import SPANS, Row, Span

BOTTOM = 0.8
MOMENTS = 9  # a real lift has at least so many at its bottom; these have few, but not because it was seen too briefly


@dataclass(frozen=True, eq=False)
class HeldOutLift:
    """One lift: the codes of its frames and of standing, and the truth of each frame.

    bottom: the frames at the bottom, at least two. truth: all columns of `extract.py`, for the frames of the lift.
    """

    codes: np.ndarray  # (frames, networks, 64)
    upright: np.ndarray  # (networks, 64)
    bottom: np.ndarray
    truth: Rows

    def word(self, name: str) -> str:
        """What is true of the whole lift: its sequence, technique, legs."""
        return str(self.truth[name][0])

    def at_bottom(self, name: str) -> float:
        """The median of a truth over the bottom."""
        return float(np.median(self.truth[name][self.bottom]))

    @property
    def index(self) -> float:
        """True stoop-squat index."""
        hip, shoulder = (self.truth[f"{part}_drop_m"][self.bottom] for part in ("hip", "shoulder"))
        return float(np.median(np.clip(100 * (1 - hip / shoulder), 0, 100)))

    @property
    def deepest(self) -> list[int]:
        """The one frame nearest the bottom."""
        return [int(np.argmax(self.truth["shoulder_drop_m"]))]

    def told(self, tell: TellAngles, frames: Sequence[int] | None = None, *, standing: bool = True) -> Kinematics:
        """What the model tells from these frames, or the whole bottom; by who has seen the person standing or not."""
        reference = self.upright if standing else None
        return middle([tell(self.codes[i], reference) for i in (self.bottom if frames is None else frames)])


def held_out_people(rows: Rows) -> set[str]:
    """Their names."""
    names = np.unique(rows["sequence"])
    return set(names[held_out(names)].tolist())


def lifts_of(rows: Rows, people: Collection[str], encoder: SpineEncoder) -> Iterator[HeldOutLift]:
    """Every lift of these people whose bottom was seen in at least two frames, and who was seen standing."""
    for here in by_person(rows):
        if str(rows["sequence"][here[0]]) not in people:
            continue
        bent = rows["phase"][here] != "upright"
        during, drop = here[bent], rows["shoulder_drop_m"][here]
        deep = drop[bent] >= BOTTOM * drop.max()
        if deep.sum() < 2 or drop.max() < LEAST_DROP_M or bent.all():
            continue
        codes = np.array([_code(rows, row, encoder) for row in during])
        upright = np.mean([_code(rows, row, encoder) for row in here[~bent]], 0)
        truth = {name: values[during] for name, values in rows.items()}
        yield HeldOutLift(codes, upright, np.flatnonzero(deep), truth)


def _code(rows: Rows, row: int, encoder: SpineEncoder) -> np.ndarray:
    return encoder.encode(BodyView(rows["mask"][row].astype(np.float32) / 255, rows["values"][row]))


def measures_of(told: Kinematics) -> Measures:
    """As the product's core has them of a lift seen for long enough."""
    trunk, knee = told.trunk_inclination_deg.value, told.knee_flexion_deg.value
    return Measures(told, trunk, knee, told.stoop_squat_index, told.view_from_side_deg.value, MOMENTS)


def rows_by_view(lifts: Sequence[HeldOutLift], tell: Callable[[HeldOutLift], Kinematics]) -> tuple[Row, ...]:
    """For each of SPANS how well these lifts are told."""
    answers = [(lift, tell(lift)) for lift in lifts]
    views = [min(lift.at_bottom("view_from_side_deg"), 89.99) for lift in lifts]
    return tuple(
        _row(span, [answer for answer, view in zip(answers, views, strict=True) if span[0] <= view < span[1]])
        for span in SPANS
    )


def _row(span: Span, answers: Sequence[tuple[HeldOutLift, Kinematics]]) -> Row:
    plain = [(lift.word("technique"), verdict_of(told)) for lift, told in answers if is_plain(lift)]
    covered = [(true, said.technique) for true, said in plain if said.technique != "unknown"]
    rounded = [said == "rounded_back" for true, said in covered if true == "rounded_back"]
    others = [said == "rounded_back" for true, said in covered if true != "rounded_back"]
    return Row(
        view_deg=span,
        lifts=len(answers),
        coverage=Share(len(covered), len(plain)),
        accuracy=Share(sum(true == said for true, said in covered), len(covered)),
        rounded_recall=Share(sum(rounded), len(rounded)),
        rounded_false_alarm=Share(sum(others), len(others)),
        spine_flexion_deg=errors_of(
            told.spine_flexion_deg.value - lift.at_bottom("spine_flexion_deg") for lift, told in answers
        ),
        stoop_squat_index=errors_of(told.stoop_squat_index.value - lift.index for lift, told in answers),
    )


def errors_of(errors: Iterator[float]) -> Errors:
    """Rounded to what they are worth."""
    of = Errors.of(errors)
    if of.mean_absolute is None or of.bias is None:
        return of
    return Errors(of.count, round(of.mean_absolute, 2), round(of.bias, 2))


def is_plain(lift: HeldOutLift) -> bool:
    """Whether it has one true technique."""
    return lift.word("technique") != "borderline"


def verdict_of(told: Kinematics) -> Verdict:
    """By the product's own defaults."""
    return judge(measures_of(told), TechniqueThresholds())


if __name__ == "__main__":
    print("\n".join(sorted(held_out_people(rows_of(sys.argv[1:])))))
