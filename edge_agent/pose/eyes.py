"""The networks of one box, opened once and shared by all its cameras."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import openvino as ov

from edge_agent import registry
from edge_agent.core.bodyview import body_view
from edge_agent.core.crop import Crop
from edge_agent.core.kinematics import Back, TellAngles
from edge_agent.core.posture import Posture
from edge_agent.core.records import Image, Pose
from edge_agent.core.spine import back_profile
from edge_agent.errors import InputError
from edge_agent.pose import detector, landmarker
from edge_agent.pose.detector import Detection, Detector, Window
from edge_agent.pose.landmarker import Landmarker
from edge_agent.pose.network import Graph, Network, one_thread_each
from edge_agent.pose.spine_encoder import NAME as SPINE
from edge_agent.pose.spine_encoder import SpineEncoder
from edge_agent.settings import PoseSettings

StageTimer = Callable[[str], AbstractContextManager[object]]
"""Measures one stage: ``with timer("detect"): ...``."""

STAGES = ("detect", "landmarks", "landmarks_and_outline", "spine")


def untimed(_stage: str) -> AbstractContextManager[object]:
    """Measures nothing."""
    return nullcontext()


class Eyes:
    """Detector, landmarker and spine encoder. Every method raises InferenceError when a network fails."""

    def __init__(self, settings: PoseSettings, timer: StageTimer = untimed) -> None:
        """Raises InputError for a missing or altered model file, RunError for a device that cannot run it."""
        core = ov.Core()
        core.set_property({"CACHE_DIR": str(_writable(settings.cache_dir))})
        core.set_property("CPU", one_thread_each())
        self.timer = timer
        finder, marker = "pose-detector", f"pose-landmarker-{settings.landmarker}"
        found, marked = (registry.load(name, settings.models_dir) for name in (finder, marker))
        detect = Network(core, Graph(finder, found, detector.OUTPUTS, "-1..1"), settings.device)
        plain = Network(core, Graph(marker, marked, landmarker.KEYPOINT_OUTPUTS, "0..1"), settings.device)
        outlined = Network(core, Graph(marker, marked, landmarker.MASK_OUTPUTS, "0..1"), settings.device)
        self._detector = Detector(detect)
        self._landmarker = Landmarker(plain, outlined)
        self._spine = SpineEncoder(core)
        self.tell_angles: TellAngles = self._spine.head
        self.devices = {finder: detect.device, marker: plain.device, SPINE: "CPU"}
        entries = registry.entries()
        self.hashes = {name: entries[name].sha256 for name in (finder, marker)} | {SPINE: self._spine.sha256}

    def detect(self, image: Image, windows: Sequence[Window]) -> list[Detection]:
        """Everyone seen in any of the windows; somebody in two windows may be reported twice."""
        with self.timer("detect"):
            return self._detector.detect(image, windows) if windows else []

    def locate(self, image: Image, crops: Sequence[Crop], outlined: Sequence[bool]) -> list[Pose]:
        """One Pose for each crop, in order; with the body's outline where ``outlined`` says so."""
        poses: dict[int, Pose] = {}
        for wanted, stage in ((False, "landmarks"), (True, "landmarks_and_outline")):
            chosen = [i for i, outline in enumerate(outlined) if outline is wanted]
            if not chosen:
                continue
            with self.timer(stage):
                found = self._landmarker.locate(image, [crops[i] for i in chosen], mask=wanted)
            poses.update(zip(chosen, found, strict=True))
        return [poses[i] for i in range(len(crops))]

    def back(self, pose: Pose, posture: Posture) -> Back | None:
        """What the outline of one body tells of its spine; None without a mask or with the trunk seen end-on."""
        view, profile = body_view(pose, posture), back_profile(pose)
        if view is None or profile is None:
            return None
        with self.timer("spine"):
            return Back(profile, self._spine.encode(view))


def _writable(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"the model cache {folder} cannot be made: {error.strerror}",
            "set pose.cache_dir to a folder this user may write",
        ) from error
    return folder
