"""The one message that leaves the building, and its wire form.

``LiftEvent`` has no field that could hold a picture, a keypoint, a box, a track number or an exact time:
every value is one word of a fixed list, a short name, a random id or the start of a time bucket. The wire
form is a flat JSON object of strings, checked field by field on the way in, because anyone on the site's
network can send one.
"""

import json
import math
import re
import uuid
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any, Final, Literal, TypeVar, get_args

from edge_agent.core.records import TECHNIQUES, VIEWS, Lift, Technique, View
from edge_agent.core.risk import RISKS, ConfidenceBand, KneeBand, Risk, SpineBand, TrunkBand, risk_of

SCHEMA: Final = "hingewatch.lift/1"
HEALTH_SCHEMA: Final = "hingewatch.health/1"
MAX_PAYLOAD_BYTES: Final = 4096
"""A genuine event is about 400 bytes."""

Reason = Literal[
    "too_large",
    "not_json",
    "not_an_object",
    "schema",
    "missing_field",
    "extra_field",
    "wrong_type",
    "bad_value",
]
REASONS: Final[tuple[Reason, ...]] = get_args(Reason)

_Band = TypeVar("_Band", bound=str)

# Trunk: bins of 30 degrees are the best compromise for seeing trunk flexion (doi:10.1080/00140130902752118);
# 60 is also where REBA's top trunk score and ISO 11226's "not recommended" begin.
# Spine: the neutral zone ends at about 35 % of lumbar range, some 19 degrees; our own error is 8 degrees: a
# bin narrower than 20 would claim more than was measured. Bending backwards counts as 0-20.
# Knee: REBA's leg score rises at 30 and at 60.
# Confidence: three words, because the number itself invites more trust than it earns.
_TRUNK_EDGES: Final = (30.0, 60.0, 90.0)
_SPINE_EDGES: Final = (20.0, 40.0)
_KNEE_EDGES: Final = (30.0, 60.0)
_CONFIDENCE_EDGES: Final = (0.6, 0.8)
_TRUNK: Final[tuple[TrunkBand, ...]] = ("0-30", "30-60", "60-90", "90+")
_SPINE: Final[tuple[SpineBand, ...]] = ("0-20", "20-40", "40+")
_KNEE: Final[tuple[KneeBand, ...]] = ("0-30", "30-60", "60+")
_CONFIDENCE: Final[tuple[ConfidenceBand, ...]] = ("low", "medium", "high")

_SLUG: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
_PATTERNS: Final = {
    "event_id": re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"),
    "site": _SLUG,
    "zone": _SLUG,
    "model": re.compile(r"[a-z0-9][a-z0-9._+-]{0,62}"),
}
_CHOICES: Final[Mapping[str, tuple[str, ...]]] = {
    "schema": (SCHEMA,),
    "technique": TECHNIQUES,
    "risk": RISKS,
    "trunk_inclination_band": get_args(TrunkBand),
    "spine_flexion_band": get_args(SpineBand),
    "knee_flexion_band": get_args(KneeBand),
    "confidence_band": get_args(ConfidenceBand),
    "view": VIEWS,
}
_TEXTS: Final = (*_PATTERNS, *_CHOICES)
_SCHEMA_VERSION: Final = re.compile(r"hingewatch\.lift/1(\.[1-9][0-9]{0,3})?")
_UTC_SECOND: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
_END_OF_9999_S: Final = 253_402_300_800


class EventError(ValueError):
    """This is no lift event. ``reason`` is one word of ``REASONS``, fit for a metric.

    The sender's text is not kept: it would otherwise reach the log.
    """

    def __init__(self, reason: Reason, field: str = "payload") -> None:
        super().__init__(f"{field}: {reason}")
        self.reason: Reason = reason
        self.field = field


@dataclass(frozen=True, slots=True)
class Place:
    """Where a lift happened, as two names from the settings."""

    site: str
    zone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LiftEvent:
    """One lift, as the outside world may know it. ``bucket_start`` is in unix seconds, UTC.

    Raises EventError when any field holds anything but what its type here allows.
    """

    schema: Literal["hingewatch.lift/1"] = SCHEMA
    event_id: str
    site: str
    zone: str
    bucket_start: int
    technique: Technique
    risk: Risk
    trunk_inclination_band: TrunkBand
    spine_flexion_band: SpineBand
    knee_flexion_band: KneeBand
    confidence_band: ConfidenceBand
    view: View
    model: str

    def __post_init__(self) -> None:
        if type(self.bucket_start) is not int:
            raise EventError("wrong_type", "bucket_start")
        if not 0 <= self.bucket_start < _END_OF_9999_S:
            raise EventError("bad_value", "bucket_start")
        for name in _TEXTS:
            _check_text(name, getattr(self, name))


FIELDS: Final = tuple(field.name for field in fields(LiftEvent))
_FIELDS: Final = frozenset(FIELDS)


