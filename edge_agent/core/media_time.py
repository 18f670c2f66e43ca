"""One non-decreasing time line from the timestamps a stream really sends, and the frames to keep of it."""

JUMP_S = 10.0
"""A live stream that jumps further ahead of real time than this was restarted: none buffers that much."""


class Timeline:
    """Turns presentation times into seconds since the first frame; they never decrease.

    A time that is missing, goes backwards or leaps ahead (a camera that rebooted or corrected its clock) is
    replaced by the last one plus the time that passed, and the stream is followed from there.
    """

    def __init__(self, *, live: bool) -> None:
        self._live = live
        self._offset_s: float | None = None
        self._last_s: float | None = None

    def reconnected(self) -> None:
        """The next frame comes from a new connection: its time stamps start anywhere."""
        self._offset_s = None

    def at(self, pts_s: float | None, elapsed_s: float) -> float:
        """Return the time of a frame; ``elapsed_s`` is what passed since the previous one by another clock.

        Live sources give the real time elapsed, files the nominal time between two frames.
        """
        expected_s = 0.0 if self._last_s is None else self._last_s + max(0.0, elapsed_s)
        if pts_s is None:
            time_s = expected_s
        else:
            if self._offset_s is None or self._is_broken(pts_s + self._offset_s, expected_s):
                self._offset_s = expected_s - pts_s
            time_s = pts_s + self._offset_s
        self._last_s = time_s if self._last_s is None else max(self._last_s, time_s)
        return self._last_s

    def _is_broken(self, time_s: float, expected_s: float) -> bool:
        backwards = self._last_s is not None and time_s < self._last_s
        return backwards or (self._live and time_s > expected_s + JUMP_S)


class RateLimit:
    """Keeps at most ``rate_hz`` frames per media second, evenly; ``None`` keeps all."""

    def __init__(self, rate_hz: float | None) -> None:
        self._period_s = 0.0 if rate_hz is None else 1.0 / rate_hz
        self._due_s = 0.0

    def keeps(self, time_s: float) -> bool:
        """Say whether the frame at this time is due."""
        # Cameras stamp 30 Hz as 33, 33, 34 ms: a frame a little early is the frame that was meant.
        if time_s < self._due_s - 0.1 * self._period_s:
            return False
        on_schedule = time_s < self._due_s + self._period_s
        self._due_s = (self._due_s if on_schedule else time_s) + self._period_s
        return True
