"""What the spine model was measured to do on simulated people held out of its training: its card, as shipped.

Written by ``models/spine/ablate.py``, shown by the report of ``edge-agent evaluate``. A card whose counts do not add
up can be neither written nor read.
"""

from importlib.resources import files
from typing import Final, Self

from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, PositiveInt, ValidationError, model_validator

from edge_agent.core.figures import Errors, Share
from edge_agent.errors import RunError

Span = tuple[int, int]
"""View from the side in degrees, from the first and below the second; 90 belongs to the last span."""

NEAR_SPANS: Final[tuple[Span, ...]] = ((0, 30), (30, 60))
AIM: Final[Span] = (0, 60)
"""Where an answer is expected: both NEAR_SPANS together."""
SPANS: Final[tuple[Span, ...]] = (*NEAR_SPANS, (60, 90), AIM)
ASSET: Final = files("edge_agent") / "assets" / "spine-card.json"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def _check(holds: bool, what: str) -> None:
    if not holds:
        raise ValueError(what)


class Row(_Part):
    """Lifts of one span of views.

    lifts: all, those between two techniques included. coverage: of lifts with a plain technique, those told.
    accuracy, rounded_recall (of rounded backs) and rounded_false_alarm (of the others) are of the told ones. The
    errors, of all ``lifts``: spine flexion in degrees; stoop-squat index, 0 to 100.
    """

    view_deg: Span
    lifts: NonNegativeInt
    coverage: Share
    accuracy: Share
    rounded_recall: Share
    rounded_false_alarm: Share
    spine_flexion_deg: Errors
    stoop_squat_index: Errors

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        shares = self.coverage, self.accuracy, self.rounded_recall, self.rounded_false_alarm
        _check(all(0 <= share.part <= share.whole for share in shares), "a part is larger than its whole")
        _check(self.coverage.whole <= self.lifts, "more plain techniques than lifts")
        _check(self.accuracy.whole == self.coverage.part, "accuracy is not of the lifts told")
        rounded_or_not = self.rounded_recall.whole + self.rounded_false_alarm.whole
        _check(rounded_or_not == self.coverage.part, "rounded backs and others are not all the lifts told")
        errors = self.spine_flexion_deg, self.stoop_squat_index
        _check(all(error.count == self.lifts for error in errors), "not every lift has its errors")
        return self


def _check_spans(rows: tuple[Row, ...]) -> None:
    _check(tuple(row.view_deg for row in rows) == SPANS, f"the views are not {SPANS}")
    near, aim = rows[: len(NEAR_SPANS)], rows[SPANS.index(AIM)]
    _check(sum(row.lifts for row in near) == aim.lifts, "lifts near the side do not add up")
    _check(sum(row.accuracy.part for row in near) == aim.accuracy.part, "right lifts near the side do not add up")


class Variant(_Part):
    """One way to tell the same lifts. ``unseen_lifts``: those which only the other variants saw; in no row."""

    name: str
    unseen_lifts: NonNegativeInt = 0
    rows: tuple[Row, ...]

    @model_validator(mode="after")
    def _every_span(self) -> Self:
        _check_spans(self.rows)
        return self

    def row(self, span: Span) -> Row:
        """The row of one of SPANS."""
        return self.rows[SPANS.index(span)]


class Ablation(_Part):
    """Variants that differ in one part, told the same lifts. ``how``: one sentence on what was done."""

    name: str
    how: str
    variants: tuple[Variant, ...]

    @model_validator(mode="after")
    def _same_lifts(self) -> Self:
        counts = {tuple(row.lifts for row in variant.rows) for variant in self.variants}
        _check(len(counts) == 1, f"{self.name}: the variants were not told the same lifts")
        return self


class Cue(_Part):
    """One cue against the truth of the frames.

    rule: when it is given. lifts: those in which view and certainty allow it, and of which frames enough were drawn
    to ask; ``withheld``: the others. said: lifts that got it. true: lifts that by their truth deserve it. right:
    both. angle_deg: the degrees in its sentence against the truth, of the lifts that got it and whose truth is known.
    """

    name: str
    rule: str
    lifts: NonNegativeInt
    withheld: NonNegativeInt
    said: NonNegativeInt
    true: NonNegativeInt
    right: NonNegativeInt
    angle_deg: Errors

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        _check(self.right <= min(self.said, self.true), "more right than said or true")
        _check(max(self.said, self.true) <= self.lifts, "more said or true than lifts")
        _check(self.angle_deg.count <= self.said, "more angles than cues said")
        return self

    @property
    def precision(self) -> Share:
        """Of the lifts that got it, those that deserve it."""
        return Share(self.right, self.said)

    @property
    def recall(self) -> Share:
        """Of the lifts that deserve it, those that got it."""
        return Share(self.right, self.true)


class Data(_Part):
    """Simulated people, one lift each. held_out_lifts: those of held-out people whose bottom was seen.

    cue_lifts: others besides, drawn for the cues alone: seen from beginning to end, some with dropped heads.
    """

    people: PositiveInt
    held_out_people: PositiveInt
    frames: PositiveInt
    held_out_lifts: PositiveInt
    cue_lifts: NonNegativeInt

    @model_validator(mode="after")
    def _one_lift_each(self) -> Self:
        _check(self.held_out_lifts <= self.held_out_people <= self.people, "more held-out lifts than people")
        return self


class SpineCard(_Part):
    """Everything measured when the model was made. ``held_out``: rows of the model as shipped."""

    data: Data
    held_out: tuple[Row, ...]
    ablations: tuple[Ablation, ...] = Field(min_length=1)
    cues: tuple[Cue, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        _check_spans(self.held_out)
        everywhere = sum(row.lifts for row in self.held_out if row.view_deg != AIM)
        _check(everywhere == self.data.held_out_lifts, "the rows do not hold every held-out lift")
        asked = everywhere + self.data.cue_lifts
        _check(all(cue.lifts + cue.withheld == asked for cue in self.cues), "a cue does not account for every lift")
        return self


def load_card() -> SpineCard:
    """The card that is shipped. Raises RunError for a damaged installation."""
    try:
        return SpineCard.model_validate_json(ASSET.read_text(encoding="utf-8"))
    except (OSError, ValidationError) as error:
        raise RunError("the spine model's card is missing or damaged", "install Hingewatch again") from error
