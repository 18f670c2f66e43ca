"""Who is who: a stage on which people walk, hide and cross, seen through the tracker's own crops."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from edge_agent.core.records import Floats
from edge_agent.core.skeleton import ANKLES, HEELS, KNEES, TOES
from edge_agent.core.tracking import Sighting, Track, Tracker, near
from tests.people import HINGE, RATE_HZ, STANDING, Person, between

BLUE, ORANGE = (80.0, 140.0, 60.0), (170.0, 170.0, 190.0)
Script = Callable[[float], Person | None]
"""Where somebody is at a time in seconds; None: out of view."""
# Somebody this close behind another, metres, cannot be seen.
_HIDES_M = 0.3


@dataclass
class Stage:
    """People who follow their scripts, the first named standing nearest to the camera."""

    scripts: dict[str, Script]
    clothes: dict[str, tuple[float, float, float]] = field(default_factory=dict)
    tracker: Tracker = field(default_factory=Tracker)
    gone: list[Track] = field(default_factory=list)

    def play(self, start_s: float, end_s: float) -> None:
        """Frame by frame as ``agent.Watch`` does; newcomers are looked for in every third frame."""
        for frame in range(round(start_s * RATE_HZ), round(end_s * RATE_HZ)):
            time_s = frame / RATE_HZ
            seen = self.visible(time_s)
            looks = [(track, self._look(track, seen, time_s)) for track in self.tracker.tracks]
            self.gone += self.tracker.update(looks, time_s)
            if frame % 3 == 0:
                unknown = [s for s in seen.values() if not self.tracker.knows(s.torso, s.reach_px)]
                self.tracker.admit(unknown, time_s)

    def visible(self, time_s: float) -> dict[str, Sighting]:
        """Everyone in view whom nobody nearer to the camera hides."""
        seen: dict[str, Sighting] = {}
        for name, script in self.scripts.items():
            body = script(time_s)
            if body is None:
                continue
            sighting = body.sighting(self.clothes.get(name, BLUE))
            if all(abs(sighting.hip[0] - s.hip[0]) > _HIDES_M * body.px_per_m for s in seen.values()):
                seen[name] = sighting
        return seen

    def numbers(self, time_s: float) -> dict[str, int | None]:
        """The number under which each visible person is followed; None: not followed."""
        return {name: self._number_at(s.hip) for name, s in self.visible(time_s).items()}

    def _number_at(self, hip: Floats) -> int | None:
        here = [track for track in self.tracker.visible if np.hypot(*(track.last.hip - hip)) < 60]
        return here[0].person if here else None

    @staticmethod
    def _look(track: Track, seen: dict[str, Sighting], time_s: float) -> Sighting:
        """The network draws whoever is nearest to the middle of the crop, and scores low when nobody is there."""
        window = track.crop(time_s)
        middle = np.array([window.center_x, window.center_y])
        nearest = min(seen.values(), key=lambda s: float(np.hypot(*(s.hip - middle))), default=None)
        if nearest is None or np.hypot(*(nearest.hip - middle)) > 0.4 * window.side_px:
            return Sighting(replace(track.last.pose, score=0.05), track.last.colour)
        return nearest


def walking(from_px: float, speed_px_s: float) -> Script:
    def script(time_s: float) -> Person:
        stride = 25 * float(np.sin(6 * time_s))
        facing = "right" if speed_px_s > 0 else "left"
        feet_xy = from_px + speed_px_s * time_s, 600.0
        return Person(stride_deg=stride, facing=facing, feet_xy=feet_xy)  # type: ignore[arg-type]

    return script


def standing(x_px: float) -> Script:
    return lambda _: replace(STANDING, feet_xy=(x_px, 600.0))


def hidden(script: Script, start_s: float, end_s: float) -> Script:
    """The same, behind a pillar for a while."""
    return lambda time_s: None if start_s <= time_s < end_s else script(time_s)


def test_one_who_walks_keeps_one_number() -> None:
    stage = Stage({"ana": walking(100, 250)})
    stage.play(0, 4)
    assert stage.numbers(4 - 1 / RATE_HZ) == {"ana": 0}
    assert stage.tracker.people == 1
    assert not stage.gone


@pytest.mark.parametrize("clothes", [{"ana": BLUE, "bo": ORANGE}, {}], ids=["other clothes", "equal clothes"])
def test_two_who_cross_are_neither_merged_nor_swapped(clothes: dict[str, tuple[float, float, float]]) -> None:
    stage = Stage({"ana": walking(100, 250), "bo": walking(1100, -250)}, clothes)
    stage.play(0, 1)
    before = stage.numbers(1 - 1 / RATE_HZ)
    assert set(before.values()) == {0, 1}
    stage.play(1, 4)
    assert stage.numbers(4 - 1 / RATE_HZ) == before
    assert stage.tracker.people == 2


def test_one_who_passes_behind_another_at_work_comes_out_as_themselves() -> None:
    stage = Stage({"ana": standing(600), "bo": walking(200, 300)}, {"bo": ORANGE})
    stage.play(0, 1)
    before = stage.numbers(1 - 1 / RATE_HZ)
    stage.play(1, 3)
    assert stage.numbers(3 - 1 / RATE_HZ) == before
    assert stage.tracker.people == 2


@pytest.mark.parametrize("script", [standing(600), walking(100, 250)], ids=["standing", "walking"])
def test_a_pillar_does_not_make_somebody_new(script: Script) -> None:
    stage = Stage({"ana": hidden(script, 1.5, 2.5)})
    stage.play(0, 4)
    assert stage.numbers(4 - 1 / RATE_HZ) == {"ana": 0}
    assert stage.tracker.people == 1


def test_one_who_bends_deep_is_followed_down_and_up() -> None:
    def lifting(time_s: float) -> Person:
        return between(STANDING, HINGE, 0.5 - 0.5 * float(np.cos(2 * np.pi * time_s / 2)))

    stage = Stage({"ana": lifting})
    stage.play(0, 4)
    assert stage.tracker.people == 1
    assert not stage.gone


def test_one_who_leaves_for_good_is_given_up_and_forgotten() -> None:
    stage = Stage({"ana": hidden(standing(600), 2, 6)})
    stage.play(0, 3)
    assert stage.tracker.visible == []
    stage.play(3, 6)
    assert [track.person for track in stage.gone] == [0]
    assert stage.tracker.tracks == []
    stage.play(6, 8)  # who comes later is somebody new: nothing was kept to know them by
    assert stage.numbers(8 - 1 / RATE_HZ) == {"ana": 1}


def test_a_ghost_on_furniture_never_counts() -> None:
    stage = Stage({"coat stand": hidden(standing(600), 0.15, 99)})
    stage.play(0, 5)
    assert stage.tracker.people == 0
    assert stage.tracker.tracks == []
    assert [track.person for track in stage.gone] == [None]


def test_a_stranger_in_other_clothes_is_not_the_one_who_left() -> None:
    stage = Stage({"ana": hidden(standing(600), 2, 99), "bo": hidden(standing(700), 0, 2.6)}, {"bo": ORANGE})
    stage.play(0, 4)
    assert stage.numbers(4 - 1 / RATE_HZ) == {"bo": 1}


def feet_up(*, lying: bool) -> Sighting:
    """What the network draws on somebody's shadow: feet at their feet, and from there down, or as yet to the side."""
    body = STANDING.sighting()
    xy = body.pose.xy.copy()
    feet = [*ANKLES, *HEELS, *TOES]
    xy[feet, 1] += (1.0 if lying else 2.2) * (body.hip[1] - xy[feet, 1])
    return Sighting(replace(body.pose, xy=xy), body.colour)


