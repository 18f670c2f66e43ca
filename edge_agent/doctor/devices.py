"""The devices that OpenVINO sees, the hardware that it could see and does not, and the networks on them."""

import ctypes
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import openvino as ov

from edge_agent.doctor.finding import Facts, Finding
from edge_agent.errors import HingewatchError
from edge_agent.pose.devices import candidates, open_first
from edge_agent.pose.eyes import FINDER, graphs_of, marker_of
from edge_agent.pose.network import new_core
from edge_agent.pose.speed import SLOWED, SLOWED_FIX, measure
from edge_agent.settings import PoseSettings

_INTEL: Final = "0x8086"


@dataclass(frozen=True, slots=True)
class Hardware:
    """A kind of device beside the CPU, what it takes to use it, and what to install where that is missing."""

    device: Literal["GPU", "NPU"]
    pci_class: str
    nodes: str
    sys_class: str
    libraries: tuple[str, ...]
    files: tuple[str, ...]
    install: str


HARDWARE: Final = (
    Hardware(
        "GPU", "0x03", "dev/dri/renderD*", "drm", ("libOpenCL.so.1",), ("etc/OpenCL/vendors/*.icd",),
        "apt-get install intel-opencl-icd (for a GPU newer than Debian's: Intel's compute-runtime packages)",
    ),
    Hardware(
        "NPU", "0x12", "dev/accel/accel*", "accel", ("libze_loader.so.1", "libze_intel_npu.so.1"), (),
        "apt-get install libze1, and intel-level-zero-npu with intel-driver-compiler-npu of Intel's linux-npu-driver",
    ),
)  # fmt: skip


def loads(library: str) -> bool:
    """Whether the system has it. Asked of the loader: ctypes.util.find_library writes temporary files."""
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def look_at_devices(wanted: str, root: Path) -> Iterator[Finding]:
    """What OpenVINO has, and for each GPU or NPU that it has not, why."""
    here = new_core().available_devices
    detail = f"{ov.__version__.split('-')[0]}: asked for {wanted}; this machine has {', '.join(here)}"
    names = {name.partition(".")[0] for name in here}
    if any(name.partition(".")[0] in names | {"AUTO"} for name in candidates(wanted, here)):
        yield Finding("openvino", "ok", detail, "", {"devices": ",".join(here)})
    else:
        fix = "set pose.device to AUTO:NPU,GPU,CPU, or install the device's driver"
        yield Finding("openvino", "fail", detail, fix, {"devices": ",".join(here)})
    for hardware in HARDWARE:
        unused = None if hardware.device in names else why_unused(hardware, root)
        if unused:
            yield Finding(f"driver {hardware.device}", "warn", *unused)


def why_unused(hardware: Hardware, root: Path, has: Callable[[str], bool] = loads) -> tuple[str, str] | None:
    """What and fix, where an Intel device is here that OpenVINO does not see; None where there is none."""
    nodes = [node for node in sorted(root.glob(hardware.nodes)) if _is_intels(node, hardware, root)]
    what = f"this machine has an Intel {hardware.device}, but"
    if not nodes:
        return (f"{what} {_no_node(root)[0]}", _no_node(root)[1]) if _on_the_bus(hardware, root) else None
    if not os.access(nodes[0], os.R_OK | os.W_OK):
        fix = f"usermod -aG $(stat -c %G {nodes[0]}) NAME; a container: --group-add {nodes[0].stat().st_gid}"
        return f"{what} this user may not open {nodes[0]}", fix
    missing = [library for library in hardware.libraries if not has(library)]
    missing += [f"/{files}" for files in hardware.files if not any(root.glob(files))]
    if missing:
        fix = f"{hardware.install}; then restart"
        return f"{what} its driver is not installed: no {', '.join(missing)}", fix
    return f"{what} OpenVINO does not see it, though a driver is there", f"update the driver: {hardware.install}"


def _is_intels(node: Path, hardware: Hardware, root: Path) -> bool:
    """Also where the kernel does not say, as in a container without /sys."""
    return _read(root / "sys/class" / hardware.sys_class / node.name / "device/vendor") in {_INTEL, ""}


def _on_the_bus(hardware: Hardware, root: Path) -> bool:
    return any(
        _read(device / "vendor") == _INTEL and _read(device / "class").startswith(hardware.pci_class)
        for device in (root / "sys/bus/pci/devices").glob("*")
    )


def _no_node(root: Path) -> tuple[str, str]:
    marks = (".dockerenv", "run/.containerenv")  # of Docker and Podman
    if any((root / mark).exists() for mark in marks) or "KUBERNETES_SERVICE_HOST" in os.environ:
        fix = "docker run --device /dev/dri (NPU: --device /dev/accel); on Kubernetes see deploy/k8s/components"
        return "this container was not given it", fix
    return "the kernel has no driver for it", "a newer kernel, and apt-get install firmware-misc-nonfree; see dmesg"


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return ""


def look_at_models(pose: PoseSettings) -> Iterator[Finding]:
    """Opened as the agent does it: the file proven by its hash, the device by the self-test."""
    core = new_core()
    for model in (FINDER, marker_of(pose)):
        yield _model(core, model, pose)


def _model(core: ov.Core, model: str, pose: PoseSettings) -> Finding:
    check = f"model {model}"
    try:
        opened = [open_first(core, graph, pose.device) for graph in graphs_of(model, pose)]
        speeds = [measure(one.network, pose.cache_dir) for one in opened]
    except HingewatchError as error:
        return Finding(check, "fail", error.what, error.fix)
    slowest = max(speeds, key=lambda speed: speed.slowdown)
    device, answer_ms = opened[-1].network.device, speeds[-1].answer_ms
    detail = f"answers rightly on {device}, in {answer_ms:.0f} ms"
    facts: Facts = {"device": device, "answer_ms": round(answer_ms, 2)}
    for fallback in (fallback for one in opened for fallback in one.fallbacks):
        what = f"{detail}; not on {fallback.device}: {fallback.error.what}"
        return Finding(check, "warn", what, fallback.error.fix, facts)
    if slowest.slowdown >= SLOWED:
        what = f"{detail}, {slowest.slowdown:.1f} times as long as at first"
        return Finding(check, "warn", what, SLOWED_FIX, facts)
    return Finding(check, "ok", detail, "", facts)
