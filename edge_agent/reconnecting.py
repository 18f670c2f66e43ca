"""When a lost live source is tried again: soon, for ever, and seldom where the camera would lock us out.

tenacity makes the attempts; what is ours is how long to wait for what.
"""

import threading
from collections.abc import Callable

from tenacity import RetryCallState, Retrying, retry_if_not_exception_type, wait_random_exponential
from tenacity.nap import sleep_using_event
from tenacity.stop import stop_when_event_set

from edge_agent.errors import InputError
from edge_agent.video_failures import failure

RECONNECT_MIN_S, RECONNECT_MAX_S = 0.2, 1.0
"""A camera must be seen again within 5 s of its return. An attempt that began before it takes up to
``stall_timeout_s`` of these, the pause one, opening another."""
LOCKED_OUT_S = 60.0
"""Cameras lock out who gives a wrong password some times in a row, for half an hour from the last attempt."""
STEADY_S = 30.0
"""A connection that held this long starts the back-off anew; a camera that flaps keeps its long waits."""

# Jittered, so that the cameras of a site do not all return to a rebooted switch at once.
_soon = wait_random_exponential(multiplier=0.5, min=RECONNECT_MIN_S, max=RECONNECT_MAX_S)


def attempts(stop: threading.Event, lost: Callable[[RetryCallState], None]) -> Retrying:
    """Tries until ``stop`` is set, which ends it with RetryError. ``lost`` is told of every failure.

    Raises InputError at once: what is wrong with a setting does not mend itself.
    """
    return Retrying(
        wait=_pause_s,
        retry=retry_if_not_exception_type(InputError),
        sleep=sleep_using_event(stop),
        stop=stop_when_event_set(stop),
        before_sleep=lost,
    )


def error_of(attempt: RetryCallState) -> Exception:
    """What ended an attempt; EOFError where nothing was said."""
    error = attempt.outcome.exception() if attempt.outcome else None
    return error if isinstance(error, Exception) else EOFError()


def _pause_s(attempt: RetryCallState) -> float:
    return LOCKED_OUT_S if failure(error_of(attempt)).reason == "unauthorized" else _soon(attempt)
