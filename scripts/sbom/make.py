"""make.py PYTHON OUT.json [--debian]: the bill of materials of an environment, as CycloneDX 1.6.

cyclonedx-py lists what is installed, with licences; what the program does not need is taken out again. The networks
are added, with hash, licence and the package that they come from; with --debian the Debian packages around it.
"""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

ROOT = Path(__file__).parents[2]
PYPROJECT, LOCK = ROOT / "pyproject.toml", ROOT / "requirements.lock"
NETWORKS = """
import hashlib, json
from importlib.resources import files
from edge_agent import __version__, registry
assets = files("edge_agent") / "assets"
known = [registry.entry(name) for name in registry.DEFAULT_MODELS]
found = [(e.name, e.version, e.sha256, e.licence, f"pkg:pypi/{e.package}@{e.version}#{e.path}") for e in known]
for name, file in (("spine-encoder", "spine-encoder.bin"), ("lift-model", "lift-model.npz")):
    found.append((name, __version__, hashlib.sha256((assets / file).read_bytes()).hexdigest(), "Apache-2.0", ""))
print(json.dumps(found))
"""
"""Asked of the environment itself: what it would load."""

Bom = dict[str, Any]


def output(*command: str | Path) -> str:
    """What a program prints."""
    return subprocess.run([str(word) for word in command], check=True, capture_output=True, text=True).stdout


def installed(python: Path) -> Bom:
    """All packages of an environment, as cyclonedx-py tells it."""
    tool = [sys.executable, "-m", "cyclonedx_py", "environment", "--output-reproducible", "--no-validate"]
    bom: Bom = json.loads(
        output(*tool, "--spec-version", "1.6", "--pyproject", PYPROJECT, "--mc-type", "application", python)
    )
    return bom


def locked() -> set[str]:
    """What requirements.lock names: an environment for development holds more."""
    return set(re.findall(r"(?m)^([a-z0-9.-]+)==", LOCK.read_text(encoding="utf-8")))


def without_others(bom: Bom) -> Bom:
    """Only what the program needs."""
    ours = locked()
    components = [each for each in bom["components"] if re.split("[/@]", each["purl"])[1] in ours]
    kept = {each["bom-ref"] for each in [*components, bom["metadata"]["component"]]}
    dependencies = [
        {"ref": each["ref"], "dependsOn": [ref for ref in each.get("dependsOn", []) if ref in kept]}
        for each in bom["dependencies"]
        if each["ref"] in kept
    ]
    return bom | {"components": components, "dependencies": dependencies}


def network(name: str, version: str, sha256: str, licence: str, purl: str) -> Bom:
    """A network as a component; no ``purl`` for our own."""
    return {
        "bom-ref": f"network:{name}",
        "type": "machine-learning-model",
        "name": name,
        "version": version,
        "hashes": [{"alg": "SHA-256", "content": sha256}],
        "licenses": [{"license": {"id": licence}}],
    } | ({"purl": purl} if purl else {})


def debian() -> list[Bom]:
    """The Debian packages of this machine."""
    lines = output("dpkg-query", "--show", "--showformat", "${Package} ${Version} ${Architecture}\n").splitlines()
    found = []
    for name, version, architecture in (line.split() for line in lines):
        purl = f"pkg:deb/debian/{name}@{version.replace('+', '%2B')}?arch={architecture}"
        found.append({"bom-ref": purl, "type": "library", "name": name, "version": version, "purl": purl})
    return found


def main(python: Path, out: Path, *options: str) -> None:
    """Write it, if it follows the schema."""
    bom = without_others(installed(python))
    bom["components"] += [network(*each) for each in json.loads(output(python, "-c", NETWORKS))]
    if "--debian" in options:
        bom["components"] += debian()
    text = json.dumps(bom, indent=1, sort_keys=True)
    flaw = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    if flaw is not None:
        sys.exit(f"error: the bill of materials does not follow CycloneDX 1.6: {flaw}")
    out.write_text(text + "\n", encoding="utf-8")
    print(f"{out}: {len(bom['components'])} components")


if __name__ == "__main__":
    main(Path(sys.argv[1]).absolute(), Path(sys.argv[2]), *sys.argv[3:])
