"""Lifts sorted by the conditions under which they happened: words as they are, numbers in bins people can read."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from math import floor, inf, log10

from edge_agent.core.scoring import SCORED, Clip, Conditions, ScoredClip, TrueLift, narrowed

UNLABELLED = "not labelled"
VIEW = "view_from_side_deg"
"""Its bins are always the same, so that reports can be compared; the first is the one that is aimed at."""

_VIEWS = {"0 – 60": (0.0, 60.0), "0 – 30": (0.0, 30.0), "30 – 60": (30.0, 60.0), "60 – 90": (60.0, inf)}

_FEW_VALUES = 6
_BINS_ABOUT = 5


@dataclass(frozen=True, slots=True)
class Group:
    """The part of the clips to which one value, or one range of values, of a condition applies."""

    name: str
    clips: list[ScoredClip]


def names(clips: Sequence[ScoredClip]) -> list[str]:
    """Every condition that is said of any clip or lift, in the order in which they are met."""
    found: dict[str, None] = {}
    for clip in clips:
        for conditions in (clip.clip.conditions, *(lift.conditions for lift in clip.clip.lifts)):
            found.update(dict.fromkeys(conditions))
    return list(found)


def by_technique(clips: Sequence[ScoredClip]) -> list[Group]:
    """By what was really done; false lifts and watched time belong to no technique."""
    met = {lift.technique: None for clip in clips for lift in clip.clip.lifts}
    ordered = [*(name for name in SCORED if name in met), *sorted(set(met) - set(SCORED))]
    return [Group(name, _doing(clips, name)) for name in ordered]


def by_condition(clips: Sequence[ScoredClip], name: str) -> list[Group]:
    """By one condition. Watched time and false lifts count where it holds for the whole clip."""
    values = _values(clips, name)
    numbers = [value for value in values if not isinstance(value, str)]
    if name == VIEW and len(numbers) == len(values) and min(numbers) >= 0:
        sorted_out = [replace(_between(clips, name, *ends), name=spelt) for spelt, ends in _VIEWS.items()]
    elif len(numbers) == len(values) and len(set(numbers)) > _FEW_VALUES:
        edges = readable_edges(min(numbers), max(numbers))
        sorted_out = [_between(clips, name, low, high) for low, high in pairwise(edges)]
    else:
        distinct = sorted(set(values), key=lambda value: (isinstance(value, str), value))
        sorted_out = [Group(_spelt(value), _holding(clips, name, value)) for value in distinct]
    rest = Group(UNLABELLED, narrowed(clips, lambda lift: name not in lift.conditions, lambda _: False))
    return [group for group in (*sorted_out, rest) if group.clips]


def readable_edges(low: float, high: float) -> list[float]:
    """Ends of about five bins, a round number apart (1, 2 or 5 times a power of ten); both lie below the last."""
    width = (high - low) / _BINS_ABOUT or 1.0
    power = 10.0 ** floor(log10(width))
    step = next(round_step * power for round_step in (1, 2, 5, 10) if round_step * power >= width * 0.75)
    first, last = floor(low / step), floor(high / step) + 1
    return [round(number * step, 10) for number in range(first, last + 1)]


def _values(clips: Sequence[ScoredClip], name: str) -> list[str | float]:
    held = [clip.clip.conditions for clip in clips] + [lift.conditions for clip in clips for lift in clip.clip.lifts]
    return [conditions[name] for conditions in held if name in conditions]


def _doing(clips: Sequence[ScoredClip], technique: str) -> list[ScoredClip]:
    return narrowed(clips, lambda lift: lift.technique == technique, lambda _: False)


def _holding(clips: Sequence[ScoredClip], name: str, value: str | float) -> list[ScoredClip]:
    def holds(of: TrueLift | Clip) -> bool:
        return of.conditions.get(name) == value

    return narrowed(clips, holds, holds)


def _between(clips: Sequence[ScoredClip], name: str, low: float, high: float) -> Group:
    """From ``low`` up to, not including, ``high``."""

    def holds(of: TrueLift | Clip) -> bool:
        return _inside(of.conditions, name, low, high)

    return Group(f"{low:g} – {high:g}", narrowed(clips, holds, holds))


def _inside(conditions: Conditions, name: str, low: float, high: float) -> bool:
    value = conditions.get(name)
    return not isinstance(value, str) and value is not None and low <= value < high


def _spelt(value: str | float) -> str:
    return value if isinstance(value, str) else f"{value:g}"
