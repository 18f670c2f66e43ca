"""Every setting, its unit, range and default. Frozen; ``edge_agent.settings_file`` fills them in."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import quote
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationInfo,
    model_validator,
)

from edge_agent.core.polygon import flaw
from edge_agent.core.technique import TechniqueThresholds

LIVE_SCHEMES = ("rtsp", "rtsps", "http", "https")
PASSWORD_VARIABLE = "HINGEWATCH_MQTT_PASSWORD"  # noqa: S105 - the name of the variable, not a password
_VARIABLE = r"\$\{(\w+)\}"


def _sound(corners: tuple[tuple[float, float], ...]) -> tuple[tuple[float, float], ...]:
    found = flaw(corners)
    if found:
        raise ValueError(found)
    return corners


def _distinct(kind: str, names: list[str]) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"two {kind} are called {', '.join(twice)}: give each its own name")


def _never_in_file(password: object, info: ValidationInfo) -> object:
    if password is not None and info.context is not None:
        raise ValueError("a password must not stand in this file")
    return password


def _with_environment(source: object, info: ValidationInfo) -> object:
    """Replace ``${NAME}`` by the environment variable, so that no password need stand in the file."""
    if isinstance(source, int) and not isinstance(source, bool):
        return str(source)  # YAML reads `source: 0` as a number
    environ: Mapping[str, str] = info.context or {}
    if not isinstance(source, str) or info.context is None:
        return source
    missing = [name for name in re.findall(_VARIABLE, source) if name not in environ]
    if missing:
        raise ValueError(f"environment variable {missing[0]} is not set: set it, or write the source out")
    return _filled_in(source, environ)


def _filled_in(source: str, environ: Mapping[str, str]) -> str:
    """In front of an address's last @ stand credentials: there a value is escaped, for it may hold @ / ? or #."""
    before, at, after = source.rpartition("@") if "://" in source else ("", "", source)
    escaped = re.sub(_VARIABLE, lambda match: quote(environ[match[1]], safe=""), before)
    return escaped + at + re.sub(_VARIABLE, lambda match: environ[match[1]], after)


def _watchable(source: str) -> str:
    scheme, mark, _ = source.partition("://")
    if mark and scheme.lower() not in LIVE_SCHEMES:
        raise ValueError(f"unknown kind of address {scheme}://: use one of {', '.join(LIVE_SCHEMES)}")
    return source


Slug = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")]
Fraction = Annotated[float, Field(ge=0.0, le=1.0)]
Polygon = Annotated[tuple[tuple[Fraction, Fraction], ...], Field(min_length=3), AfterValidator(_sound)]


def _expanded(path: Path) -> Path:
    try:
        return path.expanduser()
    except RuntimeError:
        raise ValueError(f"no user's home is known for {path}: write the path in full") from None


UserPath = Annotated[Path, AfterValidator(_expanded)]


class Section(BaseModel):
    """Frozen; an unknown key is an error, never ignored."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, validate_default=True)


class ZoneSettings(Section):
    """A named part of the floor. A lift belongs to the zone in which the person's feet stand."""

    name: Slug = Field(description="its name in events and metrics")
    polygon: Polygon = Field(description="corners as fractions of the frame's width and height, origin top left")
    workers: int | None = Field(None, ge=1, description="how many people work here; fewer than three are warned of")


class CameraSettings(Section):
    """One video source."""

    name: Slug = Field(description="its name in metrics, and its zone's where it has none")
    source: Annotated[str, BeforeValidator(_with_environment), AfterValidator(_watchable)] = Field(
        min_length=1, description="rtsp://, http(s)://, a file, a V4L2 device such as /dev/video0, or 0"
    )
    zones: tuple[ZoneSettings, ...] = Field(
        (), description="empty: the whole frame is one zone named like the camera"
    )
    masks: tuple[Polygon, ...] = Field((), description="polygons blanked before inference, in fractions as zones are")
    rate_hz: float = Field(15.0, gt=0, le=60, description="frames analysed per second at most")
    height_px: int = Field(720, ge=120, le=2160, description="frames taller than this are scaled down to this height")
    open_timeout_s: float = Field(10.0, gt=0, description="give up opening after this long, then retry")
    stall_timeout_s: float = Field(3.0, gt=0, description="no frame for this long is a stall: reconnect")

    @model_validator(mode="after")
    def _zone_names_differ(self) -> "CameraSettings":
        _distinct("zones", [zone.name for zone in self.zones])
        return self


