"""For how long an event's id can be remembered, and so for how long the event may be counted."""

from typing import Final

DAY_S: Final = 86_400
REMEMBER_DAYS: Final = 90
"""An event whose bucket is older is refused: only until then is its id sure to be remembered. So an agent may
be offline for three months, and no replay counts twice however late it comes. A row is about 30 bytes:
8 MB at 3,000 lifts a day."""
AHEAD_DAYS: Final = 7
"""An event from farther in the future is refused, for its id would have to be remembered until that day is
old, and a flood dated 9999 for ever. A week forgives a wrong time zone, drift and a date mistyped by a day or
three: a lift that is lost weighs more than an id that is kept for a week longer."""


def out_of_days(bucket_start: int, now_s: float) -> str:
    """Why an id could not be remembered for as long as its event would be accepted; "" where it could.

    bucket_start, now_s: unix seconds.
    """
    if bucket_start // DAY_S < int(now_s // DAY_S) - REMEMBER_DAYS:
        return "too_old"
    return "in_future" if bucket_start > now_s + AHEAD_DAYS * DAY_S else ""
