"""When people work: three shifts with breaks, weekdays and weekends. All times are UTC.

Early 06-14, late 14-22, night 22-06. The hours after midnight belong to the evening's day, so a Friday's night shift
ends on Saturday morning.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

Times = npt.NDArray[np.int64]
"""Unix seconds."""
Factors = npt.NDArray[np.float64]

HOUR_S: Final = 3600
DAY_S: Final = 24 * HOUR_S
WEEK_S: Final = 7 * DAY_S
SHIFT_S: Final = 8 * HOUR_S
SHIFTS: Final = ("early", "late", "night")
FIRST_SHIFT_S: Final = 6 * HOUR_S
_BREAKS_S: Final = ((2 * HOUR_S, 900), (4 * HOUR_S, 1800), (6 * HOUR_S, 900))
"""Begin within the shift, and length: a quarter of an hour, the meal, a quarter of an hour."""
_IN_A_BREAK: Final = 0.05
_FIRST_AND_LAST_S: Final = 900
_COMING_AND_GOING: Final = 0.4
_WEEKDAYS: Final = np.array([1.05, 1.0, 1.0, 1.0, 0.9, 0.35, 0.0])
"""Monday first; Saturday a part of the people, Sunday none."""
_MONDAY_OFFSET_DAYS: Final = 3
"""1970-01-01 was a Thursday."""
_FIRST_WEEK_S: Final = FIRST_SHIFT_S - _MONDAY_OFFSET_DAYS * DAY_S


def shift_of(times_s: Times) -> tuple[Times, Times]:
    """Which shift (0 early, 1 late, 2 night) and how many seconds into it."""
    since_s = (times_s - FIRST_SHIFT_S) % DAY_S
    return since_s // SHIFT_S, since_s % SHIFT_S


def weekday_of(times_s: Times) -> Times:
    """0 for Monday; of the day on which the shift began."""
    weekdays: Times = ((times_s - FIRST_SHIFT_S) // DAY_S + _MONDAY_OFFSET_DAYS) % 7
    return weekdays


def activity(times_s: Times, staffing: tuple[float, float, float]) -> Factors:
    """How much is lifted at each time, as a part of an early shift's full pace.

    times_s: (n,) -> (n,). staffing: of the three shifts.
    """
    shift, into_s = shift_of(times_s)
    pace = np.ones(len(times_s))
    for begin_s, length_s in _BREAKS_S:
        pace[(begin_s <= into_s) & (into_s < begin_s + length_s)] = _IN_A_BREAK
    pace[(into_s < _FIRST_AND_LAST_S) | (into_s >= SHIFT_S - _FIRST_AND_LAST_S)] = _COMING_AND_GOING
    found: Factors = pace * np.asarray(staffing)[shift] * _WEEKDAYS[weekday_of(times_s)]
    return found


def tiredness(times_s: Times) -> Factors:
    """What the odds of a risky posture are multiplied by: 1 at a shift's begin, 1.4 at its end, more at night."""
    shift, into_s = shift_of(times_s)
    found: Factors = (1.0 + 0.4 * into_s / SHIFT_S) * np.where(shift == 2, 1.2, 1.0)
    return found


def week_of(time_s: float) -> int:
    """The number of the week, which begins with Monday's early shift."""
    return int((time_s - _FIRST_WEEK_S) // WEEK_S)


def week_start(week: int) -> int:
    """Unix time at which it begins."""
    return _FIRST_WEEK_S + week * WEEK_S
