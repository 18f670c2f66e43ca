"""What came of an evaluation: as the contract ``hingewatch.evaluation/1``, and its main figures in words."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

from edge_agent import __version__
from edge_agent.core import conditions
from edge_agent.core.calibration import expected_calibration_error, reliability, risk_coverage
from edge_agent.core.conditions import Group
from edge_agent.core.figures import MISSED, NO_LIFT, Errors, Figures, Rate, Share, confusion, figures
from edge_agent.core.scoring import Match, ScoredClip, ToldLift, TrueLift
from edge_agent.page import LABELS

SCHEMA = "hingewatch.evaluation/1"
TECHNIQUE = "technique"
_SPELT = {**LABELS, MISSED: "Not found", NO_LIFT: "No lift happened"}


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A clip that could not be evaluated, why, and what to do about it."""

    clip: str
    what: str
    fix: str


@dataclass(frozen=True)
class Evaluation:
    """All clips of one label file, compared. ``labels``: the file's name; ``landmarker``: lite, full or heavy."""

    labels: str
    landmarker: str
    clips: Sequence[ScoredClip]
    left_out: Sequence[LeftOut]

    @cached_property
    def figures(self) -> Figures:
        """Of all clips together."""
        return figures(self.clips)

    @cached_property
    def matches(self) -> list[Match]:
        """Every lift that happened and was found."""
        return [match for clip in self.clips for match in clip.matches]

    @cached_property
    def groups(self) -> dict[str, list[Group]]:
        """By technique and by every condition that is labelled, view first."""
        named = {name: conditions.by_condition(self.clips, name) for name in conditions.names(self.clips)}
        return {TECHNIQUE: conditions.by_technique(self.clips), **named}

    @property
    def watched_s(self) -> float:
        """Length of all clips together, seconds."""
        return sum(clip.watched_s for clip in self.clips)

    @property
    def rendered(self) -> int:
        """How many clips show simulated people."""
        return sum(clip.clip.rendered for clip in self.clips)

    @property
    def subjects(self) -> int:
        """How many different people the labels name."""
        return len({subject for clip in self.clips for subject in clip.clip.subjects})

    def as_dict(self) -> dict[str, Any]:
        """The contract ``hingewatch.evaluation/1``: every figure, and every lift to compute them again."""
        return {
            "schema": SCHEMA,
            "hingewatch": __version__,
            "landmarker": self.landmarker,
            "labels": self.labels,
            "clips": {
                "labelled": len(self.clips) + len(self.left_out),
                "evaluated": len(self.clips),
                "rendered": self.rendered,
                "real": len(self.clips) - self.rendered,
                "without_lifts": sum(not clip.clip.lifts for clip in self.clips),
                "subjects": self.subjects,
            },
            "left_out": [asdict(clip) for clip in self.left_out],
            "figures": _plain(self.figures),
            "by": {
                name: {group.name: _plain(figures(group.clips)) for group in groups}
                for name, groups in self.groups.items()
            },
            "confusion": confusion(self.clips),
            "reliability": _reliability(self.matches),
            "risk_coverage": _risk_coverage(self.matches),
            "lifts": [_matched(clip.clip.name, match) for clip in self.clips for match in clip.matches],
            "missed": [_true(clip.clip.name, lift) for clip in self.clips for lift in clip.missed],
            "false": [_told(clip.clip.name, lift) for clip in self.clips for lift in clip.false or ()],
        }


@dataclass(frozen=True, slots=True)
class Headline:
    """One main figure in words: what, how much, of how many, and its 95 % interval."""

    name: str
    value: str
    of: str
    interval: str = ""


def headlines(of: Figures) -> list[Headline]:
    """The main figures, in the order in which a reader asks."""
    kinds = sum(each.f1 is not None for each in of.by_technique.values())
    return [
        _headline("Lifts found", of.recall),
        _headline("Told lifts that happened", of.precision),
        _headline("Technique told", of.coverage),
        _headline("Told technique right", of.accuracy),
        Headline("Macro-F1 of techniques", number(of.macro_f1), counted(kinds, "technique")),
        _headline("Rounded backs recognised", of.rounded_recall),
        _headline("Others called rounded", of.rounded_false_alarm),
        Headline("Spine flexion error", number(of.spine.mean_absolute, "°", 1), _bias(of.spine, "°", 1)),
        Headline("Start and end error", number(of.timing_mae_s, " s"), _timing(of)),
        _rate("False lifts per hour", of.false_lifts),
        _rate("… where nobody lifts", of.false_at_rest),
    ]


def spelt(technique: str) -> str:
    """A technique, or a place in the confusion matrix, for people."""
    return _SPELT.get(technique, technique.replace("_", " ").capitalize())


