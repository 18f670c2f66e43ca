"""For which machines and Pythons every locked package has a wheel; the table stands in deploy/README.md.

    .venv/bin/python -m scripts.image.platforms     # asks uv, and writes the table anew

uv works out an installation and stops before it fetches anything. That something runs there, it does not say.
"""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
LOCK, README = ROOT / "requirements.lock", ROOT / "deploy/README.md"
MACHINES = {
    "x86_64, Debian 12 and newer": "x86_64-manylinux_2_36",
    "aarch64, Debian 12 and newer": "aarch64-manylinux_2_36",
    "x86_64, Alpine": "x86_64-unknown-linux-musl",
    "aarch64, Alpine": "aarch64-unknown-linux-musl",
}
PYTHONS = ("3.11", "3.12", "3.13")


def lacking(machine: str, python: str) -> list[str]:
    """The packages without a wheel."""
    uv = str(Path(sys.executable).with_name("uv"))
    asked = [uv, "pip", "install", "--dry-run", "--no-deps", "--only-binary", ":all:", "--target", "build/nowhere"]
    found: list[str] = []
    while True:
        done = subprocess.run(
            [*asked, "--python-platform", machine, "--python-version", python, "-r", "-"],
            input=without(LOCK.read_text(encoding="utf-8"), found),
            capture_output=True,
            text=True,
            check=False,
            cwd=ROOT,
        )
        if done.returncode == 0:
            return sorted(found)
        (missing,) = re.findall(r"Because (\S+)==\S+ has no", done.stderr)
        found.append(missing)


def without(lock: str, names: list[str]) -> str:
    """The lock without the entries of these packages."""
    entries = re.split(r"(?m)^(?=[a-z0-9])", lock)
    return "".join(entry for entry in entries if entry.partition("==")[0] not in names)


def table() -> str:
    """In Markdown."""
    head = " | ".join(f"Python {python}" for python in PYTHONS)
    lines = [f"| machine | {head} |", "|---|" + "---|" * len(PYTHONS)]
    for name, machine in MACHINES.items():
        cells = [", ".join(lacking(machine, python)) for python in PYTHONS]
        lines.append(f"| {name} | " + " | ".join(f"none for {cell}" if cell else "all" for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Put the table in the old one's place."""
    text = README.read_text(encoding="utf-8")
    README.write_text(re.sub(r"(?m)^\| machine \|.*\n(\|.*\n)+", table(), text), encoding="utf-8")


if __name__ == "__main__":
    main()