class PoseSettings(Section):
    """The pose networks and the device they run on."""

    device: str = Field("AUTO:NPU,GPU,CPU", description="OpenVINO device string, in order of preference")
    landmarker: Literal["lite", "full", "heavy"] = Field("full", description="lite and heavy need npm at set-up")
    precision: Literal["fp32", "int8"] = Field(
        "fp32", description="of the landmarker; int8 is what `models quantize` made and let pass"
    )
    models_dir: UserPath = Field(Path("~/.cache/hingewatch/models"), description="where fetched models are kept")
    cache_dir: UserPath = Field(Path("~/.cache/hingewatch/compiled"), description="OpenVINO's compiled-model cache")


class TechniqueSettings(Section):
    """Where one technique ends and the next begins. Sources: ``core.technique.TechniqueThresholds``."""

    rounded_deg: float = Field(33.0, ge=10, le=80, description="spine flexion from which a back counts as rounded")
    squat_index: float = Field(40.0, ge=0, le=100, description="stoop-squat index below which the legs squat")
    min_confidence: float = Field(0.6, ge=0.5, lt=1, description="a verdict less sure than this is unknown")

    @property
    def thresholds(self) -> TechniqueThresholds:
        """The same, as the core takes it."""
        return TechniqueThresholds(**self.model_dump())


class PrivacySettings(Section):
    """When an event may leave the building."""

    bucket_s: int = Field(300, ge=1, le=3600, description="event times are rounded down to this many seconds")
    min_lifts: int = Field(5, ge=1, description="a zone's bucket is released only once it holds this many lifts")


LISTEN_ON = "address to listen on; 0.0.0.0 lets other machines reach it"
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
MQTT_PORT, MQTT_TLS_PORT = 1883, 8883


class MqttSettings(Section):
    """The broker that events are sent to."""

    host: str = Field("127.0.0.1", description="the broker's name or address")
    username: str | None = Field(None, description="user name, where the broker asks for one")
    password_file: UserPath | None = Field(None, description=f"file holding the password; or set {PASSWORD_VARIABLE}")
    password: Annotated[SecretStr | None, BeforeValidator(_never_in_file)] = Field(
        None, exclude=True, description=f"put it in a file named by password_file, or in {PASSWORD_VARIABLE}"
    )
    ca_file: UserPath | None = Field(None, description="the authority to trust; null: those this machine trusts")
    cert_file: UserPath | None = Field(None, description="our own certificate, where the broker asks for one")
    key_file: UserPath | None = Field(None, description="its key")
    plaintext: bool = Field(False, description="no TLS, though the broker is not on this machine")
    session_expiry_s: int = Field(86400, ge=0, description="how long the broker keeps our session while we are away")
    port: int = Field(
        default_factory=lambda known: MQTT_TLS_PORT if _speaks_tls(known) else MQTT_PORT,
        ge=1,
        le=65535,
        description=f"{MQTT_TLS_PORT} with TLS, else {MQTT_PORT}, unless given",
    )

    @property
    def tls(self) -> bool:
        """Always where the broker is on another machine, unless ``plaintext`` says no."""
        return _speaks_tls(self.model_dump())

    @model_validator(mode="after")
    def _fits_together(self) -> "MqttSettings":
        if (self.cert_file is None) != (self.key_file is None):
            raise ValueError("cert_file and key_file belong together: give both, or none")
        if self.plaintext and (self.ca_file or self.cert_file):
            raise ValueError("plaintext needs no certificates: drop it, or ca_file, cert_file and key_file")
        return self


