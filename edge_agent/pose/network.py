"""One neural network on one device: pruned to the outputs in use, static, asynchronous."""

import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import openvino as ov
from openvino.preprocess import ColorFormat, PrePostProcessor

from edge_agent.core.records import Floats, Image
from edge_agent.errors import RunError

# Requests in flight at once: more only costs memory on the small boxes this runs on.
_SIDE_BY_SIDE = 4
_CPU_MAX = Path("/sys/fs/cgroup/cpu.max")


def cores() -> int:
    """How many threads may work at once, on cameras as on answers.

    A container with a limit sees all cores of its machine; with as many threads it would have used its share up early
    in each tenth of a second, and stand still for the rest.
    """
    return within_quota(len(os.sched_getaffinity(0)), _CPU_MAX)


def within_quota(visible: int, cpu_max: Path) -> int:
    """At most as many whole cores as a control group's ``cpu.max`` ("quota period", or "max period") grants."""
    try:
        quota, period = cpu_max.read_text().split()
        return max(1, min(visible, int(quota) // int(period)))
    except (OSError, ValueError):  # no such group, or no quota
        return visible


def new_core() -> ov.Core:
    """OpenVINO, with CPU set to answer in FP32, as many answers at once as there are cores, each on one thread.

    Left to itself it takes bfloat16 on processors with AMX: a third faster, and the landmarker's points are off by
    1.7 px of 256 and 6 cm, which the self-test rightly refuses. A second thread on the same answer has it sooner, and
    costs 20 % more CPU time.
    """
    core = ov.Core()
    one_thread_each = {"NUM_STREAMS": cores(), "INFERENCE_NUM_THREADS": cores()}
    core.set_property("CPU", {"INFERENCE_PRECISION_HINT": "f32", **one_thread_each})
    return core


class Requests(threading.local):
    """One thread's own inference requests, for a request answers one thread at a time. Each thread has new ones."""

    def __init__(self, compiled: ov.CompiledModel) -> None:
        self._compiled = compiled
        self.made: list[ov.InferRequest] = []

    def take(self, count: int) -> list[ov.InferRequest]:
        """So many requests, the same each time."""
        while len(self.made) < count:
            self.made.append(self._compiled.create_infer_request())
        return self.made[:count]


class InferenceError(RunError):
    """A network failed to answer. It never means that nobody is there."""

    def __init__(self, model: str, what: str) -> None:
        super().__init__(what, "run `edge-agent doctor`; if it repeats, set pose.device to CPU")
        self.model = model


def prune(model: ov.Model, outputs: Sequence[str]) -> ov.Model:
    """Keep only the branches that feed ``outputs``: the rest is never computed."""
    kept = [model.output(name).node for name in outputs]
    return ov.Model(kept, model.get_parameters(), model.friendly_name)


def _take_pictures(model: ov.Model, mean: float, scale: float) -> ov.Model:
    """Let the graph itself take uint8 BGR pictures: colour order and scaling cost no copy of ours."""
    steps = PrePostProcessor(model)
    steps.input().tensor().set_element_type(ov.Type.u8).set_color_format(ColorFormat.BGR)
    steps.input().tensor().set_layout(ov.Layout("NHWC"))
    steps.input().model().set_layout(ov.Layout("NHWC"))
    steps.input().preprocess().convert_color(ColorFormat.RGB).convert_element_type(ov.Type.f32)
    steps.input().preprocess().mean(mean).scale(scale)
    return steps.build()


def last_line(error: Exception) -> str:
    """The end of OpenVINO's long stack of messages, which says what is wrong."""
    return next((line.strip() for line in reversed(str(error).splitlines()) if line.strip()), type(error).__name__)


@dataclass(frozen=True, slots=True)
class Graph:
    """What to open: a model file by its registry name, and which of its outputs are in use.

    ``span`` is the input range the network was trained on: "0..1" or "-1..1". ``precision``: of the file's weights.
    """

    name: str
    path: Path
    outputs: tuple[str, ...]
    span: Literal["0..1", "-1..1"]
    precision: Literal["fp32", "int8"] = "fp32"


class Network:
    """A compiled graph that answers many pictures at once, in the order they were given.

    Pixels are mapped to (value - mean) / scale in RGB order inside the graph; callers give uint8 BGR.
    """

    def __init__(self, core: ov.Core, graph: Graph, device: str) -> None:
        """Raises RunError when the device cannot run it."""
        mean, scale = {"0..1": (0.0, 255.0), "-1..1": (127.5, 127.5)}[graph.span]
        model = _take_pictures(prune(core.read_model(graph.path), graph.outputs), mean, scale)
        try:
            self.compiled = core.compile_model(model, device, {"PERFORMANCE_HINT": "LATENCY"})
        except RuntimeError as error:
            raise RunError(
                f"cannot use {device} for {graph.name}; this machine has {', '.join(core.available_devices)}",
                "set pose.device to AUTO:NPU,GPU,CPU, or install the driver; --debug shows OpenVINO's own words",
            ) from error
        self._outputs = graph.outputs
        self._requests = Requests(self.compiled)
        self.name, self.precision = graph.name, graph.precision
        self.height, self.width = (int(side) for side in self.compiled.input(0).shape[1:3])

    @property
    def outputs(self) -> int:
        """How many branches of the graph are computed."""
        return len(self._outputs)

    @property
    def device(self) -> str:
        """The device really used, such as ``CPU``; AUTO answers with brackets, which are dropped."""
        used = self.compiled.get_property("EXECUTION_DEVICES")
        return ",".join(str(name).strip("()") for name in used)

    def infer(self, pictures: Sequence[Image]) -> list[dict[str, Floats]]:
        """Answer each (height, width, 3) uint8 BGR picture with its outputs by name.

        All requests run asynchronously side by side; answers come back in the order of ``pictures``. Any number of
        threads may ask at once.
        Raises InferenceError when any of them fails.
        """
        answers: list[dict[str, Floats]] = []
        for start in range(0, len(pictures), _SIDE_BY_SIDE):
            answers += self._infer_together(pictures[start : start + _SIDE_BY_SIDE])
        return answers

    def _infer_together(self, pictures: Sequence[Image]) -> list[dict[str, Floats]]:
        running = list(zip(self._requests.take(len(pictures)), pictures, strict=True))
        try:
            for request, picture in running:
                # Given as an argument it takes five times as long. Reshaped, for a smaller one would be repeated.
                request.get_input_tensor().data[0] = picture.reshape(self.height, self.width, 3)
                request.start_async()
            for request, _ in running:
                request.wait()
        except (RuntimeError, ValueError) as error:
            # The others may still be running, and a busy request refuses the next frame's picture.
            self._requests.made.clear()
            what = f"{self.name} failed on {self.device}: {last_line(error)}"
            raise InferenceError(self.name, what) from error
        return [self._answer(request) for request, _ in running]

    def _answer(self, request: ov.InferRequest) -> dict[str, Floats]:
        return {name: self._copy(request, i) for i, name in enumerate(self._outputs)}

    @staticmethod
    def _copy(request: ov.InferRequest, index: int) -> Floats:
        data: npt.NDArray[np.float32] = request.get_output_tensor(index).data
        return np.array(data[0])