def test_a_ghost_on_a_shadow_is_not_believed_though_it_does_not_look_like_one_at_first() -> None:
    tracker = Tracker()
    tracker.admit([feet_up(lying=True)], 0.0)
    (ghost,) = tracker.tracks
    for look in range(1, 8):
        tracker.update([(track, feet_up(lying=False)) for track in tracker.tracks], look / RATE_HZ)
    assert (tracker.people, tracker.tracks) == (0, [])
    assert ghost.looks == 1


def unlikely() -> dict[str, Sighting]:
    pose = STANDING.pose(outlined=False)
    colour = np.array(BLUE, np.float32)
    return {
        "a low score": Sighting(replace(pose, score=0.3), colour),
        "joints that are all guesses": Sighting(replace(pose, visibility=np.full(33, 0.2, np.float32)), colour),
        "upside down": replace(STANDING, trunk_deg=175).sighting(),
        "feet above the hips": feet_up(lying=False),
    }


@pytest.mark.parametrize("sighting", unlikely().values(), ids=unlikely().keys())
def test_these_are_nobody(sighting: Sighting) -> None:
    tracker = Tracker()
    tracker.admit([sighting], 0.0)
    assert tracker.tracks == []


def test_one_body_detected_twice_is_one_person() -> None:
    tracker = Tracker()
    tracker.admit([STANDING.sighting(), replace(STANDING, feet_xy=(644.0, 602.0)).sighting()], 0.0)
    assert len(tracker.tracks) == 1


