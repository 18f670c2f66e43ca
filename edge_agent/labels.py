"""The only reader of label files: what really happened in each clip, told by a person or by a renderer.

A file holds one JSON object, clip name → label, in one of two forms; ``docs/evaluating.md`` shows both.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, StrictFloat, StrictInt, StrictStr, ValidationError, model_validator
from pydantic_core import ErrorDetails, PydanticCustomError

from edge_agent.core.scoring import Clip, Conditions, TrueLift
from edge_agent.errors import InputError

FIX = "see docs/evaluating.md for both forms of a label"

# A hand label that gives the bottom alone stands for a lift of about this half length, seconds.
_HALF_LIFT_S = 0.8
_SPELLED_ALSO = {"rounded": "rounded_back"}

Name = Annotated[str, Field(min_length=1)]
Seconds = Annotated[float, Field(ge=0)]
Degrees = Annotated[float, Field(ge=-180, le=180)]
ConditionValues = dict[Name, StrictInt | StrictFloat | StrictStr]


class _Form(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class _Labelled(_Form):
    """What clips, people and lifts may all carry."""

    conditions: ConditionValues = {}

    @model_validator(mode="after")
    def _no_condition_hides_the_label(self) -> Self:
        for taken in ("view", "technique"):
            if taken in self.conditions:
                raise PydanticCustomError("taken", f"`{taken}` stands beside `conditions`, not in it")
        return self


class SimpleLift(_Labelled):
    """A lift in footage labelled by hand: its bottom, its start and end, or all three."""

    start: Seconds | None = None
    bottom: Seconds | None = None
    end: Seconds | None = None
    partial: bool = False

    @model_validator(mode="after")
    def _has_a_time(self) -> Self:
        if self.bottom is None and (self.start is None or self.end is None):
            raise PydanticCustomError("times", "needs `bottom`, or both `start` and `end`")
        _check_order(self.start, self.bottom, self.end)
        return self

    @property
    def bottom_s(self) -> float:
        """The middle where nobody marked the bottom."""
        return self.bottom if self.bottom is not None else ((self.start or 0.0) + (self.end or 0.0)) / 2


class ExactLift(_Labelled):
    """A lift whose start, bottom and end are known, perhaps its angles, and where a person who walks was at it."""

    start: Seconds
    peak: Seconds
    end: Seconds
    technique: Name
    x: Annotated[float, Field(ge=0, le=1)] | None = None
    spine_flexion_deg: Degrees | None = None
    trunk_inclination_deg: Degrees | None = None
    knee_flexion_deg: Degrees | None = None
    shin_inclination_deg: Degrees | None = None
    view_from_side_deg: Degrees | None = None

    @model_validator(mode="after")
    def _times_in_order(self) -> Self:
        _check_order(self.start, self.peak, self.end)
        return self


class LabelledPerson(_Labelled):
    """One person of an exactly labelled clip. ``x``: where they lift, as a fraction of the picture's width."""

    x: Annotated[float, Field(ge=0, le=1)]
    lifts: list[ExactLift]
    subject: Name | None = None


class _Label(_Labelled):
    view: Name
    file: Name | None = None
    duration_s: Annotated[float, Field(gt=0)] | None = None
    subject: Name | None = None
    rendered: bool | None = None
    confidence: str | None = None
    source: str | None = None
    note: str | None = None


class SimpleLabel(_Label):
    """A clip in which one person lifts in one way; technique null: no lift happens."""

    technique: Name | None
    lifts: list[SimpleLift]

    @model_validator(mode="after")
    def _lifts_have_a_technique(self) -> Self:
        if self.technique is None and self.lifts:
            raise PydanticCustomError("technique", "`technique` is null, though `lifts` lists some")
        return self

    def clip(self, name: str) -> Clip:
        """As the core takes it."""
        throughout = {"view": self.view, **self.conditions}
        lifts = tuple(self._lift(lift, throughout) for lift in self.lifts)
        return Clip(name, lifts, bool(self.rendered), throughout, _named(self.subject))

    def _lift(self, lift: SimpleLift, throughout: Conditions) -> TrueLift:
        return TrueLift(
            start_s=lift.bottom_s - _HALF_LIFT_S if lift.start is None else lift.start,
            peak_s=lift.bottom_s,
            end_s=lift.bottom_s + _HALF_LIFT_S if lift.end is None else lift.end,
            technique=_technique(self.technique or ""),
            partial=lift.partial,
            conditions={**throughout, **lift.conditions},
        )


