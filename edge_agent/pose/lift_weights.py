"""The lift model's weights, as they come with the package: ``models/lifts`` wrote them."""

from hashlib import sha256
from importlib.resources import files
from importlib.resources.abc import Traversable
from io import BytesIO
from typing import Final
from zipfile import BadZipFile

import numpy as np

from edge_agent.core.lift_model import LiftModel
from edge_agent.errors import RunError

NAME: Final = "lift"
"""In metrics and in the health record."""
_SHIPPED: Final = files("edge_agent") / "assets"


def lift_model(folder: Traversable = _SHIPPED) -> tuple[LiftModel, str]:
    """What tells a lift from other bends, and the sha256 of its file. Raises RunError where it cannot be read."""
    try:
        content = (folder / "lift-model.npz").read_bytes()
        with np.load(BytesIO(content)) as arrays:
            return LiftModel.from_arrays(dict(arrays)), sha256(content).hexdigest()
    except (OSError, EOFError, ValueError, KeyError, BadZipFile) as error:
        raise RunError("the lift model is missing or damaged", "install Hingewatch again") from error
