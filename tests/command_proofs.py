"""The three ways in which a command of the documentation is proven; what is looked at where it cannot be run."""

import os
import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Final

import yaml

from tests.services import program
from tests.site_commands import ROOT, Command

BIN: Final = ROOT / ".venv/bin"


@dataclass(frozen=True, slots=True)
class Run:
    """For real: in an empty folder that belongs to the page, after the page's commands before it.

    instead: what is replaced in it, pair by pair, for what is not here, such as the cluster behind a pipe.
    """

    instead: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class By:
    """Another test runs it, or what it starts: ``name`` in ``file`` of this folder."""

    file: str
    name: str


@dataclass(frozen=True, slots=True)
class Here:
    """Cannot be run here, for ``why``; ``check`` still looks at what can be looked at, and asserts."""

    why: str
    check: Callable[[Command], None]


Proof = Run | By | Here


def named_files_exist(command: Command) -> None:
    """Every file of the repository that the command names, seen from the root or from the page's folder."""
    words = [word for part in command.parts for word in part if "/" in word and word[0] not in "/-~"]
    words = [word for word in words if not word.startswith(".venv")]
    folders = ROOT, (ROOT / command.page).parent
    missing = [word for word in words if not any((folder / word).exists() for folder in folders)]
    assert words
    assert not missing, missing


def options_are_in_the_script(command: Command) -> None:
    """Of a Python script beside the page that needs PyTorch: it is there, and knows each option."""
    _, script, *words = command.parts[0]
    text = (ROOT / command.page).parent.joinpath(script).read_text(encoding="utf-8")
    assert all(f'"{word}"' in text for word in words if word.startswith("--")), words


def kubectl_knows(command: Command) -> None:
    """Each option of the last program, by kubectl's own help; what is run in a pod is after ``--``."""
    words = list(takewhile(lambda word: word != "--", command.parts[-1]))
    assert words[0] == "kubectl"
    verb = [word for word in words[1:] if word not in {"-n", "hingewatch"}]
    told = kubectl(*_verb_of(verb), "--help") + kubectl("options")
    for option in (word.partition("=")[0] for word in words if word.startswith("-") and word != "-"):
        assert re.search(rf"(^|[\s,]){re.escape(option)}[=:,\s]", told), f"kubectl knows no {option}"


def _verb_of(words: list[str]) -> list[str]:
    return words[:3] if words[:2] == ["create", "secret"] else words[: 2 if words[0] == "create" else 1]


def kubectl(*words: str) -> str:
    done = subprocess.run([BIN / "kubectl", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def the_image_is_the_manifests(command: Command) -> None:
    """What is brought into the cluster is what its pods ask for."""
    rendered = kubectl("kustomize", str(ROOT / "deploy/k8s/overlays/demo"))
    images = re.findall(r"\bhingewatch:[\d.]+", command.text)
    assert images
    assert all(f"image: {image}\n" in rendered for image in images)


def ci_runs_it(command: Command) -> None:
    """`make test` is what runs this very test; the others are its parts."""
    assert re.search(r"^make test$", (ROOT / ".ci/run").read_text(encoding="utf-8"), re.MULTILINE)
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    target = re.search(r"^test: check .*\n\t\.venv/bin/pytest\n", makefile, re.MULTILINE)
    words = command.text.split()
    assert target
    assert words[0] == "make" or Path(words[0]).name in {"pytest", "ruff"}
    if words[0].endswith("pytest"):
        named_files_exist(command)


def debians_unit_can(command: Command) -> None:
    """``systemctl reload UNIT`` of a unit that came with the tests' set-up."""
    _, verb, unit = command.parts[0]
    assert verb == "reload"
    assert "ExecReload=" in Path(f"/lib/systemd/system/{unit}.service").read_text(encoding="utf-8")


def debian_has_it(command: Command) -> None:
    """What the documentation has people install is what the tests run with."""
    _, _, packages = command.text.partition(" install ")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert all(re.search(rf"\b{re.escape(package)}\b", makefile) for package in packages.split())


def the_lock_has_hashes(command: Command) -> None:
    named_files_exist(Command(command.page, f"{command.text} ./pyproject.toml"))
    assert "--hash=sha256:" in (ROOT / command.text.split()[-1]).read_text(encoding="utf-8")


def its_program_is_there(command: Command) -> None:
    """Minutes to hours long: the module behind the target exists. Whether make knows it is asked of all."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    recipe = makefile.split(f"\n{command.text.split()[1]}:")[1].split("\n\n")[0]
    module = re.findall(r"-m (scripts\.[\w.]+)", recipe)[-1]
    assert (ROOT / f"{module.replace('.', '/')}.py").exists()


def the_recipes_script_is_there(command: Command) -> None:
    """As above, for a shell script."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    recipe = makefile.split(f"\n{command.text.split()[1]}:")[1].split("\n\n")[0]
    script = re.findall(r"(scripts/\S+\.sh)", recipe)[-1]
    assert os.access(ROOT / script, os.X_OK)


def runnable(command: Command, proof: Run) -> str:
    """As it is run: our programs from where they are, in whatever folder."""
    text = command.text.replace(".venv/bin/", f"{BIN}/")
    for before, after in proof.instead:
        text = text.replace(before, after)
    return text


def furnish(folder: Path, page: str) -> None:
    """What a reader has at hand: the project's files, a settings file, and those that the page writes out."""
    for name in ("configs", "deploy", "edge_agent"):
        (folder / name).symlink_to(ROOT / name)
    (folder / "site.yaml").symlink_to(ROOT / "configs/example.yaml")
    for name, text in re.findall(
        r'```yaml title="([\w.-]+)"\n(.*?)```', (ROOT / page).read_text(encoding="utf-8"), re.DOTALL
    ):
        assert yaml.safe_load(text), name
        (folder / name).write_text(text, encoding="utf-8")


def environment() -> dict[str, str]:
    """With our programs first."""
    return os.environ | {"PATH": f"{BIN}:{os.environ['PATH']}", "BASH": program("bash")}
