"""Save trained networks for the product: the encoders as one OpenVINO graph, the heads as NumPy arrays."""

from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
import torch
from network import TARGETS, VALUES
from torch import nn


class Encoders(nn.Module):
    """All encoders side by side: (1, 1, 64, 48) mask and (1, 90) values to (1, n, 64) codes."""

    def __init__(self, encoders: list) -> None:
        super().__init__()
        self.encoders = nn.ModuleList(encoders)

    def forward(self, mask: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
        """(1, 1, 64, 48) and (1, 90) to (1, n, 64)."""
        return torch.stack([encoder(mask, values) for encoder in self.encoders], 1)


def save(models: list, folder: Path) -> None:
    """Write spine-encoder.xml and .bin (half precision) and spine-head.npz."""
    shown = torch.zeros(1, 1, 64, 48), torch.zeros(1, VALUES)
    graph = ov.convert_model(Encoders([m.encoder for m in models]).eval(), example_input=shown)
    graph.reshape({0: [1, 1, 64, 48], 1: [1, VALUES]})
    ov.save_model(graph, folder / "spine-encoder.xml", compress_to_fp16=True)
    linears = [[layer for layer in m.head.layers if isinstance(layer, nn.Linear)] for m in models]
    arrays: dict[str, Any] = {"scale": np.array(list(TARGETS.values()), np.float32)}
    for i in range(2):
        arrays[f"weight{i}"] = np.stack([pair[i].weight.detach().numpy().T for pair in linears])
        arrays[f"bias{i}"] = np.stack([pair[i].bias.detach().numpy() for pair in linears])
    np.savez_compressed(folder / "spine-head.npz", **arrays)
