"""Who is who from frame to frame. Identities live in memory only and are never reused or compared later.

No detector runs while a track holds: the last landmarks, and what has moved since, say where to look next. A person
hidden behind another keeps the track for a while as *occluded*; two tracks that land on one body are told apart by
where each was heading and by the colour of the clothes, so that people who cross are never merged.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from edge_agent.core import crop
from edge_agent.core.crop import Crop
from edge_agent.core.records import Floats, Pose
from edge_agent.core.skeleton import ANKLES, HIPS, KNEES, SHOULDERS, Landmark

_MAIN_JOINTS = np.array([*SHOULDERS, *HIPS, *KNEES, *ANKLES])
_OTHER_SIDE = _MAIN_JOINTS.reshape(-1, 2)[:, ::-1].ravel()

# A person crosses a 2 m wide occluder at a slow 1.2 m/s in about 1.7 s.
OCCLUSION_S = 2.0
# MediaPipe's ``min_tracking_confidence``.
MIN_SCORE = 0.5
# Two poses are one body when their joints lie closer together than this share of the body's reach. Limbs of
# two people side by side differ by more than half a shoulder width, about 0.2 of the reach.
_SAME_BODY = 0.15
# A newcomer whose torso lies this close (share of the reach) to the limbs of a tracked person is that person.
_ON_BODY = 0.17
# A new track must be seen this often in a row before it counts: ghosts on furniture do not last.
CONFIRM_LOOKS = 4
# Mean visibility of the main joints below which a pose is no evidence of a new person.
_MIN_VISIBILITY = 0.5
# A hip moves at most this share of the reach between two looks; faster means another person was caught.
_MAX_JUMP = 0.5
# Colour distance (8-bit Lab units) at which clothes count as different.
_OTHER_CLOTHES = 60.0
# A body's reach shrinks no faster than with this time constant: a bend takes a fifth of it, somebody who walks away
# less. Faster, and a few bad looks in a row draw the crop together until nothing is left in it.
_SHRINK_S = 4.0
# Logarithm by which the reach may differ from look to look before a track is believed in (a factor of 1.5): what the
# network draws on machines and on other people's legs changes its size all the time.
_STEADY = 0.4
# A body this many times larger than the one that is followed in its place is the whole person, of whom the track has
# only a part: landmarks that slipped together onto the legs hold there, and look well.
_WHOLE = 1.4
# Nobody grows: one much larger than the track ever was is the person and the column behind them. Who has been looked
# at less often than this may never have been followed wholly.
_GROWN, _YOUNG_LOOKS = 1.3, 20
# Velocity is forgotten with this time constant while a person is hidden.
_GLIDE_S = 0.7


@dataclass(frozen=True, slots=True, eq=False)
class Sighting:
    """A pose and the (3,) mean Lab colour of its torso; measured once, for each look asks for these a dozen times.

    ``hip`` and ``shoulder``: (2,) the middle between both, frame pixels. ``reach_px``: from the mid-hip to the
    farthest landmark.
    """

    pose: Pose
    colour: Floats
    hip: Floats = field(init=False)
    shoulder: Floats = field(init=False)
    reach_px: float = field(init=False)

    def __post_init__(self) -> None:
        xy = self.pose.xy
        hip, shoulder = ((xy[left] + xy[right]) / 2 for left, right in (HIPS, SHOULDERS))
        object.__setattr__(self, "hip", hip)
        object.__setattr__(self, "shoulder", shoulder)
        object.__setattr__(self, "reach_px", float(np.hypot(*(xy - hip).T).max()))

    @property
    def torso(self) -> Floats:
        """(2,) middle of the torso, frame pixels."""
        return np.asarray((self.hip + self.shoulder) / 2, np.float32)


@dataclass(slots=True, eq=False)
class Track:
    """One person as long as they stay in view. ``person`` numbers those believed in, within this run only."""

    last: Sighting
    seen_s: float
    looked_s: float = field(init=False)
    velocity_px_s: Floats = field(default_factory=lambda: np.zeros(2, np.float32))
    reach_px: float = 0.0
    largest_px: float = 0.0
    occluded: bool = False
    looks: int = 1
    person: int | None = None

    @property
    def confirmed(self) -> bool:
        """Seen often enough to be believed."""
        return self.looks >= CONFIRM_LOOKS

    def __post_init__(self) -> None:
        self.reach_px = self.largest_px = self.last.reach_px
        self.looked_s = self.seen_s

    def expected_hip(self, time_s: float) -> Floats:
        """(2,) where the mid-hip should be now; a hidden person glides on and slows down."""
        ahead_s = _GLIDE_S * (1 - np.exp(-max(time_s - self.seen_s, 0.0) / _GLIDE_S))
        return np.asarray(self.last.hip + self.velocity_px_s * np.float32(ahead_s), np.float32)

    def crop(self, time_s: float) -> Crop:
        """Where to look for this person now."""
        moved = self.expected_hip(time_s) - self.last.hip
        return crop.around(self.last.hip + moved, self.last.shoulder + moved, self.reach_px)

    def misfit(self, seen: Sighting, time_s: float) -> float:
        """How badly a sighting suits this person: 0 perfect, above 1 hardly the same."""
        off = float(np.hypot(*(seen.hip - self.expected_hip(time_s)))) / self.reach_px
        allowed = _MAX_JUMP * (1 + max(time_s - self.seen_s, 0.0))
        clothes = float(np.linalg.norm(seen.colour - self.last.colour)) / _OTHER_CLOTHES
        return off / allowed + 0.5 * clothes**2

    def is_seen_in(self, seen: Sighting, time_s: float) -> bool:
        """Whether a look shows this person. A newcomer must hold still, stand upright and keep their size."""
        if self.confirmed:
            return self.misfit(seen, time_s) < 1.5
        if upside_down(seen):
            return False
        steady = abs(float(np.log(max(seen.reach_px, 1.0) / self.reach_px))) < _STEADY
        return steady and self.misfit(seen, time_s) < 1

    def has_but_part_of(self, reach_px: float) -> bool:
        """Whether somebody of that size, found in this track's place, is much larger than what is followed."""
        grown = self.looks >= _YOUNG_LOOKS and reach_px > _GROWN * self.largest_px
        return reach_px > _WHOLE * self.reach_px and not grown

    def reseat(self, seen: Sighting, time_s: float) -> None:
        """The whole person has been found again where only a part was followed."""
        self.follow(seen, time_s)
        self.reach_px = seen.reach_px
        self.largest_px = max(self.largest_px, self.reach_px)

    def follow(self, seen: Sighting, time_s: float) -> None:
        """Take a sighting as this person's."""
        elapsed_s = time_s - self.seen_s
        if elapsed_s > 0:
            velocity = (seen.hip - self.last.hip) / np.float32(elapsed_s)
            self.velocity_px_s = np.asarray(0.5 * self.velocity_px_s + 0.5 * velocity, np.float32)
        colour = np.asarray(0.9 * self.last.colour + 0.1 * seen.colour, np.float32)
        carried = seen.pose.crop_xy is self.last.pose.crop_xy  # the last look's own landmarks: no news of their size
        self.last = Sighting(seen.pose, colour)
        self.seen_s, self.occluded = time_s, False
        if carried:
            return
        slowly = self.reach_px * float(np.exp(-max(time_s - self.looked_s, 0.0) / _SHRINK_S))
        self.reach_px = max(0.5 * self.reach_px + 0.5 * seen.reach_px, slowly)
        self.largest_px = max(self.largest_px, self.reach_px)
        self.looks, self.looked_s = self.looks + 1, time_s


