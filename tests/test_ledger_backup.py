"""The backup that docs/operations.md describes: stop the bridge, copy one file, start it again."""

import shutil
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from edge_agent.ledger import Ledger, Room
from tests.lift_events import a_fresh_event

ROOM = Room(2**30)


def test_a_copy_of_a_stopped_bridges_file_counts_on_and_a_running_one_is_locked(tmp_path: Path) -> None:
    file, copy = tmp_path / "bridge.sqlite", tmp_path / "copy.sqlite"
    event, now_s = a_fresh_event(), time.time()
    ledger = Ledger(file, ROOM)
    assert ledger.count([event], now_s) == ["counted"]
    with closing(sqlite3.connect(file, timeout=0)) as other, pytest.raises(sqlite3.OperationalError, match="locked"):
        other.execute("SELECT count(*) FROM lifts")
    ledger.close()

    shutil.copy(file, copy)

    restored = Ledger(copy, ROOM)
    assert sum(restored.lifts(now_s).values()) == 1
    assert restored.count([event], now_s) == ["duplicate"], "it remembers what it has counted"
    restored.close()
