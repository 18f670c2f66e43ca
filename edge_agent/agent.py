"""One frame's whole journey, top to bottom: picture → people → poses → postures → bends → judged lifts.

``Watch`` makes the journey for one camera; ``Box`` takes the lifts from there out of the building.
"""

from dataclasses import dataclass, replace

from edge_agent import __version__
from edge_agent.core import search
from edge_agent.core.bend import Bend, Moment, end_s
from edge_agent.core.cues import CueThresholds, Seen, cues
from edge_agent.core.doze import STILL_S
from edge_agent.core.follower import Follower
from edge_agent.core.lifts import LiftDetector
from edge_agent.core.light import Light
from edge_agent.core.posture import in_picture
from edge_agent.core.records import Frame, Lift, Pose
from edge_agent.core.technique import TechniqueThresholds, judge, measure_bend, read_bend, view_of
from edge_agent.core.tracking import Sighting, Track, Tracker
from edge_agent.gaze import Gaze, Glance
from edge_agent.pose.detector import Detection, Window, distinct
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
    many people were looked at once more, and ``carried``: how many not at all; ``captured_s`` is the frame's.
    ``earlier``: looks at frames that had been passed over; the lifts that ended in them are told here.
    """

    time_s: float
    people: tuple[Person, ...] = ()
    lifts: tuple[Lift, ...] = ()
    heads: tuple[Pose, ...] = ()
    searches: tuple[str, ...] = ()
    repeats: int = 0
    carried: int = 0
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
        """From the next look on; whoever is followed stays followed. The last picture goes: masks may be new."""
        self.camera, self._eyes, self._thresholds = camera, eyes, thresholds
        self._gaze = Gaze(eyes)

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
        people = self._people
        glance = self._gaze.glance(frame, people)
        movers = [people[i] for i in glance.moved if people[i].calm]
        earlier: list[Look] = []
        if movers and frame.passed_over:
            for develop in frame.passed_over:
                passed = self._prepared(develop())
                earlier.append(self._look_at(passed, self._gaze.glance(passed, self._people, movers)))
            glance = self._gaze.glance(frame, self._people, movers, glance)
        look = self._look_at(frame, glance)
        lifts, self._found = tuple(self._found), []
        return replace(look, lifts=lifts, earlier=tuple(earlier))

    def finish(self) -> list[Lift]:
        """The video has ended: the lifts not told yet, and those that the bends still going on are judged to be."""
        found, self._found = self._found, []
        return found + [lift for track in self._tracker.tracks for lift in self._farewell(track, ended=True)]

    def _prepared(self, frame: Frame) -> Frame:
        """Noise and darkness taken out where they are in the way; then what the masks hide, which may be new."""
        return replace(frame, image=blank(self._retouch.clear(frame.image), self.camera.masks))

    def _look_at(self, frame: Frame, glance: Glance) -> Look:
        """What this frame shows of everybody, those included who were not tracked yet; its lifts go to ``_found``."""
        self._gaze.remember(None)  # until all is taken in: an error in between would leave people in two pictures
        poses = self._gaze.look_again(frame, self._people, glance)
        self._first_s = frame.time_s if self._first_s is None else self._first_s
        self._size = (frame.image.shape[1], frame.image.shape[0])
        looks = [
            (track, Sighting(pose, torso_colour(frame.image, pose)))
            for track, pose in zip(self._tracker.tracks, poses, strict=True)
        ]
        carried = sum(self._follower(track).note(seen.pose, frame.time_s) for track, seen in looks)
        gone = self._tracker.update(looks, frame.time_s)
        self._found += [lift for track in gone for lift in self._farewell(track, ended=False)]
        searches = self._welcome(frame)
        people = []
        for track in self._tracker.visible:
            person, finished = self._read(track, frame.time_s)
            self._found += finished
            people += [person] if person else []
        heads = tuple(track.last.pose for track in self._tracker.tracks)
        self._gaze.remember(frame if self._tracker.tracks else None)
        return Look(frame.time_s, tuple(people), (), heads, searches, len(glance.astray), carried, frame.captured_s)

    def _welcome(self, frame: Frame) -> tuple[str, ...]:
        """Now and then look for people who are not tracked; where and how often: `core.search`. Say where."""
        if frame.time_s < self._search_due_s:
            return ()
        self._search_due_s = frame.time_s + search.GAP_S
        followed = [Window.about(track.last.hip, search.BEYOND * track.reach_px) for track in self._tracker.visible]
        missed = [track for track in self._tracker.tracks if track.occluded and track.confirmed]
        lost = [Window.about(track.last.hip, track.reach_px) for track in missed]
        windows = self._scout.windows(frame, followed, lost)
        found = distinct(one for one in self._eyes.detect(frame.image, windows) if not self._knows(one))
        met = zip(found, self._gaze.meet(frame.image, found), strict=True)
        newcomers = [seen for one, seen in met if self._tracker.is_borne_out(one.torso, seen)]
        self._tracker.admit(newcomers, frame.time_s)
        self._scout.found([someone.hip_xy for someone in found if self._knows(someone)], frame.time_s)
        self._searched_s = frame.time_s
        if self._tracker.tracks or self._scout.stirred:
            self._stirred_s = frame.time_s
        return tuple(self._scout.searches)

    def _knows(self, found: Detection) -> bool:
        return self._tracker.knows(found.torso, found.reach_px)

    def _read(self, track: Track, time_s: float) -> tuple[Person | None, list[Lift]]:
        """The posture of one person, and the lift that it ended. A newcomer's wait until they are believed."""
        follower = self._follower(track)
        posture = follower.posture(track.last.pose, time_s)
        back = self._eyes.back(track.last.pose, posture)
        told = None if back is None else self._eyes.tell_angles(back.code, follower.detector.upright.code)
        follower.read(posture, back, told)
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
            end_s=end_s(bend, lift.after),
            center_x=in_picture(bend.peak.posture.hip_xy, self._size)[0],
            feet_xy=in_picture(bend.peak.posture.feet_xy, self._size),
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

    @property
    def _people(self) -> list[Follower]:
        """One for each track, in their order."""
        return [self._follower(track) for track in self._tracker.tracks]

    def _follower(self, track: Track) -> Follower:
        """Made on first sight; tracks are told apart by the object itself, so no identity outlives them."""
        known = self._followers.get(id(track))
        if known is None or known.track is not track:
            early = self._first_s is None or track.seen_s - self._first_s < _EARLY_S
            known = self._followers[id(track)] = Follower(
                track, LiftDetector(self._eyes.lift_probability, from_start=early)
            )
        return known
