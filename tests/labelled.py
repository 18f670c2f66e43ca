"""Labelled lifts and told ones, made by hand."""

from typing import Any

from edge_agent.core.scoring import Clip, Match, ScoredClip, ToldLift, TrueLift, score


def done(peak_s: float, technique: str = "hinge", **known: Any) -> TrueLift:
    """A lift of two seconds."""
    return TrueLift(peak_s - 1, peak_s, peak_s + 1, technique, **known)


def told(peak_s: float, technique: str = "hinge", **more: Any) -> ToldLift:
    """A lift of two seconds in the middle of the picture."""
    known = {"center_x": 0.5, "confidence": 0.0 if technique == "unknown" else 0.9} | more
    return ToldLift(start_s=peak_s - 1, peak_s=peak_s, end_s=peak_s + 1, technique=technique, **known)


def clip(*lifts: TrueLift, name: str = "clip", **more: Any) -> Clip:
    return Clip(name, lifts, **({"rendered": False} | more))


def scored(*pairs: tuple[str, str], **more: Any) -> ScoredClip:
    """One minute in which one lift after the other was done and told, by technique."""
    lifts = [done(5.0 * number, each) for number, (each, _) in enumerate(pairs, 1)]
    return score(clip(*lifts, **more), [told(5.0 * number, each) for number, (_, each) in enumerate(pairs, 1)], 60.0)


def answer(confidence: float, right: bool) -> Match:
    """A hinge, told rightly or as a squat."""
    return Match(done(5), told(5, "hinge" if right else "squat", confidence=confidence))
