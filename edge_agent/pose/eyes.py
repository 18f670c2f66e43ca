"""The networks of one box, opened once and shared by all its cameras."""

import os
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import cv2
import openvino as ov

from edge_agent import registry
from edge_agent.core.bodyview import body_view
from edge_agent.core.crop import Crop
from edge_agent.core.kinematics import Back, TellAngles
from edge_agent.core.lift_model import LiftProbability
from edge_agent.core.posture import Posture
from edge_agent.core.records import Image, Pose
from edge_agent.core.spine import back_profile
from edge_agent.errors import InputError
from edge_agent.pose import detector, int8, landmarker, speed
from edge_agent.pose.detector import Detection, Detector, Window
from edge_agent.pose.devices import open_first
from edge_agent.pose.landmarker import Landmarker
from edge_agent.pose.lift_weights import NAME as LIFT
from edge_agent.pose.lift_weights import lift_model
from edge_agent.pose.network import Graph, new_core
from edge_agent.pose.speed import Speed
from edge_agent.pose.spine_encoder import NAME as SPINE
from edge_agent.pose.spine_encoder import SpineEncoder
from edge_agent.settings import PoseSettings

StageTimer = Callable[[str], AbstractContextManager[object]]
"""Measures one stage: ``with timer("detect"): ...``."""

DETECT, LANDMARKS, LANDMARKS_AND_OUTLINE, SPINE_STAGE = STAGES = (
    "detect",
    "landmarks",
    "landmarks_and_outline",
    "spine",
)


def untimed(_stage: str) -> AbstractContextManager[object]:
    """Measures nothing."""
    return nullcontext()


FINDER = "pose-detector"


def marker_of(settings: PoseSettings) -> str:
    """The registry's name of the landmarker in use."""
    return f"pose-landmarker-{settings.landmarker}"


def graphs_of(model: str, settings: PoseSettings) -> tuple[Graph, ...]:
    """What of a model is opened: the detector, or landmarks alone and landmarks with the outline.

    Raises InputError for a missing or altered file.
    """
    if model == FINDER:
        return (Graph(model, registry.load(model, settings.models_dir), detector.OUTPUTS, "-1..1"),)
    if settings.precision == "int8":
        int8.record(model, settings.models_dir)
        path = int8.graph_path(model, settings.models_dir)
    else:
        path = registry.load(model, settings.models_dir)
    return tuple(
        Graph(model, path, outputs, "0..1", settings.precision)
        for outputs in (landmarker.KEYPOINT_OUTPUTS, landmarker.MASK_OUTPUTS)
    )


def _hash_of(model: str, settings: PoseSettings) -> str:
    if model != FINDER and settings.precision == "int8":
        return int8.record(model, settings.models_dir).sha256
    return registry.entry(model).sha256


class Eyes:
    """Detector, landmarker and spine encoder. Every method raises InferenceError when a network fails."""

    def __init__(self, settings: PoseSettings, timer: StageTimer = untimed) -> None:
        """Raises InputError for a missing or altered model file, RunError where no device can run it rightly.

        ``fallbacks``: devices that were asked for, are here and were not taken.
        """
        cv2.setNumThreads(1)  # for the whole process: its second thread waits busily, 3 % of all CPU time
        core = new_core()
        core.set_property({"CACHE_DIR": str(_writable(settings.cache_dir))})
        self.timer = timer
        marker = marker_of(settings)
        # One after the other: while OpenVINO reads a model it sets the process's locale, and threads leave it at "C".
        opened = [
            open_first(core, graph, settings.device)
            for model in (FINDER, marker)
            for graph in graphs_of(model, settings)
        ]
        self._networks = [one.network for one in opened]
        detect, plain, outlined = self._networks
        self.fallbacks = tuple(fallback for one in opened for fallback in one.fallbacks)
        self._detector = Detector(detect)
        self._landmarker = Landmarker(plain, outlined)
        self._spine = SpineEncoder(core)
        self.tell_angles: TellAngles = self._spine.head
        model, lift_sha256 = lift_model()
        self.lift_probability: LiftProbability = model.probability
        self.devices = {FINDER: detect.device, marker: outlined.device, SPINE: "CPU"}
        self.hashes = {name: _hash_of(name, settings) for name in (FINDER, marker)}
        self.hashes |= {SPINE: self._spine.sha256, LIFT: lift_sha256}
        self._records = settings.cache_dir

    @property
    def crop_px(self) -> int:
        """The side of the landmarker's pictures."""
        return self._landmarker.size_px

    def speeds(self) -> list[Speed]:
        """How fast each network answers, beside its first time on this box, which is kept. Raises OSError."""
        measured = [speed.measure(network, self._records) for network in self._networks]
        speed.remember(measured, self._records)
        return measured

    def graphs(self) -> dict[str, ov.CompiledModel]:
        """What each stage runs, by its name: to be asked directly, for a benchmark."""
        networks = [network.compiled for network in self._networks]
        return dict(zip(STAGES, [*networks, self._spine.compiled], strict=True))

    def detect(self, image: Image, windows: Sequence[Window]) -> list[Detection]:
        """Everyone seen in any of the windows; somebody in two windows is reported twice."""
        with self.timer(DETECT):
            return self._detector.detect(image, windows) if windows else []

    def locate(self, image: Image, crops: Sequence[Crop], outlined: Sequence[bool]) -> list[Pose]:
        """One Pose for each crop, in order; with the body's outline where ``outlined`` says so."""
        poses: dict[int, Pose] = {}
        for wanted, stage in ((False, LANDMARKS), (True, LANDMARKS_AND_OUTLINE)):
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
        with self.timer(SPINE_STAGE):
            return Back(profile, self._spine.encode(view))


def _writable(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"the model cache {folder} cannot be made: {error.strerror}",
            "set pose.cache_dir to a folder this user may write",
        ) from error
    if not os.access(folder, os.R_OK | os.X_OK):  # OpenVINO ends the whole process where it may not look into it
        raise InputError(
            f"the model cache {folder} may not be read", "set pose.cache_dir to a folder this user may write"
        )
    return folder
