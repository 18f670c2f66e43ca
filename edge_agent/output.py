"""Files that a person asked for: checked before the work, written whole, ``-`` is stdout."""

import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from edge_agent.errors import InputError

_STDOUT = Path("-")


def check_writable(outputs: Sequence[Path | None], video: Path) -> None:
    """Before minutes of work, not after. Raises InputError; None is an output that was not asked for."""
    files = [path for path in outputs if path not in {None, _STDOUT}]
    for path in filter(None, files):
        if path.exists() and video.exists() and path.samefile(video):
            raise InputError(f"{path} is the clip itself", "give the output another name")
        if path.is_dir() or not os.access(path if path.exists() else path.absolute().parent, os.W_OK):
            raise InputError(f"cannot write {path}", "choose a file in a folder that exists and may be written")
        if files.count(path) > 1:
            raise InputError(f"two outputs are called {path}", "give each its own name")


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write an object as indented JSON. Raises InputError if that fails."""
    write_text(path, json.dumps(content, indent=1, ensure_ascii=False) + "\n")


def write_text(path: Path, text: str) -> None:
    """Write UTF-8. Raises InputError if that fails."""
    try:
        if path == _STDOUT:
            sys.stdout.write(text)
            sys.stdout.flush()
        else:
            path.write_text(text, encoding="utf-8")
    except OSError as error:
        if path == _STDOUT:  # or Python tries, and complains, once more at its end
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        name = "to stdout" if path == _STDOUT else path
        raise InputError(f"cannot write {name}: {error.strerror}", "make room, or choose another place") from None