def test_one_body_followed_twice_is_one_person_though_one_look_takes_left_for_right() -> None:
    """Two people crossed; both tracks are on her who faces the camera, one as if she stood with her back to it."""
    facing, away = (replace(STANDING, view_deg=turn).sighting() for turn in (90.0, -90.0))
    tracker = Tracker()
    tracker.tracks = [Track(facing, 0.0), Track(away, 0.0)]
    for frame in range(round(3 * RATE_HZ)):
        tracker.update([(track, track.last) for track in tracker.tracks], frame / RATE_HZ)
        assert len(tracker.visible) == 1
    assert len(tracker.tracks) == 1


def test_two_side_by_side_are_two() -> None:
    tracker = Tracker()
    tracker.admit([STANDING.sighting(), replace(STANDING, feet_xy=(790.0, 600.0)).sighting()], 0.0)
    assert len(tracker.tracks) == 2


def test_whose_clothes_may_be_mistaken_is_told_of_who_is_near_and_not_of_who_is_alone() -> None:
    stage = Stage({"ada": standing(400), "bo": standing(560), "cy": standing(1100)})
    stage.play(0, 1)
    tracks = stage.tracker.tracks
    mistaken = {
        round(float(track.last.hip[0])): near(track, [other for other in tracks if other is not track], 1.0)
        for track in tracks
    }
    assert mistaken == {400: True, 560: True, 1100: False}


def test_one_whose_legs_alone_were_followed_is_found_again_whole_under_the_same_number() -> None:
    """Deep in a bend, seen from above, all landmarks slip onto the legs; there they hold, and look well."""
    stage = Stage({"ana": standing(600)})
    stage.play(0, 1)
    (track,) = stage.tracker.tracks
    whole = track.last
    legs = replace(whole.pose, xy=whole.pose.xy[list(KNEES)].mean(0) + 0.4 * (whole.pose.xy - whole.hip))
    for look in range(10):
        stage.tracker.update([(track, Sighting(legs, whole.colour))], 1 + look / RATE_HZ)
        track.reach_px = Sighting(legs, whole.colour).reach_px
    stage.tracker.admit([whole], 2.0)
    assert stage.tracker.tracks == [track]
    assert track.last.hip == pytest.approx(whole.hip)
    assert track.reach_px == whole.reach_px
    assert (track.person, stage.tracker.people) == (0, 1)


def test_one_who_is_well_known_is_not_taken_for_a_part_of_something_larger() -> None:
    """The detector draws one body over somebody who bends and a column behind them."""
    stage = Stage({"ana": standing(600)})
    stage.play(0, 2)
    (track,) = stage.tracker.tracks
    standing_px = track.reach_px
    for look in range(10):
        stage.tracker.update([(track, replace(STANDING, px_per_m=170.0).sighting())], 2 + look / RATE_HZ)
        track.reach_px = 0.7 * standing_px
    assert stage.tracker.knows(track.last.torso, 1.6 * standing_px)
    assert not stage.tracker.knows(track.last.torso, standing_px)


def test_somebody_found_large_whose_landmarks_are_no_larger_than_those_followed_is_nobody_new() -> None:
    """The detector takes barbell and plates for a part of the body."""
    stage = Stage({"ana": standing(600)})
    stage.play(0, 0.5)
    (track,) = stage.tracker.tracks
    seen, torso = track.last, track.last.torso
    assert stage.tracker.knows(torso, track.reach_px)
    assert not stage.tracker.knows(torso, 1.5 * track.reach_px)
    assert not stage.tracker.is_borne_out(torso, seen)


def test_a_few_bad_looks_do_not_draw_the_crop_together() -> None:
    """At the bottom of a lift the network may see a body half its size: the next look must still hold all of it."""
    track = Track(STANDING.sighting(), 0.0)
    standing_px = track.reach_px
    for frame in range(1, 10):
        track.follow(replace(STANDING, px_per_m=250 * 0.8**frame).sighting(), frame / RATE_HZ)
    assert track.reach_px > 0.85 * standing_px
    for frame in range(10, 200):
        track.follow(replace(STANDING, px_per_m=125.0).sighting(), frame / RATE_HZ)
    assert track.reach_px == pytest.approx(0.5 * standing_px, rel=0.05)  # and who walks away is followed
