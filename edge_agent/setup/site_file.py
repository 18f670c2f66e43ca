"""The settings file as the page changes it: whole or not at all, never over another's change, with a way back."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Final

import structlog

from edge_agent.errors import InputError
from edge_agent.output import write_file
from edge_agent.settings import CameraSettings, Settings, ZoneSettings
from edge_agent.settings_file import load_text
from edge_agent.setup.floor import Floor
from edge_agent.setup.floor_text import cannot_edit, with_floor

KEPT: Final = 5
"""Former files that stay beside it."""

log = structlog.get_logger()


class ChangedMeanwhileError(InputError):
    """The file is no longer what the page has read: nothing was written."""


@dataclass(frozen=True, slots=True)
class Version:
    """The file as it was read, and what it says. ``digest`` tells one version from another."""

    text: str
    settings: Settings

    @property
    def digest(self) -> str:
        """Of the text."""
        return sha256(self.text.encode()).hexdigest()

    def camera(self, name: str) -> int:
        """Its index in the file. Raises InputError where it is no longer there."""
        for index, camera in enumerate(self.settings.cameras):
            if camera.name == name:
                return index
        raise InputError(f"the file no longer has a camera {name}", "end this page and start it again")


class SiteFile:
    """One site's file. ``environ`` fills in its ``${NAME}``, as for the agent."""

    def __init__(self, path: Path, environ: Mapping[str, str]) -> None:
        self.path = path.expanduser().resolve()  # a link stays a link
        self._environ = environ

    def read(self) -> Version:
        """Raises SettingsError as `settings_file.load` does, InputError where it cannot be read."""
        try:
            return self._understood(self.path.read_bytes().decode())
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"cannot read {self.path}: {error}", "check the file, and who may read it") from error

    @property
    def previous(self) -> Path | None:
        """What `restore` would bring back."""
        return max(self._kept(), default=None)

    def save(self, digest: str, camera: str, floor: Floor) -> Version:
        """Write one camera's zones and masks, if the file is still the one with this digest.

        Raises SettingsError with all flaws of what was drawn, InputError where it cannot be written.
        """
        before = self._unchanged(digest)
        index = before.camera(camera)
        after = self._understood(with_floor(before.text, camera, floor))
        cameras = list(before.settings.cameras)
        cameras[index] = with_drawn(cameras[index], floor)
        if after.settings != before.settings.model_copy(update={"cameras": tuple(cameras)}):
            raise cannot_edit(camera)
        self._replace(after.text)
        return after

    def restore(self, digest: str) -> Version:
        """Bring the previous file back; what it replaces is kept, so that a second time undoes the first."""
        self._unchanged(digest)
        previous = self.previous
        if previous is None:
            raise InputError("there is no previous file", "nothing was saved from this page yet")
        after = self._understood(previous.read_bytes().decode())
        self._replace(after.text)
        return after

    def _understood(self, text: str) -> Version:
        return Version(text, load_text(text, self.path.name, self._environ))

    def _unchanged(self, digest: str) -> Version:
        now = self.read()
        if now.digest != digest:
            raise ChangedMeanwhileError(
                f"{self.path.name} was changed by somebody else meanwhile: nothing was written",
                "load it again; what you drew here is then gone",
            )
        return now

    def _replace(self, text: str) -> None:
        """The former file keeps its owner and mode under its new name, and hands them on to the new one."""
        kept = self.path.with_name(f"{self.path.name}.before-{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}")
        try:
            os.link(self.path, kept)
        except OSError as error:
            fix = "run this as the user that owns the file and its folder, or as root"
            raise InputError(f"cannot keep the former file as {kept}: {error.strerror}", fix) from error
        try:
            write_file(self.path, text.encode(), 0o600)
        except InputError:
            kept.unlink()
            raise
        log.warning("the settings file was changed", path=str(self.path), kept=kept.name)
        for old in sorted(self._kept())[:-KEPT]:
            old.unlink(missing_ok=True)

    def _kept(self) -> list[Path]:
        start = f"{self.path.name}.before-"
        return [path for path in self.path.parent.iterdir() if path.name.startswith(start)]


def with_drawn(camera: CameraSettings, floor: Floor) -> CameraSettings:
    """The camera's settings with what was drawn, which is known to be sound."""
    zones = tuple(
        ZoneSettings(name=zone.name, polygon=tuple(zone.polygon), workers=zone.workers) for zone in floor.zones
    )
    return camera.model_copy(update={"zones": zones, "masks": tuple(tuple(mask.polygon) for mask in floor.masks)})