def from_lift(lift: Lift, where: Place, unix_time_s: float, bucket_s: int, model: str) -> LiftEvent:
    """Reduce a judged lift to what may leave: bands instead of angles, a bucket instead of a time.

    unix_time_s: wall clock of the lift's end. model: name and version of the classifier: ``outline-1.0``.
    Raises EventError when a name is not a short lower-case one.
    """
    trunk = _band(lift.trunk_inclination_deg, _TRUNK_EDGES, _TRUNK)
    spine = _band(lift.spine_flexion_deg, _SPINE_EDGES, _SPINE)
    return LiftEvent(
        event_id=str(uuid.uuid4()),
        site=where.site,
        zone=where.zone,
        bucket_start=bucket_start(unix_time_s, bucket_s),
        technique=lift.technique,
        risk=risk_of(lift.technique, trunk, spine),
        trunk_inclination_band=trunk,
        spine_flexion_band=spine,
        knee_flexion_band=_band(lift.knee_flexion_deg, _KNEE_EDGES, _KNEE),
        confidence_band=_band(lift.confidence, _CONFIDENCE_EDGES, _CONFIDENCE),
        view=lift.view,
        model=model,
    )


def bucket_start(unix_time_s: float, bucket_s: int) -> int:
    """Unix seconds at which the bucket of ``unix_time_s`` starts; buckets are aligned to the epoch."""
    return int(unix_time_s // bucket_s) * bucket_s


def to_json(event: LiftEvent) -> str:
    """Serialise with ``bucket_start`` as ``2026-11-24T03:55:00Z``; every value is a string."""
    wire: dict[str, str] = {name: getattr(event, name) for name in FIELDS}
    wire["bucket_start"] = datetime.fromtimestamp(event.bucket_start, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return json.dumps(wire, separators=(",", ":"))


def from_json(payload: str | bytes) -> LiftEvent:
    """Read an event that may be forged. Raises EventError, and nothing else, on anything but a valid event.

    ``hingewatch.lift/1.N`` is a newer minor version of this schema: the fields it adds are ignored. Another
    major version is refused, and so is an unknown field under the version known here.
    """
    wire = _json_object(payload)
    schema = wire.get("schema")
    if schema is None:
        raise EventError("missing_field", "schema")
    version = _SCHEMA_VERSION.fullmatch(schema) if isinstance(schema, str) else None
    if version is None:
        raise EventError("schema", "schema")
    if version[1] is None and wire.keys() - _FIELDS:
        raise EventError("extra_field")
    for name in FIELDS:
        if name not in wire:
            raise EventError("missing_field", name)
    known = {name: wire[name] for name in FIELDS}
    return LiftEvent(**known | {"schema": SCHEMA, "bucket_start": _unix_s(wire["bucket_start"])})


def topic(site: str, zone: str) -> str:
    """Where a zone's lifts are published."""
    return f"ergo/v1/{site}/{zone}/lift"


def status_topic(site: str, agent: str) -> str:
    """Where an agent's retained ``online``, ``offline`` or ``stopped`` stands."""
    return f"ergo/v1/{site}/{agent}/status"


def health_topic(site: str, agent: str) -> str:
    """Where an agent's retained health record stands."""
    return f"ergo/v1/{site}/{agent}/health"


def settings_topic(site: str, agent: str) -> str:
    """Where settings ordered for an agent stand, retained (``orders``)."""
    return f"ergo/v1/{site}/{agent}/settings"


def is_slug(text: object) -> bool:
    """True for a name as the settings allow it: it cannot hold a topic separator, a wildcard or free text."""
    return isinstance(text, str) and _SLUG.fullmatch(text) is not None


def _band(value: float | None, edges: tuple[float, ...], names: tuple[_Band, ...]) -> _Band | Literal["unknown"]:
    """``names[i]`` holds values from ``edges[i - 1]`` up to, not including, ``edges[i]``."""
    if value is None or math.isnan(value):
        return "unknown"
    return names[bisect_right(edges, value)]


def _check_text(name: str, value: object) -> None:
    if not isinstance(value, str):
        raise EventError("wrong_type", name)
    pattern = _PATTERNS.get(name)
    if not (pattern.fullmatch(value) if pattern else value in _CHOICES[name]):
        raise EventError("bad_value", name)


def _json_object(payload: str | bytes) -> dict[str, Any]:
    if len(payload) > MAX_PAYLOAD_BYTES:
        raise EventError("too_large")
    try:
        wire = json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise EventError("not_json") from error
    if not isinstance(wire, dict):
        raise EventError("not_an_object")
    return wire


def _unix_s(text: object) -> int:
    if not isinstance(text, str):
        raise EventError("wrong_type", "bucket_start")
    if not _UTC_SECOND.fullmatch(text):
        raise EventError("bad_value", "bucket_start")
    try:
        return int(datetime.fromisoformat(text).timestamp())
    except ValueError as error:
        raise EventError("bad_value", "bucket_start") from error
