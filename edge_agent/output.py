"""Files that a command was asked to write."""

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from edge_agent.errors import InputError

STDOUT = Path("-")


def check_writable(path: Path | None, *inputs: Path) -> None:
    """Before minutes of work, not after. Raises InputError; an output must not be one of the inputs either."""
    if path is None or path == STDOUT:
        return
    if any(path.exists() and given.exists() and path.samefile(given) for given in inputs):
        raise InputError(f"{path} is the input itself", "give the output another name")
    if path.is_dir() or not os.access(path if path.exists() else path.absolute().parent, os.W_OK):
        raise InputError(f"cannot write {path}", "choose a file in a folder that exists and may be written")


def write_json(content: Mapping[str, Any], path: Path) -> None:
    """``-`` is stdout. Raises InputError if the file cannot be written."""
    text = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
    if path == STDOUT:
        sys.stdout.write(text)
        return
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}", "make room, or choose another place") from None
