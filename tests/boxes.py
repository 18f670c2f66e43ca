"""A box without containers, below a folder, and archives for it: as real as a story needs, and quickly made."""

import json
import os
import platform
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import yaml

from edge_agent.settings import PoseSettings
from tests.services import free_port, page, wait_for

ROOT = Path(__file__).parents[1]
UNIT = "hingewatch-agent"

FAKE = '''
"""The real edge-agent, but for what this version does in a way of its own."""
import http.server, json, os, re, sys
WAYS = json.loads({ways!r})
REAL = {real!r}

class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        said = WAYS["pages"][self.path]
        lifts = os.path.join(os.environ["HOME"], "lifts")
        if self.path == "/metrics" and os.path.exists(lifts):
            said += open(lifts).read()
        self.send_response(200 if said else 503)
        self.end_headers()
        self.wfile.write((said or "the loop has not turned for 75 s").encode())
    def log_message(self, *_):
        pass

def main():
    if sys.argv[1:3] == ["models", "test"] and "self_test" in WAYS:
        print("pose-detector answers wrongly on CPU" if WAYS["self_test"] else "ok")
        sys.exit(WAYS["self_test"])
    if sys.argv[1] == "run" and "exits" in WAYS:
        sys.exit(WAYS["exits"])
    if sys.argv[1] == "run" and "pages" in WAYS:
        port = re.search(r"port: ([0-9]+)", open(sys.argv[3]).read())[1]
        http.server.HTTPServer(("127.0.0.1", int(port)), Page).serve_forever()
    os.execv(REAL, [REAL, "-c", "from edge_agent.cli import main; main()", *sys.argv[1:]])
'''


def pages(*cameras_up: str, healthy: bool = True) -> dict[str, str]:
    """What an agent with the cameras dock and gate says."""
    up = "".join(f'edge_agent_camera_up{{camera="{name}"}} {int(name in cameras_up)}\n' for name in ("dock", "gate"))
    return {"/healthy": "healthy\n" if healthy else "", "/metrics": f"# TYPE edge_agent_camera_up gauge\n{up}"}


SOUND: dict[str, Any] = {"self_test": 0, "pages": pages("dock")}
"""The ways of a version that does what it should."""


class Maker:
    """Who makes archives. ``pip``: the wheel of the pip that they bring along."""

    def __init__(self, folder: Path, pip: Path) -> None:
        self._folder, self._pip = folder, pip

    def key(self, name: str) -> Path:
        path = self._folder / name
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", path], check=True)
        return path

    def archive(self, version: str, key: Path | None = None, **ways: Any) -> Path:
        """Packed. Without ``ways`` it does what the real one does."""
        folder = self.unsealed(version, **ways)
        return self.seal(folder, key)

    def seal(self, folder: Path, key: Path | None = None) -> Path:
        environ = os.environ | ({"SIGN_KEY": str(key)} if key else {})
        subprocess.run([ROOT / "scripts/archive/seal.sh", folder], check=True, env=environ)
        return folder.with_name(f"{folder.name}.tar")

    def unsealed(self, version: str, **ways: Any) -> Path:
        folder = self._folder / f"hingewatch-{version}"
        for name in ("wheels", "units", "models"):
            (folder / name).mkdir(parents=True)
        shutil.copy(self._pip, folder / "wheels")
        wheel = self._wheel(folder / "wheels", version, ways)
        for path in (ROOT / "deploy/systemd").iterdir():
            shutil.copy(path, folder if path.suffix == ".sh" else folder / "units")
        shutil.copy(ROOT / "configs/example.yaml", folder)
        python = subprocess.run(["python3", "-V"], capture_output=True, text=True, check=True).stdout
        facts = {
            "VERSION": version,
            "PYTHON": ".".join(python.split()[1].split(".")[:2]),
            "MACHINE": platform.machine(),
            "requirements.lock": f"./wheels/{wheel.name} --hash=sha256:{sha256(wheel.read_bytes()).hexdigest()}",
            "sbom.cdx.json": "{}",
        }
        for name, text in facts.items():
            (folder / name).write_text(f"{text}\n")
        return folder

    def _wheel(self, folder: Path, version: str, ways: Mapping[str, Any]) -> Path:
        name = f"hingewatch_edge_agent-{version}"
        program = FAKE.format(ways=json.dumps(ways), real=sys.executable)
        files = {
            "fake_agent.py": program,
            f"{name}.dist-info/METADATA": f"Metadata-Version: 2.1\nName: hingewatch-edge-agent\nVersion: {version}\n",
            f"{name}.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
            f"{name}.dist-info/entry_points.txt": "[console_scripts]\nedge-agent = fake_agent:main\n",
        }
        record = f"{name}.dist-info/RECORD"
        path = folder / f"{name}-py3-none-any.whl"
        with zipfile.ZipFile(path, "w") as wheel:
            for file, text in files.items():
                wheel.writestr(file, text)
            wheel.writestr(record, "".join(f"{file},,\n" for file in [*files, record]))
        return path


