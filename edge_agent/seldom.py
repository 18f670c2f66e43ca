"""A log line that a stranger can cause must not fill the disk."""

import threading
import time
from typing import Final

PERIOD_S: Final = 60.0


class Seldom:
    """Lets one line of a kind through in a minute, with how often it would have been written."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last_s: dict[str, float] = {}
        self._times: dict[str, int] = {}

    def times(self, kind: str, count: int = 1) -> int:
        """0: keep silent. Otherwise how often it happened since the last line, these ``count`` times included.

        kind: one of a fixed list; each is remembered.
        """
        with self._lock:
            now_s = time.monotonic()
            self._times[kind] = self._times.get(kind, 0) + count
            if now_s - self._last_s.get(kind, -PERIOD_S) < PERIOD_S:
                return 0
            self._last_s[kind] = now_s
            return self._times.pop(kind)
