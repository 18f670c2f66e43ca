"""Opening the two SQLite files: one lock, one durability, one way to say what is wrong with a file."""

import os
import sqlite3
from pathlib import Path

from edge_agent.errors import InputError

LAYOUT = 1
"""``user_version`` of a file's first form. A file of a later one than is known is refused, not guessed at."""


class DamagedError(InputError):
    """The file is damaged, or no SQLite file at all."""


def open_database(path: Path, tables: str, *, shared: bool = False, layout: int = LAYOUT) -> sqlite3.Connection:
    """Open or create ``path`` (mode 0600) and run the ``tables`` script.

    WAL with synchronous=FULL survives a power cut (2,600 commits a second were measured; NORMAL is faster
    and can lose the last ones). The exclusive lock keeps a second process from sending or counting the same
    events; ``shared`` leaves it out, for processes of one machine that take turns (a WAL file cannot be shared
    over a network file system). layout: the newest form of it that is known. Use ``with connection:`` for a
    transaction; the caller keeps threads apart.

    Raises InputError when the file cannot be used, DamagedError when that is because its content is broken.
    """
    path = path.expanduser()
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        path.chmod(0o600)
        connection = sqlite3.connect(
            path, timeout=5.0 if shared else 1.0, isolation_level="IMMEDIATE", check_same_thread=False
        )
    except (OSError, sqlite3.Error) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(f"cannot write {path}: {reason}", "point its path at a directory this user owns") from error
    try:
        connection.execute(f"PRAGMA locking_mode = {'NORMAL' if shared else 'EXCLUSIVE'}")
        _prepare(connection, path, tables, layout)
    except sqlite3.Error as error:
        connection.close()
        raise _unusable(path, error) from error
    except InputError:
        connection.close()
        raise
    return connection


def _prepare(connection: sqlite3.Connection, path: Path, tables: str, layout: int) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    (found,) = connection.execute("PRAGMA user_version").fetchone()
    if not 0 <= found <= layout:
        raise InputError(
            f"{path} was written by another version (layout {found}, known: {layout})",
            "run that version to empty it, or move the file away",
        )
    (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if verdict != "ok":
        raise sqlite3.DatabaseError(verdict)
    connection.executescript(f"BEGIN IMMEDIATE; {tables}; PRAGMA user_version = {layout}; COMMIT;")


def _unusable(path: Path, error: sqlite3.Error) -> InputError:
    if "locked" in str(error):
        return InputError(
            f"{path} is in use by another process",
            "stop the other one, or give each its own path in the settings",
        )
    if isinstance(error, sqlite3.OperationalError):
        return InputError(f"cannot write {path}: {error}", "free space on that disk, or make the file writable")
    return DamagedError(
        f"{path} is damaged or no SQLite file: {error}",
        "move it away to keep a copy; a new one is made at start",
    )
