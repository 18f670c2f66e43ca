"""One camera's journey on real networks: the project's own clip, whose truth is known."""

import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from prometheus_client import CollectorRegistry

from edge_agent.agent import Look, Watch
from edge_agent.box import Box
from edge_agent.core.backlog import Backlog
from edge_agent.core.crop import Crop
from edge_agent.core.records import Frame, Image, Lift, Pose
from edge_agent.core.technique import TechniqueThresholds
from edge_agent.pose.detector import Detection, Window
from edge_agent.pose.eyes import Eyes
from edge_agent.pose.network import InferenceError
from edge_agent.settings import CameraSettings, MqttSettings, OutboxSettings, PrivacySettings, Settings
from tests.demo_clip import DEMO_CLIP, FIRST_LIFT_S, TrueLift, demo_frames, shrunk, true_lifts
from tests.services import free_port

LEFT_HALF = ((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0))


@dataclass
class Watched:
    """What was seen in a clip."""

    lifts: list[Lift] = field(default_factory=list)
    people: int = 0
    followed: list[int] = field(default_factory=list)


def watch(eyes: Eyes, frames: Iterable[Frame], masks: tuple[tuple[tuple[float, float], ...], ...] = ()) -> Watched:
    seen = Watched()
    camera = Watch(CameraSettings(name="dock", source="unused", masks=masks), eyes, TechniqueThresholds())
    for frame in frames:
        seen.lifts += camera.look(frame).lifts
        seen.followed.append(camera.followed)
    seen.lifts += camera.finish()
    seen.lifts.sort(key=lambda lift: lift.peak_s)
    seen.people = camera.people
    return seen


def dimmed(frames: Iterable[Frame], seed: int = 3) -> Iterator[Frame]:
    """As a camera at night would film it: two dozen grey levels, and noise of two of them."""
    grain = np.random.default_rng(seed)
    for frame in frames:
        noise = grain.normal(0, 2, frame.image.shape)
        yield replace(frame, image=np.asarray(np.clip(12 + 0.1 * frame.image + noise, 0, 255), np.uint8))


@pytest.fixture(scope="module")
def demo(eyes: Eyes) -> Watched:
    return watch(eyes, demo_frames())


def assert_same(lift: Lift, truth: TrueLift) -> None:
    assert lift.technique == truth.technique
    assert lift.center_x == pytest.approx(truth.x, abs=0.05)
    assert lift.feet_xy[0] == pytest.approx(truth.x, abs=0.05)
    assert lift.peak_s == pytest.approx(truth.peak_s, abs=0.6)
    assert lift.start_s == pytest.approx(truth.start_s, abs=0.6)
    assert lift.end_s == pytest.approx(truth.end_s, abs=0.6)


def test_all_five_lifts_and_no_other_each_with_its_technique(demo: Watched) -> None:
    assert len(demo.lifts) == len(true_lifts())
    for lift, truth in zip(demo.lifts, true_lifts(), strict=True):
        assert_same(lift, truth)
        assert 0.5 < lift.confidence <= 1
        assert lift.reasons
        assert lift.unknown_reason is None