def counted(count: int, noun: str) -> str:
    """``1 lift``, ``2 lifts``."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def percent(value: float | None) -> str:
    """One decimal, – where there is none."""
    return "–" if value is None else f"{100 * value:.1f}%"


def number(value: float | None, unit: str = "", decimals: int = 2) -> str:
    """With its unit, – where there is none."""
    return "–" if value is None else f"{value:.{decimals}f}{unit}"


def duration(time_s: float) -> str:
    """Such as ``1 h 05 min`` or ``4 min 12 s``."""
    minutes, seconds = divmod(round(time_s), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {seconds:02} s"


def interval(share: Share) -> str:
    """Such as ``91.2 – 98.7%``."""
    return "" if share.interval is None else f"{100 * share.interval[0]:.1f} – {100 * share.interval[1]:.1f}%"


def _headline(name: str, share: Share) -> Headline:
    return Headline(name, percent(share.value), f"{share.part} of {share.whole}", interval(share))


def _rate(name: str, rate: Rate) -> Headline:
    ends = "" if rate.interval is None else f"{rate.interval[0]:.1f} – {rate.interval[1]:.1f}"
    return Headline(name, number(rate.per_hour, "", 1), f"{rate.count} in {duration(rate.watched_s)}", ends)


def _bias(errors: Errors, unit: str, decimals: int) -> str:
    bias = "" if errors.bias is None else f", bias {errors.bias:+.{decimals}f}{unit}"
    return f"{counted(errors.count, 'lift')}{bias}"


def _timing(of: Figures) -> str:
    if of.start.bias is None or of.end.bias is None:
        return counted(of.start.count, "lift")
    return f"{counted(of.start.count, 'lift')}, bias {of.start.bias:+.2f}/{of.end.bias:+.2f} s"


def _plain(of: Figures) -> dict[str, Any]:
    return {
        "lifts": of.lifts,
        "recall": _share(of.recall),
        "precision": _share(of.precision),
        "coverage": _share(of.coverage),
        "technique_accuracy": _share(of.accuracy),
        "macro_f1": _rounded(of.macro_f1),
        "by_technique": {
            name: {"recall": _share(each.recall), "precision": _share(each.precision), "f1": _rounded(each.f1)}
            for name, each in of.by_technique.items()
        },
        "rounded_recall": _share(of.rounded_recall),
        "rounded_false_alarm": _share(of.rounded_false_alarm),
        "spine_flexion_deg": _errors(of.spine),
        "start_s": _errors(of.start),
        "end_s": _errors(of.end),
        "timing_mae_s": _rounded(of.timing_mae_s),
        "false_lifts": _rate_of(of.false_lifts),
        "false_lifts_in_clips_without_lifts": _rate_of(of.false_at_rest),
    }


def _reliability(matches: Sequence[Match]) -> dict[str, Any]:
    bins = reliability(matches)
    return {
        "expected_calibration_error": _rounded(expected_calibration_error(bins)),
        "bins": [{"confidence": _rounded(each.confidence), "right": _share(each.right)} for each in bins],
    }


def _risk_coverage(matches: Sequence[Match]) -> list[dict[str, Any]]:
    return [
        {
            "min_confidence": point.min_confidence,
            "coverage": _share(point.coverage),
            "accuracy": _share(point.accuracy),
        }
        for point in risk_coverage(matches)
    ]


def _share(share: Share) -> dict[str, Any]:
    ends = None if share.interval is None else [_rounded(end) for end in share.interval]
    return {"part": share.part, "whole": share.whole, "value": _rounded(share.value), "interval": ends}


def _errors(errors: Errors) -> dict[str, Any]:
    return {"count": errors.count, "mae": _rounded(errors.mean_absolute), "bias": _rounded(errors.bias)}


def _rate_of(rate: Rate) -> dict[str, Any]:
    ends = None if rate.interval is None else [_rounded(end) for end in rate.interval]
    watched_s = round(rate.watched_s, 3)
    return {"count": rate.count, "watched_s": watched_s, "per_hour": _rounded(rate.per_hour), "interval": ends}


def _matched(clip: str, match: Match) -> dict[str, Any]:
    true, told = match.truth, match.told
    return {
        **_true(clip, true),
        "told_technique": told.technique,
        "confidence": told.confidence,
        "told_spine_flexion_deg": told.spine_flexion_deg,
        "spine_spread_deg": told.spine_spread_deg,
        "peak_error_s": _rounded(told.peak_s - true.peak_s),
        "start_error_s": _rounded(told.start_s - true.start_s) if true.exact else None,
        "end_error_s": _rounded(told.end_s - true.end_s) if true.exact else None,
    }


def _true(clip: str, lift: TrueLift) -> dict[str, Any]:
    return {
        "clip": clip,
        "peak_s": _rounded(lift.peak_s),
        "partial": lift.partial,
        "technique": lift.technique,
        "spine_flexion_deg": lift.spine_flexion_deg,
        "conditions": dict(lift.conditions),
    }


def _told(clip: str, lift: ToldLift) -> dict[str, Any]:
    return {
        "clip": clip,
        "peak_s": _rounded(lift.peak_s),
        "told_technique": lift.technique,
        "confidence": lift.confidence,
        "told_spine_flexion_deg": lift.spine_flexion_deg,
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
