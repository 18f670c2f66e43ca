"""When a person bends down and comes back: one lift. A state machine fed frame by frame.

*Depth* is how far a bend has gone: 1 where the trunk is inclined or the hips have dropped far enough to count
as a lift. A lift starts where depth leaves standing, peaks, and ends where it is back.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from math import hypot, inf
from statistics import median

from edge_agent.core.bend import BENT, BOTTOM, Bend, Moment, came_up, start_s
from edge_agent.core.kinematics import Back, Estimate, Kinematics
from edge_agent.core.lift_model import LiftProbability
from edge_agent.core.posture import Posture
from edge_agent.core.upright import Upright


@dataclass(frozen=True, slots=True)
class LiftThresholds:
    """What counts as a lift.

    full_trunk_deg: trunk inclination of a bend, relative to upright (ISO 11226 and REBA both start their
    middle band at 20° and the worst at 60°; 40° is the product's contract).
    full_drop: hip drop, share of standing hip height, of a squat; 0.3 is a knee flexion of about 90°.
    least_knee_deg: by keypoints, a drop of the hips counts no further than the knees are bent; half of what such a
    drop takes, for seen from the front a bent knee looks half as bent.
    told_trunk_deg, told_knee_deg: the same bend and the same squat as the spine model tells them. Both together
    make a lift where neither would alone: the root of the sum of their squares.
    max_hold_s: longer at the bottom is sitting, kneeling or working bent, not lifting.
    max_length_s, min_length_s: longest and shortest whole cycle.
    least_lowered_m: a lift lowers the shoulders on the picture, from where it starts or where it ends by this much
    at least, whatever the angles say; a trunk of 0.5 m inclined by 45° lowers them by 0.15 m. Of the bends that the
    lift model was trained on 6 of 306 lifts lower them less, and 100 of 164 others.
    most_travel_m: whose hips move further across the picture walks; none of those lifts, 19 of the others.
    least_probability: that a bend seen whole was a lift; ``models/lifts/README.md`` has what other values would have
    found and falsely told. It stands in the place of the depth above, which is told of 281 of those lifts only.
    """

    full_trunk_deg: float = 40.0
    full_drop: float = 0.30
    least_knee_deg: float = 40.0
    told_trunk_deg: float = 45.0
    told_knee_deg: float = 90.0
    max_hold_s: float = 5.0
    max_length_s: float = 12.0
    min_length_s: float = 0.6
    least_lowered_m: float = 0.10
    most_travel_m: float = 0.6
    least_probability: float = 0.5


# The depth below which the person certainly stands.
_STANDING = 0.22
# Coming back to less than this share of the peak and going down again is a second lift.
_VALLEY = 0.5
_LOOK_BACK_S = 1.5
# A bend that was in view neither going down nor coming up by this much is a person who works bent.
_MOVED = 0.75
# Angles that say so for this long are believed though the shoulders are still low: on steps, or closer to the camera.
_STANDS_S = 1.0
# What the spine model told corrects the keypoints for this long: it is asked in every other frame, where who bends is
# looked at.
_TOLD_LATELY_S = 0.2


def depth_of(posture: Posture, upright: Upright, thresholds: LiftThresholds, told: Kinematics | None) -> float:
    """0 upright, 1 a full bend or squat. What the spine model tells goes before the keypoints' word.

    On simulated lifts the trunk told is off by 3° from the side and 8° from the end of the body, the keypoints'
    by 6° and 23°; the knees by 8° and 12° against 14° and 25°.
    """
    if told is not None:
        by_trunk = _at_least(told.trunk_inclination_deg) / thresholds.told_trunk_deg
        return hypot(by_trunk, _at_least(told.knee_flexion_deg) / thresholds.told_knee_deg)
    trunk, drop = upright.inclination_deg(posture), upright.hip_drop(posture)
    by_trunk = trunk / thresholds.full_trunk_deg if trunk is not None else 0.0
    by_drop = drop / thresholds.full_drop if drop is not None else 0.0
    # Hips cannot drop with straight knees: then it is the feet that are misplaced, behind a box or a cart.
    by_knee = (posture.knee_flexion_deg or 0.0) / thresholds.least_knee_deg
    return max(by_trunk, min(by_drop, by_knee), 0.0)


def _at_least(angle: Estimate) -> float:
    """Less than told by a quarter of how far it may be off: who is hardly seen, from the end, must bend the more."""
    return max(angle.value - 0.25 * angle.spread, 0.0)


@dataclass(slots=True)
class LiftDetector:
    """Feeds on one person's postures, gives those of their finished bends that were lifts.

    ``from_start``: a bend that begins bent counts, for it was so from the stream's start. Somebody who is first seen
    bent later on was found again, after losing sight of them who knows how long before.
    """

    probability: LiftProbability
    thresholds: LiftThresholds = field(default_factory=LiftThresholds)
    upright: Upright = field(default_factory=Upright)
    depth: float = 0.0
    from_start: bool = True
    _recent: deque[Moment] = field(default_factory=deque)
    _before: tuple[Moment, ...] = ()
    _bend: list[Moment] = field(default_factory=list)
    _from_valley: bool = False
    _raw: deque[float] = field(default_factory=lambda: deque(maxlen=3))
    _beyond: float = 0.0
    _told_s: float = -inf

    @property
    def bending(self) -> bool:
        """Whether the person is on the way down, at the bottom or on the way up."""
        return bool(self._bend)

    @property
    def standing(self) -> tuple[Moment, ...]:
        """The last moments, since the last bend ended; empty during a bend."""
        return tuple(self._recent)

    def update(self, posture: Posture, back: Back | None, told: Kinematics | None = None) -> Bend | None:
        """Take one frame; return the bend that it finished, if it did."""
        self._raw.append(self._depth(posture, told))
        self.depth = median(self._raw)
        moment = Moment(posture, self.depth, back)
        if not self._bend:
            return self._stand(moment, told)
        self._bend.append(moment)
        end = self._end()
        if end is not None:
            self.upright.learn(posture, back, told)
            moments, since = self._bend[: end + 1], self._bend[end:]
            bend = self._finish(moments, moments[-1].time_s)
            self._recent.extend(since)  # the next bend may begin with the very next frame
            return bend
        return self._split()

    def carry(self, posture: Posture) -> None:
        """Somebody who stands or walks is elsewhere, and has hardly changed: nothing is learnt of how they stand."""
        if self._recent:
            self.upright.move(self._recent[-1].posture, posture)
        self._stood(Moment(replace(posture, trunk_lean_deg=None), self.depth, None))

    def flush(self, *, ended: bool) -> Bend | None:
        """What is left of a bend, if it was deep enough: the video has ended, or else the person is gone.

        Of somebody lost from sight on the way down or at the bottom nobody knows whether they came up again; and what
        was bent from the stream's first frame to its last may be a machine.
        """
        if not self._bend:
            return None
        deepest = max(moment.depth for moment in self._bend)
        lost = not ended and self._bend[-1].depth > _MOVED * deepest
        never_stood = min(self._bend[0].depth, self._bend[-1].depth) > _VALLEY * deepest
        if lost or never_stood:
            self._bend = []
            return None
        return self._finish(self._bend, self._bend[-1].time_s, ended=ended)

    def _depth(self, posture: Posture, told: Kinematics | None) -> float:
        """Between two frames in which the spine model was asked the keypoints tell the change since the first."""
        by_keypoints = depth_of(posture, self.upright, self.thresholds, None)
        if told is not None:
            depth = depth_of(posture, self.upright, self.thresholds, told)
            self._beyond, self._told_s = depth - by_keypoints, posture.time_s
            return depth
        lately = posture.time_s - self._told_s <= _TOLD_LATELY_S
        return max(by_keypoints + self._beyond, 0.0) if lately else by_keypoints

    def _stand(self, moment: Moment, told: Kinematics | None) -> Bend | None:
        if self.depth < BENT:
            self.upright.learn(moment.posture, moment.back, told)
            self._stood(moment)
            return None
        before = list(self._recent)
        onset = next((i for i in range(len(before) - 1, -1, -1) if before[i].depth < _STANDING), 0)
        self._before = tuple(before[: onset + 1])
        self._bend = [*before[onset:], moment]
        self._recent.clear()
        return None

    def _stood(self, moment: Moment) -> None:
        self._recent.append(moment)
        while moment.time_s - self._recent[0].time_s > _LOOK_BACK_S:
            self._recent.popleft()

    def _end(self) -> int | None:
        """Which moment ended the bend: back in a standing posture, or nearly and no longer rising.

        This one, if the shoulders are up again; else the one with which a second of standing began.
        """
        if self.depth >= BENT or not (self.depth < _STANDING or self._settled()):
            return None
        last = len(self._bend) - 1
        if came_up(self._bend):
            return last
        bent = max(i for i, moment in enumerate(self._bend) if moment.depth >= BENT)
        stood = next((i for i in range(bent + 1, last) if self._bend[i].depth < _STANDING), bent + 1)
        return stood if self._bend[last].time_s - self._bend[stood].time_s >= _STANDS_S else None

    def _settled(self) -> bool:
        """Back up, though not quite to standing: no longer rising for half a second."""
        now = self._bend[-1]
        lately = [m.depth for m in self._bend if now.time_s - m.time_s <= 0.5]
        return max(lately) - min(lately) < 0.1

    def _split(self) -> Bend | None:
        """Down again without standing up in between: the valley ends one lift and starts the next."""
        depths = [moment.depth for moment in self._bend]
        top = max(range(len(depths)), key=depths.__getitem__)
        after = depths[top:]
        valley = top + min(range(len(after)), key=after.__getitem__)
        low, now = depths[valley], depths[-1]
        if low > _VALLEY * min(depths[top], 1.5) or now < low + 0.4 or depths[top] < 1:
            return None
        if not came_up(self._bend[: valley + 1]):
            return None
        first, rest = self._bend[: valley + 1], self._bend[valley:]
        bend = self._finish(first, first[-1].time_s)
        self._bend, self._before, self._from_valley = rest, (), True
        return bend

    def _finish(self, moments: Sequence[Moment], end_s: float, *, ended: bool = False) -> Bend | None:
        bend = Bend(tuple(moments), start_s(self._before, moments), end_s)
        self._bend = []
        self._recent.clear()
        began_bent = bend.moments[0].depth >= BENT and not self._from_valley
        unseen = began_bent and not self.from_start
        cut = began_bent or (ended and bend.moments[-1].depth >= BENT)
        self.from_start = self._from_valley = False
        return bend if not unseen and self._is_lift(bend, cut=cut) else None

    def _is_lift(self, bend: Bend, *, cut: bool) -> bool:
        limits = self.thresholds
        peak = max(moment.depth for moment in bend.moments)
        length_s = bend.end_s - bend.start_s
        bottom = bend.bottom(BOTTOM)
        held_s = bottom[-1].time_s - bottom[0].time_s
        moved = min(bend.moments[0].depth, bend.moments[-1].depth) <= _MOVED * peak
        brief = limits.min_length_s <= length_s <= limits.max_length_s and held_s <= limits.max_hold_s
        if not (moved and brief):
            return False
        # Of bends that the stream cut the model has seen none.
        likely = peak >= 1 if cut else self.probability(bend) >= limits.least_probability
        return likely and self._went_down(bend) and bend.travel_m <= limits.most_travel_m

    def _went_down(self, bend: Bend) -> bool:
        """Down and up again. Who only comes down, as from a step or onto a knee, does not lift."""
        from_start_m, to_end_m = bend.lowered_m
        sank = from_start_m > 0 or bend.moments[0].depth >= BENT
        rose = to_end_m > 0 or bend.moments[-1].depth >= BENT
        return sank and rose and max(from_start_m, to_end_m) >= self.thresholds.least_lowered_m
