"""INT8 forms of the landmarker, made on site by ``edge-agent models quantize``: kept with a record, known by hash.

No package ships them, so no hash is pinned. The record tells an altered file and an outdated one, not a forged one:
who may write the models' folder is trusted.
"""

import hashlib
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from edge_agent import registry
from edge_agent.errors import InputError


class Record(BaseModel):
    """What stands beside an INT8 model. ``cost_ratios``: CPU time as a multiple of FP32's on ``machine``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source_sha256: str
    sha256: str
    cells: tuple[int, int]
    same: int
    lifts: int
    cost_ratios: dict[str, float]
    machine: str
    versions: dict[str, str]


def graph_path(model: str, models_dir: Path) -> Path:
    """The graph's description; its weights lie beside it, as ``.bin``, and its record, as ``.json``."""
    return models_dir.expanduser() / f"{model}-int8.xml"


def parts(model: str, models_dir: Path) -> tuple[Path, Path, Path]:
    """Weights, description and record, in the order in which they are put in place: the record proves the others."""
    graph = graph_path(model, models_dir)
    return graph.with_suffix(".bin"), graph, graph.with_suffix(".json")


def digest(model: str, models_dir: Path) -> str:
    """One sha256 of weights and description together. Raises OSError."""
    whole = hashlib.sha256()
    for part in parts(model, models_dir)[:2]:
        whole.update(part.read_bytes())
    return whole.hexdigest()


def record(model: str, models_dir: Path) -> Record:
    """The record of an INT8 model, its files proven by it.

    Raises InputError where any of it is missing, altered, or made of another FP32 model than the registry's.
    """
    path = parts(model, models_dir)[2]
    try:
        known = Record.model_validate_json(path.read_bytes())
        actual = digest(model, models_dir)
    except (OSError, ValidationError) as error:
        raise _unusable(model, f"missing or unreadable: {path}") from error
    if actual != known.sha256:
        raise _unusable(model, f"altered: {graph_path(model, models_dir)}")
    if known.source_sha256 != registry.entry(model).sha256:
        raise _unusable(model, "made of another version of the model")
    return known


def _unusable(model: str, what: str) -> InputError:
    fix = "make it with: edge-agent models quantize CLIPS..., or set pose.precision to fp32"
    return InputError(f"the INT8 form of {model} is {what}", fix)
