"""Rules of the house that a reviewer should not have to remember."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "edge_agent"
CORE_FILES = sorted((PACKAGE / "core").glob("**/*.py"))

IMPURE = {
    "asyncio", "ctypes", "http", "io", "logging", "multiprocessing", "os", "pathlib", "random",
    "secrets", "select", "shutil", "signal", "socket", "sqlite3", "ssl", "subprocess", "sys", "tempfile",
    "threading", "time", "urllib",
}  # fmt: skip
"""Modules that reach a clock, a file, a socket, the environment or chance. What they yield is passed in."""

IMPURE_CALLS = {"uuid1", "uuid4", "open", "print", "input", "exec", "eval", "__import__"}
IMPURE_ATTRIBUTES = {
    "now", "utcnow", "today", "uuid1", "uuid4", "random",
    "load", "save", "savez", "loadtxt", "savetxt", "fromfile", "memmap", "tofile", "genfromtxt",
}  # fmt: skip


EXCEPTIONS = {("events.py", "uuid4")}
"""An event's id must be one that nobody can predict or link, so the one place that makes events draws it."""


def imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield f"{'.' * node.level}{node.module or ''}"


def impurities(path: Path) -> list[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = []
    for module in imports(tree):
        top = module.split(".")[0]
        ours = module == "edge_agent.core" or module.startswith("edge_agent.core.")
        if not (ours or top == "numpy" or (top in sys.stdlib_module_names - IMPURE)):
            found.append(f"imports {module}")
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in IMPURE_CALLS:
            found.append(f"calls {node.func.id}() on line {node.lineno}")
        if not isinstance(node, ast.Attribute) or (path.name, node.attr) in EXCEPTIONS:
            continue
        if node.attr in IMPURE_ATTRIBUTES:
            found.append(f"uses .{node.attr} on line {node.lineno}")
    return found


@pytest.mark.parametrize("path", CORE_FILES, ids=lambda path: path.name)
def test_the_core_is_pure(path: Path) -> None:
    assert impurities(path) == []


def test_the_purity_check_sees_what_it_is_for(tmp_path: Path) -> None:
    guilty = tmp_path / "guilty.py"
    guilty.write_text(
        "import time, json, cv2\nfrom pathlib import Path\nfrom edge_agent.core import crop\n"
        "from edge_agent import settings\nimport numpy as np\nopen('x')\nnp.random.default_rng()\n"
        "from datetime import datetime\ndatetime.now()\n"
    )
    assert impurities(guilty) == [
        "imports time", "imports cv2", "imports pathlib", "imports edge_agent",
        "calls open() on line 6", "uses .now on line 9", "uses .random on line 7",
    ]  # fmt: skip


def test_no_module_of_the_agent_is_longer_than_a_person_reads_at_once() -> None:
    lengths = {path: len(path.read_text().splitlines()) for path in PACKAGE.glob("**/*.py")}
    assert {path.name: lines for path, lines in lengths.items() if lines > 300} == {}


@pytest.mark.parametrize(
    "fragments",
    [("pypi", ".org"), ("files.python", "hosted"), ("registry.npm", "js"), ("/wo", "rk/"), ("/ro", "ot/")],
    ids="".join,
)
def test_no_registry_host_or_machine_path_is_committed(fragments: tuple[str, str]) -> None:
    # written in two halves, so that this file does not find itself
    found = subprocess.run(
        ["git", "grep", "--cached", "-I", "-l", "--fixed-strings", "".join(fragments)],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert found.returncode in {0, 1}, found.stderr
    assert found.stdout == ""
