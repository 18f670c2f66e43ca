"""Settings ordered from afar: which there are, who may order them, and what they make of the file's.

An order is JSON in JSON: its text, and a signature (Ed25519, RFC 8032) of exactly that text, so that nothing hangs on
how JSON is written. Whoever may write to the broker can send one; only who holds the key can have it taken.

Little can be ordered, and nothing that would tell more about people: no source, broker, path or privacy setting;
masks of the file stay; zones that would point at fewer people than those of the file are refused.
"""

import base64
import json
from typing import Final, Literal

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from pydantic import Base64Bytes, Field, ValidationError

from edge_agent.anonymity import weaknesses
from edge_agent.core.health import OrderReason
from edge_agent.core.tally import MIN_TOLD
from edge_agent.settings import CameraSettings, Polygon, Section, Settings, Slug, TechniqueSettings, ZoneSettings

SCHEMA: Final = "hingewatch.settings/1"
MAX_ORDER_BYTES: Final = 64 * 1024


class RefusedOrderError(Exception):
    """``reason``: all that is told to the outside. ``what``: for the log on this box."""

    def __init__(self, reason: OrderReason, what: str) -> None:
        super().__init__(f"{reason}: {what}")
        self.reason: OrderReason = reason
        self.what = what


class CameraChanges(Section):
    """Of one camera."""

    zones: tuple[ZoneSettings, ...] | None = Field(None, description="instead of the file's")
    masks: tuple[Polygon, ...] = Field((), description="beside the file's")
    rate_hz: float | None = None
    height_px: int | None = None


class PoseChanges(Section):
    """Of the networks."""

    landmarker: Literal["lite", "full", "heavy"] | None = None
    precision: Literal["fp32", "int8"] | None = None


class TechniqueChanges(Section):
    """Of the thresholds."""

    rounded_deg: float | None = None
    squat_index: float | None = None
    min_confidence: float | None = None


class Changes(Section):
    """All that can be ordered."""

    cameras: dict[Slug, CameraChanges] = Field(default_factory=dict)
    pose: PoseChanges | None = None
    technique: TechniqueChanges | None = None


class Order(Section):
    """number: greater than that of every order before; unix time in milliseconds will do.

    canary: the camera that tries the changes out before the others, for so many lifts as it is and so many with them.
    """

    site: Slug
    agent: Slug
    number: int = Field(gt=0, lt=2**53)
    changes: Changes = Changes()
    canary: Slug | None = None
    lifts: int = Field(MIN_TOLD, ge=MIN_TOLD, le=10_000)


class _Envelope(Section):
    form: Literal["hingewatch.settings/1"] = Field(alias="schema")
    order: str
    signature: Base64Bytes


def sealed(order: Order, key: Ed25519PrivateKey) -> str:
    """As it travels."""
    text = order.model_dump_json(exclude_none=True)
    signature = base64.b64encode(key.sign(text.encode())).decode()
    return json.dumps({"schema": SCHEMA, "order": text, "signature": signature})


def opened(payload: bytes, key: Ed25519PublicKey) -> Order:
    """What was ordered. Anyone may have sent it. Raises RefusedOrderError."""
    if len(payload) > MAX_ORDER_BYTES:
        raise RefusedOrderError("malformed", f"{len(payload)} bytes")
    try:
        envelope = _Envelope.model_validate_json(payload)
    except ValidationError as error:
        raise RefusedOrderError("malformed", _first(error)) from None
    try:
        key.verify(envelope.signature, envelope.order.encode())
        return Order.model_validate_json(envelope.order)
    except InvalidSignature:
        raise RefusedOrderError("signature", "it was not signed with the key that is trusted here") from None
    except ValidationError as error:
        raise RefusedOrderError("bad_value", _first(error)) from None


def changed(settings: Settings, changes: Changes) -> Settings:
    """The file's settings with what was ordered on top. Raises RefusedOrderError."""
    names = {camera.name for camera in settings.cameras}
    if unknown := sorted(changes.cameras.keys() - names):
        raise RefusedOrderError("unknown_camera", ", ".join(unknown))
    try:
        new = settings.model_copy(
            update={
                "cameras": tuple(
                    _changed_camera(camera, changes.cameras.get(camera.name)) for camera in settings.cameras
                ),
                "pose": settings.pose.model_copy(update=_given(changes.pose)),
                "technique": TechniqueSettings(**(settings.technique.model_dump() | _given(changes.technique))),
            }
        )
    except ValidationError as error:
        raise RefusedOrderError("bad_value", _first(error)) from None
    before = set(weaknesses(settings))
    if worse := [weakness.what for weakness in weaknesses(new) if weakness not in before]:
        raise RefusedOrderError("tells_more", worse[0])
    return new


def _changed_camera(camera: CameraSettings, changes: CameraChanges | None) -> CameraSettings:
    given = _given(changes) | {"masks": camera.masks + (changes.masks if changes else ())}
    return CameraSettings.model_validate(dict(camera) | given)


def _given(changes: Section | None) -> dict[str, object]:
    return {name: value for name, value in changes or () if value is not None}


def _first(error: ValidationError) -> str:
    found = error.errors()[0]
    return f"{'.'.join(map(str, found['loc']))}: {found['msg']}"