class ExactLabel(_Label):
    """A clip of any number of people whose every lift is known by time and technique."""

    people: list[LabelledPerson]

    def clip(self, name: str) -> Clip:
        """As the core takes it."""
        throughout: dict[str, str | float] = {"view": self.view, **self.conditions}
        lifts = tuple(
            self._lift(lift, person, {**throughout, **person.conditions})
            for person in self.people
            for lift in person.lifts
        )
        if len(self.people) == 1:
            throughout |= self.people[0].conditions
        rendered = True if self.rendered is None else self.rendered
        subjects = _named(self.subject, *(person.subject for person in self.people))
        return Clip(name, lifts, rendered, throughout, subjects)

    def _lift(self, lift: ExactLift, person: LabelledPerson, conditions: Conditions) -> TrueLift:
        known = {} if lift.view_from_side_deg is None else {"view_from_side_deg": lift.view_from_side_deg}
        return TrueLift(
            start_s=lift.start,
            peak_s=lift.peak,
            end_s=lift.end,
            technique=_technique(lift.technique),
            x=(person.x if lift.x is None else lift.x) if len(self.people) > 1 else None,
            spine_flexion_deg=lift.spine_flexion_deg,
            exact=True,
            conditions={**known, **conditions, **lift.conditions},
        )


@dataclass(frozen=True, slots=True)
class LabelledClip:
    """One clip's video and what is true of it. ``duration_s``: where the label says it."""

    video: Path
    truth: Clip
    duration_s: float | None


_FIELDS = sorted({field for form in (SimpleLabel, SimpleLift, ExactLabel, ExactLift) for field in form.model_fields})


def read_labels(path: Path, clips_dir: Path) -> list[LabelledClip]:
    """Every labelled clip in the file's order. Whether the videos exist is not looked at here.

    Raises InputError, naming the clip and the place in its label.
    """
    tree = _parse(path)
    if not isinstance(tree, dict) or not tree:
        raise InputError(f"{path} holds no labels", f"write one JSON object, clip name to label: {FIX}")
    return [_labelled(path, name, label, clips_dir) for name, label in tree.items()]


def _labelled(path: Path, name: str, label: Any, clips_dir: Path) -> LabelledClip:
    form = ExactLabel if isinstance(label, Mapping) and "people" in label else SimpleLabel
    try:
        read = form.model_validate(label)
    except ValidationError as error:
        raise _explain(f"{path}: clip {name}", error.errors()) from None
    return LabelledClip(clips_dir / (read.file or f"{name}.mp4"), read.clip(name), read.duration_s)


def _parse(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=lambda pairs: _once(path, pairs))
    except OSError as error:
        raise InputError(f"cannot read the labels {path}: {error.strerror}", "check the path") from None
    except UnicodeDecodeError:
        raise InputError(f"{path} is not UTF-8 text", "save it as UTF-8") from None
    except json.JSONDecodeError as error:
        fix = "check commas, quotes and brackets there"
        raise InputError(f"{path}:{error.lineno}: not JSON: {error.msg}", fix) from None


def _once(path: Path, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """JSON itself silently keeps the last of two equal keys."""
    keys = [key for key, _ in pairs]
    twice = next((key for key in keys if keys.count(key) > 1), None)
    if twice is not None:
        raise InputError(f"{path}: `{twice}` is given twice", "keep one of them")
    return dict(pairs)


def _explain(where: str, errors: list[ErrorDetails]) -> InputError:
    """The first flaw in words, and how many more there are."""
    first, more = errors[0], len(errors) - 1
    place = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in first["loc"]).lstrip(".")
    message, fix = f"{first['msg'][:1].lower()}{first['msg'][1:]}", FIX
    if first["type"] == "extra_forbidden":
        message = "unknown field"
        near = get_close_matches(str(first["loc"][-1]), _FIELDS, n=1)
        fix = f"did you mean `{near[0]}`?" if near else "leave it out, or put it into `conditions`"
    elif first["type"] == "missing":
        message = "missing"
        fix = f"add it; {FIX}"
    also = f" (and {more} more)" if more else ""
    return InputError(f"{where}: {place + ': ' if place else ''}{message}{also}", fix)


def _check_order(*times_s: float | None) -> None:
    known = [time_s for time_s in times_s if time_s is not None]
    if known != sorted(known):
        raise PydanticCustomError("order", "start, bottom and end are not in order")


def _technique(name: str) -> str:
    return _SPELLED_ALSO.get(name, name)


def _named(*subjects: str | None) -> frozenset[str]:
    return frozenset(subject for subject in subjects if subject)
