"""One frame's whole journey, top to bottom: picture → people → poses → postures → bends → judged lifts.

``Watch`` makes the journey for one camera; ``Box`` takes the lifts from there out of the building.
"""

from dataclasses import dataclass, replace

import numpy as np

from edge_agent import __version__
from edge_agent.core import crop, search
from edge_agent.core.bend import Bend, Moment
from edge_agent.core.cues import CueThresholds, Seen, cues
from edge_agent.core.doze import STILL_S
from edge_agent.core.follower import Follower
from edge_agent.core.lifts import LiftDetector
from edge_agent.core.light import Light
from edge_agent.core.posture import Posture
from edge_agent.core.records import Floats, Frame, Image, Lift, Pose
from edge_agent.core.technique import TechniqueThresholds, judge, measure_bend, read_bend, view_of
from edge_agent.core.tracking import Sighting, Track, Tracker
from edge_agent.pose.detector import Detection, Window
from edge_agent.pose.eyes import Eyes
from edge_agent.pose.pixels import blank, torso_colour
from edge_agent.pose.retouch import Retouch
from edge_agent.pose.scout import Scout
from edge_agent.settings import CameraSettings

MODEL = f"dowel-{__version__}"
"""What judged a lift, as it stands in the event."""

# Who is found within this time of a stream's first frame was there when it began.
_EARLY_S = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class Person:
    """One person in the frame just seen: for drawing and plotting on this box only."""

    number: int
    pose: Pose
    moment: Moment
    spine_flexion_deg: float | None


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """What one frame gave: everyone in it, and the lifts that ended with it.

    ``heads`` are the last poses of all that are followed, those hidden or not yet believed in included: for
    blurring faces. For metrics: ``searches`` are words of ``search.SEARCHES``, one for each window; ``repeats``: how
    many people were looked at once more; ``captured_s`` is the frame's. ``earlier``: looks at frames that had been
    passed over; the lifts that ended in them are told here.
    """

    time_s: float
    people: tuple[Person, ...] = ()
    lifts: tuple[Lift, ...] = ()
    heads: tuple[Pose, ...] = ()
    searches: tuple[str, ...] = ()
    repeats: int = 0
    captured_s: float | None = None
    earlier: tuple["Look", ...] = ()