def same_body(one: Sighting, other: Sighting) -> bool:
    """Whether two poses were drawn on one and the same person, whichever side of theirs each takes for the left."""
    joints, reach_px = one.pose.xy[_MAIN_JOINTS], max(one.reach_px, other.reach_px)
    gaps_px = (np.median(np.hypot(*(joints - other.pose.xy[sides]).T)) for sides in (_MAIN_JOINTS, _OTHER_SIDE))
    return float(min(gaps_px)) < _SAME_BODY * reach_px


def on_body(point: Floats, seen: Sighting) -> bool:
    """Whether a (2,) frame point lies on the trunk, head or legs of a person."""
    joints = seen.pose.xy
    chain = [
        joints[Landmark.NOSE],
        seen.shoulder,
        seen.hip,
        joints[list(KNEES)].mean(0),
        joints[list(ANKLES)].mean(0),
    ]
    nearest = min(_distance_to_segment(point, a, b) for a, b in pairwise(chain))
    return nearest < _ON_BODY * seen.reach_px


def upside_down(seen: Sighting) -> bool:
    """Whether shoulders hang far below the hips, or feet stand above them, as no worker's do.

    Many a ghost's on a machine does, or on somebody's shadow, which begins at their feet and lies head down.
    """
    trunk, feet = seen.shoulder - seen.hip, seen.pose.xy[list(ANKLES)].mean(0) - seen.hip
    hangs = float(trunk[1]) > 0.8 * abs(float(trunk[0])) + 0.1 * seen.reach_px
    return hangs or float(feet[1]) < -0.1 * seen.reach_px