def test_who_begins_to_move_is_looked_back_at_and_then_in_every_other_frame(
    eyes: Eyes, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, again, rest_s = list[tuple[int, int]](), list[int](), list[float]()
    locate, backlog = eyes.locate, Backlog()

    def counted(image: Image, crops: Sequence[Crop], outlined: Sequence[bool]) -> list[Pose]:
        asked.append((id(image), len(crops)))
        return locate(image, crops, outlined)

    monkeypatch.setattr(eyes, "locate", counted)
    camera = Watch(CameraSettings(name="dock", source="unused"), eyes, TechniqueThresholds())
    for frame in demo_frames():
        picture = backlog.sift(frame, camera.due_s)
        if picture is None:
            continue
        asked.clear()
        look = camera.look(picture)
        if look.earlier:
            here = [people for image, people in asked if image == id(picture.image)]
            again.append(sum(here[1:]) - look.repeats)
        if not camera.bending:
            rest_s.append(camera.due_s - picture.time_s)
    assert min(again) == 0, "the picture that set off the look back need not be looked at twice"
    assert any(0.05 < wait_s < 0.15 for wait_s in rest_s), "somebody moves, and nobody bends"


def test_each_of_the_two_people_keeps_one_number(demo: Watched) -> None:
    assert demo.people == 2
    sides = {(lift.person, lift.center_x < 0.5) for lift in demo.lifts}
    assert len(sides) == 2
    assert set(demo.followed[30:]) == {2}


def test_in_the_dark_the_same_lifts_are_seen(eyes: Eyes) -> None:
    lifts = watch(eyes, dimmed(demo_frames())).lifts
    for lift, truth in zip(lifts, true_lifts(), strict=True):
        assert_same(lift, truth)


def test_who_stands_in_a_masked_area_is_not_seen(eyes: Eyes) -> None:
    seen = watch(eyes, demo_frames(9.4), (LEFT_HALF,))
    assert seen.people == 1
    (lift,) = seen.lifts
    assert_same(lift, true_lifts()[1])


def test_a_mask_set_while_running_hides_at_once_though_a_noisy_camera_is_remembered(
    eyes: Eyes, monkeypatch: pytest.MonkeyPatch
) -> None:
    most = ((0.0, 0.0), (0.7, 0.0), (0.7, 1.0), (0.0, 1.0))
    shown: list[Image] = []
    detect = eyes.detect

    def witnessed(image: Image, windows: Sequence[Window]) -> list[Detection]:
        shown.append(image)
        return detect(image, windows)

    monkeypatch.setattr(eyes, "detect", witnessed)
    camera = Watch(CameraSettings(name="dock", source="unused"), eyes, TechniqueThresholds())
    hall, grain = np.linspace(60, 200, 640)[np.newaxis, :, np.newaxis], np.random.default_rng(1)
    for number in range(12):
        if number == 11:
            camera.use(CameraSettings(name="dock", source="unused", masks=(most,)), eyes, TechniqueThresholds())
        image = np.asarray(np.clip(hall + grain.normal(0, 6, (360, 640, 3)), 0, 255), np.uint8)
        camera.look(Frame("dock", image, 0.4 * number))
    assert shown[-2][:, :440].min() > 0
    assert shown[-1][:, :440].max() == 0


@pytest.mark.parametrize("corner_xy", [(40, 60), (880, 480)])
def test_people_120_px_tall_are_found_and_followed(eyes: Eyes, corner_xy: tuple[int, int]) -> None:
    seen = watch(eyes, (shrunk(frame, corner_xy) for frame in demo_frames(FIRST_LIFT_S)))
    assert seen.people == 2
    assert Counter(seen.followed[30:]).most_common(1)[0][0] == 2
    (lift,) = seen.lifts
    assert lift.center_x == pytest.approx((corner_xy[0] + 384 * true_lifts()[0].x) / 1280, abs=0.02)
    assert lift.technique in {"hinge", "unknown"}


def test_a_clip_of_nobody(eyes: Eyes) -> None:
    image = next(demo_frames()).image
    image[:, 200:480] = image[:, 900:1000] = 150
    seen = watch(eyes, (Frame("dock", image, number / 15) for number in range(30)))
    assert (seen.lifts, seen.people, set(seen.followed)) == ([], 0, {0})


def test_the_lift_of_somebody_who_left_is_told_though_every_search_fails_to_the_end(
    eyes: Eyes, monkeypatch: pytest.MonkeyPatch
) -> None:
    left_s = true_lifts()[0].end_s + 0.2
    camera = Watch(CameraSettings(name="dock", source="unused"), eyes, TechniqueThresholds())
    told = [lift for frame in demo_frames(left_s) for lift in camera.look(frame).lifts]

    def fail(_image: Image, _windows: Sequence[Window]) -> list[Detection]:
        raise InferenceError("pose-detector", "device lost")

    monkeypatch.setattr(eyes, "detect", fail)
    nobody = np.full((720, 1280, 3), 150, np.uint8)
    while camera.followed:
        left_s += 0.31  # each time a search is due
        with pytest.raises(InferenceError):
            told += camera.look(Frame("dock", nobody, left_s)).lifts
    assert told == []
    (lift,) = camera.finish()
    assert_same(lift, true_lifts()[0])


class StumblingEyes:
    """Lets two requests fail in the middle of the first lift, as a device that resets does."""

    def __init__(self, locate: Any) -> None:
        self._locate = locate
        self.calls = 0

    def __call__(self, image: Image, crops: Sequence[Crop], outlined: Sequence[bool]) -> list[Pose]:
        self.calls += 1
        if self.calls in {60, 61}:
            raise InferenceError("pose-landmarker-full", "device lost")
        poses: list[Pose] = self._locate(image, crops, outlined)
        return poses


def looked_at_or_passed_over(registry: CollectorRegistry, camera: str) -> float:
    """As the page shows it after the bucket's end."""
    passed_over = {"camera": camera, "reason": "not_due"}
    looked_at = registry.get_sample_value("edge_agent_frames_total", {"camera": camera})
    return (looked_at or 0.0) + (registry.get_sample_value("edge_agent_frames_dropped_total", passed_over) or 0.0)


def test_a_failed_request_is_counted_and_costs_neither_person_nor_lift(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, first_lift_clip: Path
) -> None:
    registry = CollectorRegistry()
    settings = Settings(
        cameras=(CameraSettings(name="dock", source=str(first_lift_clip)),),
        mqtt=MqttSettings(port=free_port()),
        outbox=OutboxSettings(path=tmp_path / "outbox.sqlite"),
        privacy=PrivacySettings(bucket_s=3600, min_lifts=5),
    )
    box = Box(settings, registry)
    monkeypatch.setattr(box.sight.eyes, "locate", StumblingEyes(box.sight.eyes.locate))
    looks: list[Look] = []
    box.run(threading.Event(), lambda _camera, look: looks.append(look))
    box.telemetry.end_bucket(time.time(), 1)

    failed = registry.get_sample_value("edge_agent_inference_errors_total", {"model": "pose-landmarker-full"})
    assert failed == 2
    assert looked_at_or_passed_over(registry, "dock") == int(FIRST_LIFT_S * 15) - 2
    back = registry.get_sample_value("edge_agent_frames_looked_back_total", {"camera": "dock"})
    assert back == sum(len(look.earlier) for look in looks) > 0  # who begins to bend between two looks
    repeated = registry.get_sample_value("edge_agent_looks_repeated_total", {"camera": "dock"})
    assert repeated == sum(one.repeats for look in looks for one in (*look.earlier, look))
    spared = registry.get_sample_value("edge_agent_looks_spared_total", {"camera": "dock"})
    assert spared == sum(one.carried for look in looks for one in (*look.earlier, look)) > 0  # who stands by
    assert {person.number for look in looks for person in look.people} == {0, 1}
    assert [lift.technique for look in looks for lift in look.lifts] == ["hinge"]


def test_an_unforeseen_error_costs_one_camera_what_it_knew_and_the_other_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, first_lift_clip: Path
) -> None:
    registry = CollectorRegistry()
    cameras = tuple(CameraSettings(name=name, source=str(first_lift_clip)) for name in ("dock", "aisle"))
    settings = Settings(
        cameras=cameras, mqtt=MqttSettings(port=free_port()), outbox=OutboxSettings(path=tmp_path / "outbox.sqlite")
    )
    box, broken = Box(settings, registry), Counter[str]()
    real_look = Watch.look

    def look(watch: Watch, frame: Frame) -> Look:
        if frame.camera == "dock" and frame.time_s > FIRST_LIFT_S / 2 and not broken["dock"]:
            broken["dock"] += 1
            raise ZeroDivisionError("nobody thought of this")
        return real_look(watch, frame)

    monkeypatch.setattr(Watch, "look", look)
    lifts: dict[str, list[str]] = {"dock": [], "aisle": []}
    box.run(threading.Event(), lambda camera, look: lifts[camera].extend(lift.technique for lift in look.lifts))
    box.telemetry.end_bucket(time.time(), 1)
    assert lifts["aisle"] == ["hinge"]
    for camera, errors in {"dock": 1, "aisle": 0}.items():
        assert registry.get_sample_value("edge_agent_look_errors_total", {"camera": camera}) == errors
        assert looked_at_or_passed_over(registry, camera) == int(FIRST_LIFT_S * 15) - errors


def test_a_camera_file_that_cannot_be_read_ends_alone(tmp_path: Path) -> None:
    """The other camera goes on; the box does not wait for ever for a file that is not there."""
    registry = CollectorRegistry()
    settings = Settings(
        cameras=(
            CameraSettings(name="gone", source=str(tmp_path / "nowhere.mp4")),
            CameraSettings(name="dock", source=str(DEMO_CLIP)),
        ),
        mqtt=MqttSettings(port=free_port()),
        outbox=OutboxSettings(path=tmp_path / "outbox.sqlite"),
    )
    box, stop = Box(settings, registry), threading.Event()

    def seen(camera: str, look: Look) -> None:
        if camera == "dock" and look.time_s > 0.3:
            stop.set()

    box.run(stop, seen)
    box.telemetry.end_bucket(time.time(), 1)
    assert registry.get_sample_value("edge_agent_frames_total", {"camera": "dock"})
    failures = {"camera": "gone", "reason": "input"}
    assert registry.get_sample_value("edge_agent_camera_failures_total", failures) == 1
