"""Which lift that was told is which lift that really happened: one rule for every clip that has a label."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

Conditions = Mapping[str, str | float]
"""What was so while a lift happened, by name: ``{"view": "side", "distance_m": 4.5}``."""

SCORED: tuple[str, ...] = ("hinge", "squat", "rounded_back")
"""Techniques that an answer can be right about. Any other truth, such as ``borderline``, is a lift all the same."""

# A told lift may peak this long before its true beginning or after its true end: hand labels are that coarse.
NEAR_S = 0.4
# Among several people the lifter's centre lies this close to the label's, as a share of the picture's width.
NEAR_X = 0.12


@dataclass(frozen=True, slots=True)
class TrueLift:
    """One lift as labelled. Times in media seconds; ``peak_s`` is its bottom.

    x: the person's place as a fraction of the picture's width; None where the clip's only person lifts.
    exact: start and end are known well enough to time by. partial: cut by the clip's start or end, so it need
    not be found. spine_flexion_deg: at the bottom, None where nobody knows.
    """

    start_s: float
    peak_s: float
    end_s: float
    technique: str
    x: float | None = None
    spine_flexion_deg: float | None = None
    exact: bool = False
    partial: bool = False
    conditions: Conditions = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ToldLift:
    """One lift as the program told it; see ``core.records.Lift``. ``spine_spread_deg``: how unsure of the spine."""

    start_s: float
    peak_s: float
    end_s: float
    center_x: float | None
    technique: str
    confidence: float
    spine_flexion_deg: float | None = None
    spine_spread_deg: float | None = None


@dataclass(frozen=True, slots=True)
class Clip:
    """What is true of one clip. ``conditions`` hold throughout it; ``subjects`` are those its label names."""

    name: str
    lifts: tuple[TrueLift, ...]
    rendered: bool
    conditions: Conditions = field(default_factory=dict)
    subjects: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Match:
    """A lift that happened and was found."""

    truth: TrueLift
    told: ToldLift

    @property
    def scored(self) -> bool:
        """Whether its technique can be right or wrong."""
        return self.truth.technique in SCORED

    @property
    def covered(self) -> bool:
        """Whether a technique was told."""
        return self.told.technique != "unknown"

    @property
    def right(self) -> bool:
        """Whether the technique told is the true one."""
        return self.told.technique == self.truth.technique


@dataclass(frozen=True, slots=True)
class ScoredClip:
    """One clip's lifts, compared; or the part of them that happened under some condition.

    false: told lifts that did not happen; None where nobody can say under which condition they were told, and
    then ``watched_s`` is 0.
    """

    clip: Clip
    watched_s: float
    matches: tuple[Match, ...]
    missed: tuple[TrueLift, ...]
    false: tuple[ToldLift, ...] | None


def score(clip: Clip, told: Sequence[ToldLift], watched_s: float) -> ScoredClip:
    """Compare what was told of a clip with what is true of it."""
    pairs = match(clip.lifts, told)
    found, real = {i for i, _ in pairs}, {j for _, j in pairs}
    return ScoredClip(
        clip,
        watched_s,
        tuple(Match(clip.lifts[i], told[j]) for i, j in pairs),
        tuple(lift for i, lift in enumerate(clip.lifts) if i not in found),
        tuple(lift for j, lift in enumerate(told) if j not in real),
    )


def match(truth: Sequence[TrueLift], told: Sequence[ToldLift]) -> list[tuple[int, int]]:
    """Index pairs (true, told), one to one: of all that may belong together the closest peaks first."""
    candidates = sorted(
        (abs(lift.peak_s - said.peak_s), i, j)
        for i, lift in enumerate(truth)
        for j, said in enumerate(told)
        if _may_be(lift, said)
    )
    pairs: list[tuple[int, int]] = []
    for _, i, j in candidates:
        if all(i != taken and j != used for taken, used in pairs):
            pairs.append((i, j))
    return sorted(pairs)


def _may_be(lift: TrueLift, said: ToldLift) -> bool:
    in_time = lift.start_s - NEAR_S <= said.peak_s <= lift.end_s + NEAR_S
    return in_time and (lift.x is None or said.center_x is None or abs(lift.x - said.center_x) < NEAR_X)


def narrowed(
    clips: Sequence[ScoredClip], lift: Callable[[TrueLift], bool], whole: Callable[[Clip], bool]
) -> list[ScoredClip]:
    """Keep the lifts for which ``lift`` is true; false lifts and time of the clips for which ``whole`` is."""
    kept = []
    for clip in clips:
        part = replace(
            clip,
            matches=tuple(match for match in clip.matches if lift(match.truth)),
            missed=tuple(missed for missed in clip.missed if lift(missed)),
        )
        if not whole(clip.clip):
            part = replace(part, watched_s=0.0, false=None)
        if part.matches or part.missed or part.false is not None:
            kept.append(part)
    return kept