def _speaks_tls(known: Mapping[str, object]) -> bool:
    if known.get("ca_file") or known.get("cert_file"):
        return True
    return known.get("host") not in LOOPBACK and not known.get("plaintext")


class OutboxSettings(Section):
    """The durable queue between a lift and the broker's acknowledgement."""

    path: UserPath = Field(
        Path("~/.local/state/hingewatch/outbox.sqlite"), description="the SQLite file; it must survive a reboot"
    )
    max_events: int = Field(100_000, ge=1, description="beyond this the oldest low-risk events make room, counted")
    keep_acknowledged_s: float = Field(
        2000.0, ge=0, description="longer than the broker's autosave_interval: a killed broker forgets what it took"
    )


class OrderSettings(Section):
    """Settings ordered from afar, over the broker. Nothing is taken unless ``trusted_key`` says whose."""

    trusted_key: UserPath | None = Field(None, description="the .pub file of the key that orders are signed with")
    state_path: UserPath = Field(
        Path("~/.local/state/hingewatch/order.json"), description="what was ordered last, so that a restart keeps it"
    )


class MetricsSettings(Section):
    """The agent's own /metrics page."""

    host: str = Field("127.0.0.1", description=LISTEN_ON)
    port: int = Field(9108, ge=0, le=65535, description="0: any free port")


def _time_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(
            f"{name} is no time zone: use a name such as Europe/London, America/Chicago or UTC"
        ) from None
    return name


DayHour = Annotated[int, Field(ge=0, le=23)]


class BridgeSettings(Section):
    """MQTT -> Prometheus."""

    host: str = Field("127.0.0.1", description=LISTEN_ON)
    port: int = Field(9109, ge=0, le=65535, description="0: any free port")
    state_path: UserPath = Field(
        Path("~/.local/state/hingewatch/bridge.sqlite"), description="the SQLite file that keeps what was counted"
    )
    stale_after_s: float = Field(120.0, gt=0, description="an agent silent for this long is shown as down")
    replica: Slug | None = Field(None, description="name, when several bridges of one machine share the state file")
    max_zones: int = Field(1000, ge=1, description="of all sites, 200 of each; a new zone beyond them is refused")
    max_agents: int = Field(500, ge=1, description="of all sites, 100 of each; a new agent beyond them is refused")
    max_state_mib: int = Field(2048, ge=1, description="beyond this size of the state file, events are refused")
    time_zone: Annotated[str, AfterValidator(_time_zone)] = Field(
        "UTC", description="in which days, shifts and hours of the overview begin"
    )
    shift_starts: tuple[DayHour, ...] = Field((6, 14, 22), min_length=1, description="hours at which shifts begin")
    target_risky_share: float = Field(0.2, gt=0, lt=1, description="of told lifts at most so many should be risky")


class Settings(Section):
    """One site's file."""

    site: Slug = Field("my-site", description="the site's name, in every topic and metric")
    agent: Slug = Field("edge-1", description="this box's name, different for every box of the site")
    cameras: tuple[CameraSettings, ...] = Field((), description="the video sources that this box watches")
    pose: PoseSettings = Field(default_factory=PoseSettings)
    technique: TechniqueSettings = Field(default_factory=TechniqueSettings)
    privacy: PrivacySettings = Field(default_factory=PrivacySettings)
    mqtt: MqttSettings = Field(default_factory=MqttSettings)
    outbox: OutboxSettings = Field(default_factory=OutboxSettings)
    orders: OrderSettings = Field(default_factory=OrderSettings)
    metrics: MetricsSettings = Field(default_factory=MetricsSettings)
    bridge: BridgeSettings = Field(default_factory=BridgeSettings)

    @model_validator(mode="after")
    def _camera_names_differ(self) -> "Settings":
        _distinct("cameras", [camera.name for camera in self.cameras])
        return self
