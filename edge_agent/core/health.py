"""An agent's word about its machine: the second and last kind of record that leaves the building.

Like ``LiftEvent`` it has no field for a picture, a keypoint, a box, a track number or free text.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Final, Literal, get_args

from edge_agent.core.events import HEALTH_SCHEMA, is_slug

_WORD: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,62}")
_SHA256: Final = re.compile(r"[0-9a-f]{64}")


OrderState = Literal["none", "on_trial", "applied", "refused", "rolled_back"]
OrderReason = Literal[
    "",
    "malformed",
    "signature",
    "not_for_us",
    "out_of_date",
    "unknown_camera",
    "bad_value",
    "tells_more",
    "cannot_run",
]
"""Why an order was refused."""


@dataclass(frozen=True, slots=True)
class Ordered:
    """What became of the last settings ordered from afar.

    order_number: 0 where none was.
    """

    order_number: int = 0
    order_state: OrderState = "none"
    order_reason: OrderReason = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthRecord:
    """Counts are since the agent's start; those that move with people are as of the last bucket's end.

    model_sha256, devices: by the model's name. blind_s: whole seconds without pictures, of all cameras together.
    order_*: as in ``Ordered``.
    Raises ValueError where a text is no short name, device or hash.
    """

    model: str = ""
    model_sha256: Mapping[str, str] = field(default_factory=dict)
    devices: Mapping[str, str] = field(default_factory=dict)
    zones: tuple[str, ...] = ()
    cameras: int = 0
    cameras_up: int = 0
    frames: int = 0
    blind_s: int = 0
    outbox_held: int = 0
    outbox_ready: int = 0
    order_number: int = 0
    order_state: OrderState = "none"
    order_reason: OrderReason = ""

    def __post_init__(self) -> None:
        words = [*self.model_sha256, *self.devices, *self.devices.values(), *([self.model] if self.model else [])]
        if not all(_WORD.fullmatch(word) for word in words):
            raise ValueError("a health record names models and devices in single words")
        if self.order_state not in get_args(OrderState) or self.order_reason not in get_args(OrderReason):
            raise ValueError("a health record tells what became of an order in listed words")
        if not all(_SHA256.fullmatch(digest) for digest in self.model_sha256.values()):
            raise ValueError("a health record's hashes are SHA-256, in hexadecimal")
        if not all(map(is_slug, self.zones)):
            raise ValueError("a health record's zones are names from the settings")


def health_json(record: HealthRecord, at_unix_s: int) -> str:
    """The wire form."""
    return json.dumps(asdict(record) | {"schema": HEALTH_SCHEMA, "at_unix_s": at_unix_s})
