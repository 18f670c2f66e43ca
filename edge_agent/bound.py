"""The least that a clip can cost: its networks alone, asked directly for as many answers as the agent asked for.

What the agent spends beyond that is cutting pictures out, reading answers, tracking and judging. Whether so many
answers are needed is another question, which this bound does not ask.
"""

import time
from collections import Counter
from collections.abc import Mapping, Sequence

import cv2
import numpy as np
import openvino as ov

from edge_agent.core.crop import Crop
from edge_agent.core.kinematics import Back
from edge_agent.core.posture import Posture
from edge_agent.core.records import Image, Pose
from edge_agent.pose.detector import Detection, Window
from edge_agent.pose.eyes import DETECT, LANDMARKS, LANDMARKS_AND_OUTLINE, SPINE_STAGE, Eyes, StageTimer, untimed
from edge_agent.pose.selftest import picture
from edge_agent.settings import PoseSettings


class CountedEyes(Eyes):
    """Eyes that count, by stage, the pictures they were asked about; of one thread only."""

    def __init__(self, settings: PoseSettings, timer: StageTimer = untimed) -> None:
        """Raises what Eyes raises."""
        super().__init__(settings, timer)
        self.pictures: Counter[str] = Counter()

    def detect(self, image: Image, windows: Sequence[Window]) -> list[Detection]:
        """As Eyes does."""
        self.pictures[DETECT] += len(windows)
        return super().detect(image, windows)

    def locate(self, image: Image, crops: Sequence[Crop], outlined: Sequence[bool]) -> list[Pose]:
        """As Eyes does."""
        self.pictures[LANDMARKS] += outlined.count(False)
        self.pictures[LANDMARKS_AND_OUTLINE] += outlined.count(True)
        return super().locate(image, crops, outlined)

    def back(self, pose: Pose, posture: Posture) -> Back | None:
        """As Eyes does; a body that shows no back is not asked about."""
        back = super().back(pose, posture)
        self.pictures[SPINE_STAGE] += back is not None
        return back


class RawNetworks:
    """The eyes' own compiled graphs, one request and one prepared input each, one answer at a time."""

    def __init__(self, eyes: Eyes) -> None:
        self._requests = {stage: _request(compiled) for stage, compiled in eyes.graphs().items()}

    def answer(self, pictures: Mapping[str, int]) -> dict[str, float]:
        """Ask for so many answers by stage; the CPU seconds that each stage took, all threads.

        OpenVINO's RuntimeError is not caught: the very same graphs have just answered.
        """
        spent_s = {}
        for stage, request in self._requests.items():
            begin_s = time.process_time()
            for _ in range(pictures.get(stage, 0)):
                request.infer()
            spent_s[stage] = time.process_time() - begin_s
        return spent_s


def _request(compiled: ov.CompiledModel) -> ov.InferRequest:
    """Its inputs are set, and its first, dearer answer is given."""
    request = compiled.create_infer_request()
    for index, port in enumerate(compiled.inputs):
        shape, kind = tuple(port.shape), port.element_type.to_dtype()
        request.set_input_tensor(index, ov.Tensor(_some_input(shape).astype(kind)))
    request.infer()
    return request


def _some_input(shape: tuple[int, ...]) -> Image:
    """A person for (1, height, width, 3), ones for anything else: what is in it hardly changes what it costs."""
    if len(shape) == 4 and shape[-1] == 3:
        return np.asarray(cv2.resize(picture(), (shape[2], shape[1])), np.uint8)[np.newaxis]
    return np.ones(shape, np.uint8)