class Box:
    """A machine whose root is a folder, with so much of systemd as an update asks for."""

    def __init__(self, root: Path) -> None:
        self.root, self.port, self.patience_s = root, free_port(), 60
        self._systemctl = f"{sys.executable} {ROOT / 'tests/systemctl.py'} {root}"
        for folder in ("etc/hingewatch", "opt", "var/lib/hingewatch"):
            (root / folder).mkdir(parents=True, exist_ok=True)

    @classmethod
    def like(cls, other: "Box", root: Path) -> "Box":
        """Another machine on which the same was installed."""
        shutil.copytree(other.root, root, symlinks=True)
        return cls(root)

    def settle(self, **sections: Any) -> None:
        """Write the site's settings; ``sections`` replace whole parts of them."""
        pose = PoseSettings()
        settings = {
            "pose": {name: str(getattr(pose, name).expanduser()) for name in ("models_dir", "cache_dir")},
            "metrics": {"port": self.port},
            "outbox": {"path": str(self.root / "var/lib/hingewatch/outbox.sqlite")},
        }
        (self.root / "etc/hingewatch/site.yaml").write_text(yaml.safe_dump(settings | sections))

    def tells(self, unknown: int, lifts: int) -> None:
        """Whichever version runs has counted so many since it started."""
        counts = {"squat": lifts - unknown, "unknown": unknown}
        lines = [f'edge_agent_lifts_total{{technique="{name}"}} {count}\n' for name, count in counts.items()]
        (self.root / "var/lib/hingewatch/lifts").write_text("".join(lines))

    def trust(self, key: Path) -> None:
        public = key.with_suffix(".pub").read_text()
        (self.root / "etc/hingewatch/allowed_signers").write_text(f"hingewatch {public}")

    def unpack(self, archive: Path) -> Path:
        folder = self.root / "unpacked"
        folder.mkdir(exist_ok=True)
        subprocess.run(["tar", "-xf", archive, "-C", folder], check=True)
        return folder / archive.stem

    def install(self, archive: Path) -> "subprocess.CompletedProcess[str]":
        """By the installer that is in it, as the first time."""
        return self.run(self.unpack(archive) / "install.sh")

    def update(self, *words: str | Path) -> "subprocess.CompletedProcess[str]":
        """By the installer that is here: an archive, or --rollback."""
        return self.run(self.root / "opt/hingewatch/install.sh", *words)

    def run(self, *command: str | Path) -> "subprocess.CompletedProcess[str]":
        with self.begun(*command) as process:
            stdout, stderr = process.communicate(timeout=300)
        return subprocess.CompletedProcess(command, process.returncode, stdout, stderr)

    def begun(self, *command: str | Path) -> "subprocess.Popen[str]":
        """In a session of its own, as one that comes in over SSH."""
        environ = {
            "DESTDIR": str(self.root), "SYSTEMCTL": self._systemctl, "PIP_NO_INDEX": "1",
            "WATCH_S": "1", "START_S": str(self.patience_s),
        }  # fmt: skip
        return subprocess.Popen(
            [str(word) for word in command],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | environ,
            start_new_session=True,
        )

    def systemctl(self, *words: str) -> bool:
        return subprocess.run([*self._systemctl.split(), *words], check=False).returncode == 0

    def ten_minutes_pass(self) -> "subprocess.CompletedProcess[str] | None":
        """What the timer starts; None where it is off, or its service is not to be started."""
        units = self.root / "etc/systemd/system"
        if not (self.root / "run/hingewatch-judge.timer").exists():
            return None
        service = (units / "hingewatch-judge.service").read_text()
        here = dict(line.split("=", 1) for line in service.splitlines() if line[:1].isalpha())
        if not (self.root / here["ConditionPathExists"][1:]).exists():
            return None
        program, *words = here["ExecStart"].split()
        return self.run(self.root / program[1:], *words)

    @property
    def version(self) -> str:
        """What the link says is run, such as 0.1.0."""
        return (self.root / "opt/hingewatch").readlink().name.split("-")[1]

    @property
    def versions(self) -> set[str]:
        """What lies there."""
        return {path.name.split("-")[1] for path in self.root.glob("opt/hingewatch-*")}

    def log(self) -> str:
        return (self.root / f"run/{UNIT}.log").read_text()


def answers_as(box: Box, *cameras_up: str) -> bool:
    """Whether such an agent runs there; without lifts."""
    try:
        return page(box.port) == pages(*cameras_up)["/metrics"]
    except OSError:
        return False


@contextmanager
def stopped_at_the_end(box: Box) -> Iterator[Box]:
    try:
        yield box
    finally:
        box.systemctl("stop", UNIT)


@contextmanager
def at_work(like: Box, root: Path, answers: Callable[[Box], bool]) -> Iterator[Box]:
    """A copy whose agent runs, and has answered."""
    with stopped_at_the_end(Box.like(like, root)) as box:
        box.settle()
        box.systemctl("start", UNIT)
        wait_for("its agent", lambda: answers(box))
        yield box
