"""Why a source could not be opened or read: PyAV's errors as a word for metrics, and what and fix for people."""

from typing import NamedTuple

import av.error


class Failure(NamedTuple):
    """Why a source could not be opened or read: a fixed word for metrics, what and fix for people."""

    reason: str
    what: str
    fix: str


# PyAV's errors subclass Python's own where there is one.
_FAILURES: tuple[tuple[type[Exception], Failure], ...] = (
    (
        av.error.HTTPUnauthorizedError,
        Failure("unauthorized", "refused the user name or password", "check the credentials in the source"),
    ),
    (
        av.error.HTTPForbiddenError,
        Failure("unauthorized", "refuses access", "allow this user to watch the stream in the camera's settings"),
    ),
    (
        av.error.HTTPNotFoundError,
        Failure("not_found", "has no such stream", "check the path in the address against the camera's manual"),
    ),
    (
        ConnectionRefusedError,
        Failure("refused", "refused the connection", "check the port and that the stream is switched on"),
    ),
    (av.error.ExitError, Failure("timeout", "did not answer in time", "check power, cable and network")),
    (TimeoutError, Failure("timeout", "did not answer in time", "check power, cable and network")),
    (FileNotFoundError, Failure("not_found", "does not exist", "check the path or device number")),
    (PermissionError, Failure("permission", "may not be read by this user", "grant read access to it")),
    (IsADirectoryError, Failure("not_video", "is a directory", "name one video file in it")),
    (EOFError, Failure("closed", "closed the connection", "check that the camera is not restarting")),
    (
        av.error.InvalidDataError,
        Failure("not_video", "is not readable video", "check that it plays elsewhere"),
    ),
    (av.error.ArgumentError, Failure("not_video", "is not readable video", "check that it plays elsewhere")),
    (
        IndexError,
        Failure("no_video", "carries no video stream", "name a source with a picture, not sound only"),
    ),
)
_INTERNAL = Failure("internal", "failed unexpectedly", "report this with the log's traceback")
_UNREACHABLE = Failure(
    "unreachable",
    "cannot be reached",
    "check address, name server and network; a password's @ / ? # are written %40 %2F %3F %23",
)


REASONS = tuple(
    dict.fromkeys([known.reason for _, known in _FAILURES] + ["unreachable", "truncated", "input", "internal"])
)
"""Every word that ``CameraTelemetry.failed`` may be given, so that its series can be created at zero."""


def failure(error: Exception) -> Failure:
    """Explain an error of opening or reading without quoting it: FFmpeg's own text holds the whole URL."""
    other = _UNREACHABLE if isinstance(error, av.error.FFmpegError | OSError) else _INTERNAL
    return next((known for kind, known in _FAILURES if isinstance(error, kind)), other)
