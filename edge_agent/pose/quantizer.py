"""The landmarker in INT8, by post-training quantisation. NNCF is an extra: no box that watches cameras needs it."""

import importlib.util
import logging
import os
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov

from edge_agent.core.records import Floats, Image
from edge_agent.errors import InputError
from edge_agent.pose.network import Graph, prune


@dataclass(frozen=True, slots=True)
class Cells:
    """Convolutions whose answer has ``least`` to ``most`` cells a side are quantised, all else stays FP32."""

    least: int
    most: int


RUNGS = (Cells(8, 16), Cells(8, 8))
"""From bold to mild; the first that passes the gate is taken. Measured on the full landmarker and crops of real
people, error against FP32 in pixels of 256: all of it 3.8 to 4.2 (outline's IoU 0.91), 8 to 32 cells 1.2, 1 to 16
cells 3.2, 8 to 16 cells 1.0 (IoU 0.99), 8 cells 0.5. The fine grids carry edges, the coarsest the points themselves.
"""

_NOT_OTHERWISE = {"GroupConvolution", "Add", "Interpolate", "MaxPool", "Multiply", "AvgPool"}


def check_nncf() -> None:
    """Raises InputError where NNCF is not installed."""
    if importlib.util.find_spec("nncf") is None:
        raise InputError(
            "quantising needs NNCF, which is not installed",
            "in a checkout: .venv/bin/pip install --require-hashes -r requirements-quantize.lock; "
            "else: pip install 'hingewatch-edge-agent[quantize]'",
        )


def kept(model: ov.Model, cells: Cells) -> list[str]:
    """Names of the operations that stay FP32."""

    def chosen(node: Any) -> bool:
        side = node.get_output_shape(0)[2]  # batch, channels, height, width
        return bool(cells.least <= side <= cells.most)

    return [
        node.get_friendly_name()
        for node in model.get_ordered_ops()
        if node.get_type_name() in _NOT_OTHERWISE or (node.get_type_name() == "Convolution" and not chosen(node))
    ]


def quantize(core: ov.Core, graph: Graph, cells: Cells, pictures: Sequence[Image]) -> ov.Model:
    """The graph with INT8 convolutions, calibrated on (height, width, 3) uint8 BGR crops of people.

    ``graph`` holds all outputs that will be asked for; its span is "0..1". NNCF shows its own progress.
    """
    os.environ.setdefault("NNCF_CI", "1")  # else NNCF tells Google Analytics of each use
    import nncf  # noqa: PLC0415 - an extra that is not on every machine

    nncf.set_log_level(logging.ERROR)
    model = prune(core.read_model(graph.path), graph.outputs)

    def as_trained(picture: Image) -> dict[int, Floats]:
        return {0: np.asarray(picture[np.newaxis, ..., ::-1] / np.float32(255), np.float32)}

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        quantized: ov.Model = nncf.quantize(
            model,
            nncf.Dataset(pictures, as_trained),
            preset=nncf.QuantizationPreset.MIXED,
            subset_size=len(pictures),
            ignored_scope=nncf.IgnoredScope(names=kept(model, cells)),
        )
    return quantized


def save(model: ov.Model, path: Path) -> None:
    """Description at ``path``, weights beside it. What stayed FP32 is kept so."""
    ov.save_model(model, path, compress_to_fp16=False)
