"""One frame of a bent body to the codes from which `core.kinematics` tells its angles: our own small network.

Trained on simulated bodies by ``models/spine``; it is so small that a trip to another device would cost more.
"""

from hashlib import sha256
from importlib.resources import as_file, files
from importlib.resources.abc import Traversable
from io import BytesIO

import numpy as np
import openvino as ov

from edge_agent.core.bodyview import BodyView
from edge_agent.core.kinematics import KinematicsHead
from edge_agent.core.records import Floats
from edge_agent.errors import RunError
from edge_agent.pose.network import InferenceError, Requests, last_line

NAME = "spine"
_SHIPPED = files("edge_agent") / "assets"


class SpineEncoder:
    """The compiled encoder. ``head`` turns its codes into angles."""

    def __init__(self, core: ov.Core, weights: Traversable = _SHIPPED) -> None:
        """``weights``: folder of what the training script saved. Raises RunError when this machine cannot run it."""
        try:
            with as_file(weights / "spine-encoder.xml") as graph, as_file(weights / "spine-encoder.bin") as numbers:
                model = core.read_model(graph, numbers)
                self.compiled = core.compile_model(model, "CPU")
        except RuntimeError as error:
            raise RunError("OpenVINO cannot run the spine model on CPU", "install Hingewatch again") from error
        self._requests = Requests(self.compiled)
        encoder, head = ((weights / name).read_bytes() for name in ("spine-encoder.bin", "spine-head.npz"))
        self.sha256 = sha256(encoder + head).hexdigest()
        with np.load(BytesIO(head)) as arrays:
            self.head = KinematicsHead.from_arrays(dict(arrays))

    def encode(self, view: BodyView) -> Floats:
        """The (n, 64) codes of one view. Raises InferenceError."""
        (request,) = self._requests.take(1)
        try:
            answer = request.infer({0: view.mask[np.newaxis, np.newaxis], 1: view.values[np.newaxis]})
        except RuntimeError as error:
            raise InferenceError(NAME, f"{NAME} failed on CPU: {last_line(error)}") from error
        return np.array(next(iter(answer.values()))[0], np.float32)
