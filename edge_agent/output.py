"""Files that a command was asked to write: checked before the work, ``-`` is stdout."""

import json
import os
import stat
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from edge_agent.errors import InputError

STDOUT = Path("-")


def check_writable(outputs: Sequence[Path | None], *inputs: Path) -> None:
    """Before minutes of work, not after. Raises InputError; an output must not be an input or another output."""
    files = [path for path in outputs if path is not None and path != STDOUT]
    for path in files:
        if any(path.exists() and given.exists() and path.samefile(given) for given in inputs):
            raise InputError(f"{path} is the input itself", "give the output another name")
        if path.is_dir() or not os.access(path if path.exists() else path.absolute().parent, os.W_OK):
            raise InputError(f"cannot write {path}", "choose a file in a folder that exists and may be written")
        if files.count(path) > 1:
            raise InputError(f"two outputs are called {path}", "give each its own name")


def write_json(content: Mapping[str, Any], path: Path) -> None:
    """``-`` is stdout. Raises InputError if that cannot be written."""
    write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", path)


def write_text(text: str, path: Path) -> None:
    """``-`` is stdout. Raises InputError if that cannot be written."""
    try:
        if path == STDOUT:
            sys.stdout.write(text)
            sys.stdout.flush()
        else:
            path.write_text(text, encoding="utf-8")
    except OSError as error:
        if path == STDOUT:  # or Python tries, and complains, once more at its end
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        name = "to stdout" if path == STDOUT else path
        raise InputError(f"cannot write {name}: {error.strerror}", "make room, or choose another place") from None


def write_file(path: Path, content: bytes, mode: int) -> None:
    """Whole or not at all: a reader that comes in between finds the old file.

    What it replaces hands on its owner, group and mode: the broker reads its key as a user of its own.
    Raises InputError where that cannot be.
    """
    new = path.with_name(f".{path.name}.new")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        new.unlink(missing_ok=True)
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())  # or a power cut after the renaming leaves an empty file
            if path.exists():
                old = path.stat()
                os.fchown(file.fileno(), old.st_uid, old.st_gid)
                mode = stat.S_IMODE(old.st_mode)
            os.fchmod(file.fileno(), mode)
        new.replace(path)
    except OSError as error:
        with suppress(OSError):
            new.unlink(missing_ok=True)
        fix = "name a folder that this user owns; to renew what others own, run it as root"
        raise InputError(f"cannot write {path}: {error.strerror}", fix) from error