class Watch:
    """The eyes' and mind's work on one camera's frames, in order."""

    def __init__(self, camera: CameraSettings, eyes: Eyes, thresholds: TechniqueThresholds) -> None:
        self.use(camera, eyes, thresholds)
        self._tracker = Tracker()
        self._retouch = Retouch()
        self._scout = Scout()
        self._search_due_s = 0.0
        self._followers: dict[int, Follower] = {}
        self._first_s: float | None = None
        self._searched_s = self._stirred_s = 0.0
        self._size = (1, 1)
        self._found: list[Lift] = []  # not told yet: a network that fails later in the same look loses none

    def use(self, camera: CameraSettings, eyes: Eyes, thresholds: TechniqueThresholds) -> None:
        """From the next look on; whoever is followed stays followed."""
        self.camera, self._eyes, self._thresholds = camera, eyes, thresholds

    @property
    def people(self) -> int:
        """How many different people were seen so far."""
        return self._tracker.people

    @property
    def followed(self) -> int:
        """How many people are followed now."""
        return sum(track.confirmed for track in self._tracker.tracks)

    @property
    def bending(self) -> bool:
        """Whether somebody was bent, or on the way, when last looked at."""
        return any(follower.detector.bending for follower in self._followers.values())

    @property
    def still(self) -> bool:
        """Whether for some time nobody has been followed and nothing has moved."""
        return not self._tracker.tracks and self._searched_s - self._stirred_s >= STILL_S

    @property
    def light(self) -> Light:
        """What the pictures were last measured to show, before they were made clear."""
        return self._retouch.light

    @property
    def due_s(self) -> float:
        """From which media time on a frame is worth a look; earlier ones would show nothing new."""
        tracks = self._tracker.tracks
        if not tracks:
            return self._search_due_s
        if any(track.occluded for track in tracks):
            return 0.0
        return min(self._follower(track).due_s for track in tracks)

    def look(self, frame: Frame) -> Look:
        """Take one frame on its journey, and before it those passed over in which somebody began to move.

        Raises InferenceError: then nothing is concluded from this frame.
        """
        frame = self._prepared(frame)
        poses, moved = self._glance(frame)
        earlier: list[Look] = []
        if moved and frame.passed_over:
            for develop in frame.passed_over:
                passed = self._prepared(develop())
                earlier.append(self._look_at(passed, *self._glance(passed)))
            poses, moved = self._glance(frame)
        look = self._look_at(frame, poses, moved)
        lifts, self._found = tuple(self._found), []
        return replace(look, lifts=lifts, earlier=tuple(earlier))

    def finish(self) -> list[Lift]:
        """The video has ended: judge the bends that are still going on."""
        return [lift for track in self._tracker.tracks for lift in self._farewell(track, ended=True)]

    def _prepared(self, frame: Frame) -> Frame:
        """Noise and darkness taken out where they are in the way; then what the masks hide, which may be new."""
        return replace(frame, image=blank(self._retouch.clear(frame.image), self.camera.masks))

    def _glance(self, frame: Frame) -> tuple[list[Pose], list[int]]:
        """Where each tracked person should be; and the numbers of those who have moved, or are not there any more."""
        tracks = self._tracker.tracks
        outlined = [self._follower(track).wants_outline(frame.time_s) for track in tracks]
        poses = self._eyes.locate(frame.image, [track.crop(frame.time_s) for track in tracks], outlined)
        looks = enumerate(zip(tracks, poses, strict=True))
        return poses, [i for i, (track, pose) in looks if self._follower(track).has_moved(pose, frame.time_s)]

    def _look_again(self, image: Image, poses: list[Pose], moved: list[int]) -> None:
        """At those who have moved, with the crop that this look gave: its own was made for where they were."""
        tracks = self._tracker.tracks
        seen = [_colourless(poses[i]) for i in moved]
        crops = [crop.around(one.hip, one.shoulder, tracks[i].reach_px) for i, one in zip(moved, seen, strict=True)]
        again = self._eyes.locate(image, crops, [poses[i].mask is not None for i in moved])
        for i, pose in zip(moved, again, strict=True):
            poses[i] = pose

    def _look_at(self, frame: Frame, poses: list[Pose], moved: list[int]) -> Look:
        """What this frame shows of everybody, those included who were not tracked yet; its lifts go to ``_found``."""
        self._look_again(frame.image, poses, moved)
        self._first_s = frame.time_s if self._first_s is None else self._first_s
        self._size = (frame.image.shape[1], frame.image.shape[0])
        looks = [
            (track, Sighting(pose, torso_colour(frame.image, pose)))
            for track, pose in zip(self._tracker.tracks, poses, strict=True)
        ]
        for track, seen in looks:
            self._follower(track).note(seen.pose, frame.time_s)
        gone = self._tracker.update(looks, frame.time_s)
        searches = self._welcome(frame)
        self._found += [lift for track in gone for lift in self._farewell(track, ended=False)]
        people = []
        for track in self._tracker.visible:
            person, finished = self._read(track, frame.time_s)
            self._found += finished
            people += [person] if person else []
        heads = tuple(track.last.pose for track in self._tracker.tracks)
        return Look(frame.time_s, tuple(people), (), heads, searches, len(moved), frame.captured_s)

    def _welcome(self, frame: Frame) -> tuple[str, ...]:
        """Now and then look for people who are not tracked; where and how often: `core.search`. Say where."""
        if frame.time_s < self._search_due_s:
            return ()
        self._search_due_s = frame.time_s + search.GAP_S
        followed = [_surroundings(track, search.BEYOND) for track in self._tracker.visible]
        lost = [_surroundings(track, 1.0) for track in self._tracker.tracks if track.occluded and track.confirmed]
        windows = self._scout.windows(frame, followed, lost)
        found = [someone for someone in self._eyes.detect(frame.image, windows) if not self._knows(someone)]
        met = zip(found, self._meet(frame.image, found), strict=True)
        newcomers = [seen for one, seen in met if self._tracker.is_borne_out(_torso(one), seen)]
        self._tracker.admit(newcomers, frame.time_s)
        self._scout.found([someone.hip_xy for someone in found if self._knows(someone)], frame.time_s)
        self._searched_s = frame.time_s
        if self._tracker.tracks or self._scout.stirred:
            self._stirred_s = frame.time_s
        return tuple(self._scout.searches)

    def _knows(self, found: Detection) -> bool:
        return self._tracker.knows(_torso(found), found.reach_px)

    def _meet(self, image: Image, found: list[Detection]) -> list[Sighting]:
        """A first look corrects the detector's rough crop, a second one can be trusted."""
        crops = [crop.around(_point(one.hip_xy), _point(one.shoulder_xy), one.reach_px) for one in found]
        rough = [_colourless(pose) for pose in self._eyes.locate(image, crops, [False] * len(crops))]
        crops = [crop.around(seen.hip, seen.shoulder, seen.reach_px) for seen in rough]
        poses = self._eyes.locate(image, crops, [True] * len(crops))
        return [Sighting(pose, torso_colour(image, pose)) for pose in poses]

    def _read(self, track: Track, time_s: float) -> tuple[Person | None, list[Lift]]:
        """The posture of one person, and the lift that it ended. A newcomer's wait until they are believed."""
        follower = self._follower(track)
        posture = follower.posture(track.last.pose, time_s)
        back = self._eyes.back(track.last.pose, posture)
        told = None if back is None else self._eyes.tell_angles(back.code, follower.detector.upright.code)
        bend = follower.detector.update(posture, back, told)
        follower.pace(posture)
        follower.waiting += [bend] if bend else []
        if track.person is None:
            return None, []
        moment = Moment(posture, follower.detector.depth, back)
        person = Person(track.person, track.last.pose, moment, None if told is None else told.spine_flexion_deg.value)
        return person, [self._judge(ripe, follower, track.person) for ripe in follower.ripe(time_s)]

    def _farewell(self, track: Track, *, ended: bool) -> list[Lift]:
        """The lifts of a person who has left, a last unfinished one included."""
        follower = self._followers.pop(id(track), None)
        if follower is None or track.person is None:
            return []
        bend = follower.detector.flush(ended=ended)
        follower.waiting += [bend] if bend else []
        return [self._judge(last, follower, track.person) for last in follower.waiting]

    def _judge(self, bend: Bend, follower: Follower, person: int) -> Lift:
        upright = follower.detector.upright
        readings = read_bend(bend, upright, self._eyes.tell_angles)
        seen = measure_bend(bend, upright, readings)
        verdict = judge(seen, self._thresholds)
        lift = Seen(bend, seen, readings, follower.after(bend), upright, verdict.technique)
        hints = cues(lift, self._thresholds, CueThresholds())
        return Lift(
            person=person,
            start_s=bend.start_s,
            peak_s=bend.peak.time_s,
            end_s=bend.end_s,
            center_x=_fraction(bend.peak.posture.hip_xy[0], self._size[0]),
            feet_xy=_feet(bend.peak.posture, self._size),
            technique=verdict.technique,
            confidence=verdict.confidence,
            view=view_of(seen.view_from_side_deg),
            view_from_side_deg=seen.view_from_side_deg,
            trunk_inclination_deg=seen.trunk_inclination_deg,
            spine_flexion_deg=seen.spine_flexion_deg,
            knee_flexion_deg=seen.knee_flexion_deg,
            reasons=verdict.reasons + hints,
            unknown_reason=verdict.unknown_reason,
        )

    def _follower(self, track: Track) -> Follower:
        """Made on first sight; tracks are told apart by the object itself, so no identity outlives them."""
        known = self._followers.get(id(track))
        if known is None or known.track is not track:
            early = self._first_s is None or track.seen_s - self._first_s < _EARLY_S
            known = self._followers[id(track)] = Follower(
                track, LiftDetector(self._eyes.lift_probability, from_start=early)
            )
        return known


def _surroundings(track: Track, wide: float) -> Window:
    hip, reach = track.last.hip, wide * track.reach_px
    return Window(float(hip[0]) - reach, float(hip[1]) - reach, 2 * reach)


def _colourless(pose: Pose) -> Sighting:
    """For the places alone."""
    return Sighting(pose, np.zeros(3, np.float32))


def _torso(found: Detection) -> Floats:
    return np.asarray(np.add(found.hip_xy, found.shoulder_xy) / 2, np.float32)


def _point(xy: tuple[float, float]) -> Floats:
    return np.array(xy, np.float32)


def _fraction(value_px: float, size_px: int) -> float:
    return min(max(value_px / size_px, 0.0), 1.0)


def _feet(posture: Posture, size: tuple[int, int]) -> tuple[float, float]:
    return _fraction(posture.feet_xy[0], size[0]), _fraction(posture.feet_xy[1], size[1])