def near(track: Track, others: Sequence[Track], time_s: float) -> bool:
    """Whether somebody else is, or should be now, so close by that clothes may be mistaken for one another's."""
    here = track.last.hip, track.expected_hip(time_s)
    return any(
        float(np.hypot(*(there - hip))) < max(track.reach_px, other.reach_px)
        for other in others
        for hip, there in zip(here, (other.last.hip, other.expected_hip(time_s)), strict=True)
    )


def _overlap(one: Sighting, other: Sighting) -> bool:
    return on_body(one.torso, other) or on_body(other.torso, one)


def _distance_to_segment(point: Floats, start: Floats, end: Floats) -> float:
    along = end - start
    share = float(np.clip(np.dot(point - start, along) / max(float(np.dot(along, along)), 1e-6), 0, 1))
    return float(np.hypot(*(point - start - share * along)))


class Tracker:
    """The people of one camera."""

    def __init__(self) -> None:
        self.tracks: list[Track] = []
        self.people = 0

    @property
    def visible(self) -> list[Track]:
        """Tracks whose person was seen in the last update."""
        return [track for track in self.tracks if not track.occluded]

    def update(self, looks: Sequence[tuple[Track, Sighting]], time_s: float) -> list[Track]:
        """Take this frame's look at every track; return the tracks that are given up."""
        good = [(t, s) for t, s in looks if s.pose.score >= MIN_SCORE and t.is_seen_in(s, time_s)]
        good.sort(key=lambda look: (look[0].occluded, look[0].misfit(look[1], time_s)))
        taken: list[Sighting] = []
        for track in self.tracks:
            track.occluded = True
        for track, seen in good:
            if not any(same_body(seen, other) for other in taken):
                track.follow(seen, time_s)
                taken.append(seen)
                self._believe(track)
        gone = [track for track in self.tracks if self._lost(track, time_s)]
        self.tracks = [track for track in self.tracks if track not in gone]
        return gone

    def _believe(self, track: Track) -> None:
        if track.confirmed and track.person is None:
            track.person = self.people
            self.people += 1

    @staticmethod
    def _lost(track: Track, time_s: float) -> bool:
        patience_s = OCCLUSION_S if track.confirmed else 0.0
        return time_s - track.seen_s > patience_s

    def knows(self, point: Floats, reach_px: float) -> bool:
        """Whether somebody of that size at a (2,) frame point is tracked and visible, and wholly so."""
        here = self._at(point)
        return bool(here) and not all(track.has_but_part_of(reach_px) for track in here)

    def is_borne_out(self, point: Floats, seen: Sighting) -> bool:
        """Whether the landmarks of somebody found at a (2,) frame point show more than what is followed there."""
        return all(track.has_but_part_of(seen.reach_px) for track in self._at(point))

    def _at(self, point: Floats) -> list[Track]:
        return [track for track in self.visible if on_body(point, track.last)]

    def admit(self, newcomers: Sequence[Sighting], time_s: float) -> None:
        """Give each newly detected body to the occluded track that it suits, or to a new track."""
        for seen in newcomers:
            visibility = float(seen.pose.visibility[_MAIN_JOINTS].mean())
            unclear = seen.pose.score < MIN_SCORE or visibility < _MIN_VISIBILITY or upside_down(seen)
            if unclear or self.knows(seen.torso, seen.reach_px):
                continue
            self._seat(seen, time_s)

    def _seat(self, seen: Sighting, time_s: float) -> None:
        """A body that nobody follows: a part of it is followed, or it was lost from sight, or it is new."""
        parts = (track for track in self.visible if track.has_but_part_of(seen.reach_px))
        part = next((track for track in parts if _overlap(track.last, seen)), None)
        hidden = [track for track in self.tracks if track.occluded]
        best = min(hidden, key=lambda track: track.misfit(seen, time_s), default=None)
        if part is not None:
            part.reseat(seen, time_s)
        elif best is not None and best.misfit(seen, time_s) < 1:
            (best.reseat if best.has_but_part_of(seen.reach_px) else best.follow)(seen, time_s)
        else:
            self.tracks.append(Track(seen, time_s))
